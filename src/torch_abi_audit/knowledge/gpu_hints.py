"""What somebody may have meant who names a GPU by something else.

The names of NVIDIA's architectures are those of https://developer.nvidia.com/cuda-gpus and of the
tuning guides of CUDA: https://docs.nvidia.com/cuda/ampere-tuning-guide/, for example.
"""

from __future__ import annotations

import re

from torch_abi_audit.knowledge import cuda_toolkits
from torch_abi_audit.knowledge.arch_names import capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from torch_abi_audit.model.gpus import Gpu

_ARCHITECTURES = {
    "maxwell": "sm_50 sm_52 sm_53",
    "pascal": "sm_60 sm_61 sm_62",
    "volta": "sm_70 sm_72",
    "turing": "sm_75",
    "ampere": "sm_80 sm_86 sm_87",
    "ada": "sm_89",
    "ada lovelace": "sm_89",
    "lovelace": "sm_89",
    "hopper": "sm_90",
    "blackwell": "sm_100 sm_103 sm_110 sm_120 sm_121",
    "rubin": "sm_107",
}
_MAJOR = re.compile(r"(?:(?:sm|compute)_?)?(\d{1,2})", re.IGNORECASE)
_SUFFIXED = re.compile(r"((?:sm|compute)_?)?(\d{1,2})\.?(\d)([a-z]+)", re.IGNORECASE)


def hint(word: str, generations: Sequence[Gpu]) -> str | None:
    """The end of a sentence that says what to write instead; None if nothing is known.

    Args:
        word: What was given for a GPU, and names none.
        generations: All that are known.
    """
    plain = word.strip().lower()
    several = [one.strip() for one in re.split(r"[,;]", word) if one.strip()]
    if len(several) > 1:
        return f"name each by itself ({', '.join(several)})"
    if plain.endswith("+ptx"):
        return f"'+PTX' says how code is compiled; the GPU is {word.strip()[:-4]}"
    meant = _ARCHITECTURES.get(plain.removesuffix(" gpu"))
    if meant is not None:
        return _named(meant.split(), generations)
    match = _MAJOR.fullmatch(plain)
    if match:
        return _named(
            [one.target for one in generations if one.target[3:-1] == match[1]], generations
        )
    match = _SUFFIXED.fullmatch(plain)
    if match and cuda_toolkits.is_known(f"sm_{match[2]}{match[3]}"):
        return (
            f"there is no architecture sm_{match[2]}{match[3]}{match[4]}; the compute capability "
            f"is {match[2]}.{match[3]}"
        )
    return None


def _named(targets: Collection[str], generations: Sequence[Gpu]) -> str | None:
    """``say 8.0 (A100) or 8.6 (A10/RTX 30)``; None without any."""
    found = [
        f"{capability(one.target)} ({one.name})" for one in generations if one.target in targets
    ]
    if not found:
        return None
    *most, last = found
    return f"say {', '.join(most)} or {last}" if most else f"say {last}"
