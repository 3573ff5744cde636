"""Which architecture a GPU has, and what GPUs of an architecture are called.

The names stand in ``data/gpus.tsv``, which is read on first use; ``tools/generate_gpus.py``
generates it. A GPU's target is its architecture without suffixes: ``sm_89``, ``gfx942``.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import cuda_toolkits, tables
from torch_abi_audit.knowledge.arch_names import BOARDS, major
from torch_abi_audit.model.device_code import target_key
from torch_abi_audit.model.errors import UnknownGpuError
from torch_abi_audit.model.gpus import Gpu
from torch_abi_audit.runtime.once import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping


def gpu(text: str) -> Gpu:
    """The GPU that a user means.

    Args:
        text: A compute capability or an architecture (``8.9``, ``89``, ``sm_89``,
            ``gfx90a:xnack-``), what the driver calls the GPU (``NVIDIA GeForce RTX 4090 Laptop
            GPU``), or what people call it (``RTX 4090``, ``rtx4090``, ``H100``, ``RTX 40``).

    Raises:
        UnknownGpuError: it is none of these, or could be GPUs of several architectures.
    """
    word = text.strip()
    found = _architecture(word)
    if found is not None:
        return Gpu(found, found)
    # only for names, which need the whole table
    from torch_abi_audit.knowledge import gpu_names

    named = gpu_names.find(word)
    if named is None:
        from torch_abi_audit.knowledge import gpu_hints

        hint = gpu_hints.hint(word, every_generation())
        if hint is not None:
            raise UnknownGpuError(f"{word!r} is not the name of one GPU: {hint}")
        raise UnknownGpuError(
            f"no known GPU is called {word!r}{gpu_names.nearest(word)}; a compute capability such "
            "as 8.9, or an architecture such as gfx942, will do as well"
        )
    return named


def gpu_of(target: str) -> Gpu:
    """The GPUs of an architecture, named as people call them: ``L4/RTX 40`` for ``sm_89``.

    Args:
        target: An architecture as ``KernelSet.targets`` has it, with or without suffix; an
            unknown one names itself.
    """
    plain = plain_target(target)
    name = _generation(plain)
    return Gpu(name or plain, plain)


def generations() -> tuple[Gpu, ...]:
    """The generations of NVIDIA's GPUs that a table always shows, by compute capability."""
    return _group("always", "sm_")


def amd_generations() -> tuple[Gpu, ...]:
    """The same for AMD's GPUs."""
    return _group("always", "gfx")


def every_generation() -> tuple[Gpu, ...]:
    """All generations with a name, also older GPUs and those of Jetson: NVIDIA's first."""
    every = (*_group("always", ""), *_group("on_demand", ""))
    return tuple(sorted(every, key=lambda one: target_key(one.target)))


def generations_for(targets: Iterable[str]) -> tuple[Gpu, ...]:
    """The generations to name beside code for these architectures: NVIDIA's first.

    Those that a table always shows, of the makers whose code it is, and any other with an
    architecture among them, or on which such code runs as it is of the same major version: no old
    GPU is passed over that was meant.
    """
    named = {plain_target(one) for one in targets}
    makers = {one.startswith("gfx") for one in named}
    usual = {one.target for one in (*generations(), *amd_generations())}
    return tuple(
        one
        for one in every_generation()
        if one.target in named
        or (one.target in usual and one.target.startswith("gfx") in makers)
        or (one.target not in BOARDS and _is_older(one.target) and _has_older(one.target, named))
    )


def _is_older(target: str) -> bool:
    """Whether it is an architecture of NVIDIA's from before those that a table always shows."""
    return target.startswith("sm_") and target_key(target) < target_key(generations()[0].target)


def _has_older(target: str, named: Iterable[str]) -> bool:
    """Whether there is code of its major version, which is not for newer GPUs alone."""
    return any(
        major(one) == major(target) and target_key(one) < target_key(target) for one in named
    )


def generic_of(target: str) -> str | None:
    """The generic architecture whose code an AMD GPU runs: ``gfx11-generic`` for ``gfx1100``."""
    rows = _tables()["generic"]
    plain = plain_target(target)
    return next((name for name, members in rows.items() if plain in members.split()), None)


def members_of(generic: str) -> tuple[str, ...]:
    """The architectures that run the code of a generic one; none for other words."""
    return tuple(_tables()["generic"].get(generic.partition(":")[0], "").split())


def plain_target(target: str) -> str:
    """The architecture of the GPU that code was compiled for, in today's spelling.

    ``sm_90`` for ``sm_90a`` and ``compute_90``, ``gfx942`` for ``gfx942:xnack-``, and ``sm_110``
    for ``sm_101``, as CUDA 12 called it. Other words are returned as they are.
    """
    match = _nvidia().fullmatch(target)
    return (
        cuda_toolkits.current_name(f"sm_{match[1]}{match[2]}")
        if match
        else target.partition(":")[0]
    )


def capability(target: str) -> str | None:
    """``8.9`` for ``sm_89``, ``sm_89a`` or ``compute_89``; None for an architecture of AMD."""
    match = _nvidia().fullmatch(target)
    return f"{match[1]}.{match[2]}" if match else None


def _architecture(word: str) -> str | None:
    """The architecture that a word spells, if it is a known one."""
    match = _nvidia().fullmatch(word)
    if match:
        known = f"sm_{match[1]}{match[2]}"
        spelt = f"{known}{match[3].lower()}"  # there is no sm_89a
        both = cuda_toolkits.is_known(known) and cuda_toolkits.is_known(spelt)
        return plain_target(known) if both else None
    amd = _amd().fullmatch(word.lower())
    return amd[0] if amd and amd[1] in _amd_architectures() else None


@once
def _nvidia() -> re.Pattern[str]:
    import re  # only to understand words: most runs name no GPU

    return re.compile(r"(?:(?:sm|compute)_?)?(\d{1,2})\.?(\d)([af]?)", re.IGNORECASE)


@once
def _amd() -> re.Pattern[str]:
    import re

    return re.compile(r"(gfx\d{1,2}[0-9a-f]{2})((?::[a-z]+[+-])*)")


@once
def _amd_architectures() -> frozenset[str]:
    sections = _tables()
    generic = [one for members in sections["generic"].values() for one in members.split()]
    return frozenset([*sections["names"], *generic])


def _generation(target: str) -> str | None:
    sections = _tables()
    return sections["always"].get(target) or sections["on_demand"].get(target)


def _group(section: str, prefix: str) -> tuple[Gpu, ...]:
    rows = _tables()[section]
    return tuple(Gpu(name, one) for one, name in rows.items() if one.startswith(prefix))


@once
def _tables() -> Mapping[str, Mapping[str, str]]:
    return tables.read("gpus").sections
