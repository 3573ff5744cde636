"""The records by which a library registers its device code: where each container stands.

A record is 24 bytes: u32 magic, u32 version, u64 address of the container, u64 address of more.
CUDA's is that of ``fatbinary_section.h`` in its toolkit, and version 2 stands for what the device
linker made. HIP's is ``__CudaFatBinaryWrapper`` of https://github.com/ROCm/clr
(``hip_platform.cpp``).
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.runtime.records import dataclass

_RECORD = Struct("<IIQQ")
_CUDA, _HIP = 0x466243B1, 0x48495046
_MAGICS = (_CUDA.to_bytes(4, "little"), _HIP.to_bytes(4, "little"))
_VERSIONS = {_CUDA: (1, 2), _HIP: (1,)}
SIZE = _RECORD.size
_ALIGNMENT = 8


@dataclass(frozen=True, slots=True)
class Wrapper:
    """One record."""

    is_hip: bool
    is_device_linked: bool
    """Whether the device linker made the container (CUDA only)."""
    address: int
    """Of the container; 0 where only a relocation tells it."""


def wrappers(blob: bytes) -> list[Wrapper]:
    """The records in a section or segment that begins at a multiple of eight bytes."""
    found: list[Wrapper] = []
    for magic in _MAGICS:
        at = blob.find(magic)
        while 0 <= at <= len(blob) - SIZE:
            kind, version, address, _ = _RECORD.unpack_from(blob, at)
            if at % _ALIGNMENT == 0 and version in _VERSIONS[kind]:
                found.append(Wrapper(kind == _HIP, version == 2, address))
            at = blob.find(magic, at + 4)
    return found
