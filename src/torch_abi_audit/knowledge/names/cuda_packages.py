"""Which CUDA libraries a requirement brings, judged by its name, its extras and its release.

NVIDIA publishes one distribution for each library of the toolkit (``nvidia-cublas-cu12``, since
CUDA 13 ``nvidia-cublas``), and ``cuda-toolkit``, whose extras require them. What they require in
turn is as their metadata of CUDA 12.9 and 13.5 says, and that of cuDNN 9.28.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.cuda import (
    distribution_word,
    is_published_apart,
    is_renamed,
    major,
)
from torch_abi_audit.knowledge.names.distribution import cuda_of, extras_of, required
from torch_abi_audit.runtime.records import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUIRES: Mapping[str, str] = MappingProxyType(
    {
        "cublas": "nvrtc",
        "cudnn": "cublas nvrtc",
        "cufft": "nvjitlink",
        "cufile": "",
        "cupti": "",
        "curand": "",
        "cusolver": "cublas cusparse nvjitlink nvrtc",
        "cusparse": "nvjitlink",
        "cusparselt": "",
        "nccl": "",
        "npp": "",
        "nvfatbin": "",
        "nvjitlink": "",
        "nvjpeg": "",
        "nvrtc": "",
        "nvshmem": "",
        "nvtx": "",
        "runtime": "",
    }
)
"""The word for each distribution of NVIDIA's that has one library, to those that it requires."""
_NO_LIBRARIES = frozenset(
    ["bindings", "cccl", "crt", "nvcc", "nvml-dev", "opencl", "pathfinder", "profiler-api"]
)
"""The words for distributions that bring nothing that others are linked to."""


def brings(line: str, library: str) -> bool:
    """Whether a requirement brings a CUDA library.

    Other distributions of NVIDIA's for a CUDA release (``nvidia-nvimgcodec-cu12``) count as
    bringing all of it; cuTENSOR and the like, which the toolkit has not, are left to ``lending``.

    Args:
        line: As in ``Requires-Dist``, or only the name of the requirement.
        library: As a file names it.
    """
    words, number = _contents(line), major(library)
    release = cuda_of(line)
    if is_published_apart(library) or is_renamed(library):
        return False
    if words is not None and _word(distribution_word(library)) not in words:
        return False
    if words is None and release is None:
        return False
    return number is None or release == number


def brings_some(name: str, library: str) -> bool:
    """``brings``, where of a requirement only its name is known: its release may be any."""
    words = _contents(name)
    if name == "cuda-toolkit":
        return not (is_published_apart(library) or is_renamed(library))
    if cuda_of(name) is not None or words is None:
        return brings(name, library)
    return not is_renamed(library) and _word(distribution_word(library)) in words


def may_bring(line: str, library: str) -> bool:
    """Whether a requirement for a CUDA release, of which no more is known, may bring a library.

    ``libraft-cu12`` may: it could require any library of CUDA 12.
    """
    if _contents(line) is not None or is_published_apart(library) or is_renamed(library):
        return False
    stem, _, digits = required(line).rpartition("-cu")
    if stem in ("", "nvidia") or not digits.isdecimal():
        return False
    return major(library) in (None, int(digits))


def _contents(line: str) -> frozenset[str] | None:
    """The words for the libraries that a requirement brings; None where that is not known."""
    name = required(line)
    if name == "cuda-toolkit":
        words = {_word(one) for one in extras_of(line)}
        found = {each for word in words for each in (word, *_REQUIRES.get(word, "").split())}
        return frozenset(_REQUIRES) if "all" in words else frozenset(found)
    stem, _, digits = name.rpartition("-cu")
    if not digits.isdecimal():  # nvidia-cublas
        stem = name
    word = _word(stem.removeprefix("nvidia-"))
    if stem.startswith(("nvidia-", "cuda-")):
        if word in _REQUIRES:
            return frozenset((word, *_REQUIRES[word].split()))
        if word in _NO_LIBRARIES:
            return frozenset()
    return None


def _word(text: str) -> str:
    """``runtime`` for ``cuda-runtime`` and for the extra ``cudart``."""
    return "runtime" if text == "cudart" else text.removeprefix("cuda-")
