"""The check that the loader makes of a file's first bytes, with its words for each flaw.

From ``open_verify`` of glibc's ``elf/dl-load.c``.
"""

from __future__ import annotations

import os

from torch_abi_audit.doctor.elf.refusal import RefusalError
from torch_abi_audit.doctor.process import Failure, Refusal
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.formats.elf.image import Image
    from torch_abi_audit.sources.loading import LibraryFile

_CLASS, _DATA, _VERSION, _OSABI, _ABI_VERSION = 4, 5, 6, 7, 8
_SYSV, _GNU, _ABIS = 0, 3, 4
_DYNAMIC, _EXECUTABLE = 3, 2


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine whose files the loader accepts."""

    wide: bool
    order: str
    machine: int

    def number(self, data: bytes) -> int:
        """An unsigned number in the machine's byte order."""
        return int.from_bytes(data, "little" if self.order == "<" else "big")


def machine(image: Image) -> Machine:
    """The machine of a program."""
    return Machine(image.layout.wide, image.layout.order, image.machine)


class OtherClassError(Exception):
    """A file for the same processor with another word size: a search goes on without it."""


class OtherMachineError(Exception):
    """A file for another processor: a search goes on without it."""


def verify(file: LibraryFile, path: str, host: Machine) -> None:
    """Check the first bytes of a file.

    Raises:
        RefusalError: it is no library that this loader could open.
        OtherClassError: it has another word size.
        OtherMachineError: it is for another processor.
    """
    size = 64 if host.wide else 52
    try:
        head = file.read_at(0, size)
    except OSError as error:
        text = f"{path}: cannot read file data: {os.strerror(error.errno or 0)}"
        raise RefusalError(Failure(text, Refusal.DAMAGED, path)) from error
    if len(head) < size:
        raise RefusalError(Failure(f"{path}: file too short", Refusal.DAMAGED, path))
    flaw = _identification(head, host)
    if flaw is None:
        flaw = _rest(head, host)
    if flaw is not None:
        raise RefusalError(Failure(f"{path}: {flaw}", Refusal.DAMAGED, path))


def _identification(head: bytes, host: Machine) -> str | None:
    """The flaw of the first 16 bytes."""
    if head[:4] != b"\x7fELF":
        return "invalid ELF header"
    if head[_CLASS] != (2 if host.wide else 1):
        raise OtherClassError
    if head[_DATA] != (1 if host.order == "<" else 2):
        return f"ELF file data encoding not {'little' if host.order == '<' else 'big'}-endian"
    if head[_VERSION] != 1:
        return "ELF file version ident does not match current one"
    if head[_OSABI] not in (_SYSV, _GNU):
        return "ELF file OS ABI invalid"
    abi_version = head[_ABI_VERSION]
    if abi_version and (head[_OSABI] != _GNU or abi_version >= _ABIS):
        return "ELF file ABI version invalid"
    if any(head[_ABI_VERSION + 1 : 16]):
        return "nonzero padding in e_ident"
    return None


def _rest(head: bytes, host: Machine) -> str | None:
    """The flaw of what follows."""
    kind, processor = host.number(head[16:18]), host.number(head[18:20])
    entry = host.number(head[54:56] if host.wide else head[42:44])
    if host.number(head[20:24]) != 1:
        return "ELF file version does not match current one"
    if processor != host.machine:
        raise OtherMachineError
    if kind not in (_DYNAMIC, _EXECUTABLE):
        return "only ET_DYN and ET_EXEC can be loaded"
    if entry != (56 if host.wide else 32):
        return "ELF file's phentsize not the expected size"
    return None
