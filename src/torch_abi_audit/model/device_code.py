"""The code for GPUs in a library: the architectures that it was compiled for.

Architectures are spelt as NVIDIA's and AMD's compilers spell them: ``sm_90`` for machine code of
compute capability 9.0 (a cubin), ``compute_90`` for PTX, which the driver compiles for newer GPUs;
``a`` after the number (``sm_90a``) for code of exactly one architecture, ``f`` (``sm_100f``) for
code of one family; ``gfx942:sramecc+:xnack-`` for AMD's target ids.
"""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass


@dataclass(frozen=True, slots=True)
class KernelSet:
    """The fatbins (or HIP bundles) of a library that were compiled for the same architectures."""

    targets: tuple[str, ...]
    """Their architectures, each once: cubins before PTX, older ones first."""
    count: int
    """How many fatbins there are: about one for each source file with kernels."""
    size: int = 0
    """Bytes of their code, as stored."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """The code for GPUs in one image, or in one object file."""

    sets: tuple[KernelSet, ...] = ()
    """Those with the most fatbins first, then by their targets. Fatbins without any entry are left
    out."""
    ptx_isa: tuple[tuple[str, str], ...] = ()
    """Each PTX architecture, to the newest version of the PTX language in which its code is
    written, such as ``("compute_90", "8.4")``; sorted like ``KernelSet.targets``."""
    others: tuple[str, ...] = ()
    """Entries that are neither cubin, PTX nor HIP code, in words, such as ``LTO-IR for sm_90``;
    sorted, each once."""
    problem: str | None = None
    """Why some of it could not be read; what was read is listed all the same."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Every architecture for which some set has code; ordered as in ``KernelSet.targets``."""
        every = {target for one in self.sets for target in one.targets}
        return tuple(sorted(every, key=target_key))


def target_key(target: str) -> tuple[int, int, str]:
    """Sorts architectures: cubins, then PTX, then AMD's; each by number, then by suffix."""
    for rank, prefix in enumerate(("sm_", "compute_")):
        if target.startswith(prefix):
            number = target[len(prefix) :].rstrip("abcdefghijklmnopqrstuvwxyz")
            return rank, int(number) if number.isdecimal() else 0, target
    # gfx90a and gfx942: the last two digits are hexadecimal
    stem = target.partition(":")[0].removeprefix("gfx")
    try:
        return 2, int(stem, 16) + (len(stem) << 20), target
    except ValueError:
        return 3, 0, target
