"""Cubins: ELF files with machine code for one NVIDIA GPU architecture.

CUDA 13, and CUDA 12 for sm_100 and newer, write a second form of the ELF header (ABI version 8),
which has the architecture at another place and says nothing of the toolkit. Fields: ``EF_CUDA_*``
of LLVM's ``BinaryFormat/ELF.h``; the toolkit in ``e_version`` was seen in cubins of CUDA 8 to 12.
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.runtime.records import dataclass

MACHINE = 190
_MAGIC = b"\x7fELF\x02\x01"
_HEADER = Struct("<8xB9xHI24xI8xH")
_NEWER = 8
"""The ABI version (``EI_ABIVERSION``) of the second form."""
_RELEASES = range(20, 140)
_SPECIFIC, _NEWER_SPECIFIC = 0x800, 0x8
_FIRST_SPECIFIC = 90
"""The oldest architecture with specific code. CUDA 12.4 sets that flag for some older ones, too."""


@dataclass(frozen=True, slots=True)
class Cubin:
    """The ELF header of a cubin."""

    architecture: str
    """Such as ``90`` or ``90a``; ptxas of CUDA 13 leaves the letter out."""
    toolkit: str | None
    """The CUDA release that it was made with; None in the second form."""
    has_code: bool
    """Whether it has more sections than a cubin without any function."""


def header(head: bytes) -> Cubin | None:
    """The ELF header at the start of ``head``; None if it does not begin like a cubin."""
    if len(head) < _HEADER.size or not head.startswith(_MAGIC):
        return None
    abi, machine, version, flags, sections = _HEADER.unpack_from(head)
    if machine != MACHINE:
        return None
    if abi < _NEWER:
        number = flags & 0xFF
        letter = "a" if flags & _SPECIFIC and number >= _FIRST_SPECIFIC else ""
        toolkit = f"{version // 10}.{version % 10}" if version in _RELEASES else None
        return Cubin(f"{number}{letter}", toolkit, sections > _sections(abi, number))
    number, letter = flags >> 8 & 0xFF, "a" if flags & _NEWER_SPECIFIC else ""
    return Cubin(f"{number}{letter}", None, sections > _sections(abi, number))


def _sections(abi: int, number: int) -> int:
    """The sections of a cubin without functions, as ptxas 11 to 13 write it."""
    return 7 if abi < _NEWER else 11 if number < 100 else 15
