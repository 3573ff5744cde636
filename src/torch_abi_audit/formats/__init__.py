"""Bytes to facts: every binary format by its magic, and nothing about torch or Python."""

from __future__ import annotations

from torch_abi_audit.model.binary import Binary, Format, NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.lazy_import import module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from torch_abi_audit.model.binary import Readable

    class _Reader(Protocol):
        def read(self, source: Readable) -> Binary | tuple[Binary, ...] | NotALibrary: ...
        def exports(self, source: Readable, binary: Binary) -> frozenset[bytes]: ...


_MAGICS = {
    b"\x7fELF": Format.ELF,
    b"\xfe\xed\xfa\xce": Format.MACHO,
    b"\xfe\xed\xfa\xcf": Format.MACHO,
    b"\xce\xfa\xed\xfe": Format.MACHO,
    b"\xcf\xfa\xed\xfe": Format.MACHO,
    b"\xca\xfe\xba\xbe": Format.MACHO,
    b"\xca\xfe\xba\xbf": Format.MACHO,
}
_READERS = {Format.ELF: "elf.library", Format.MACHO: "macho.library", Format.PE: "pe.library"}


def detect(head: bytes) -> Format | None:
    """The container format that a file's first bytes announce."""
    if head[:2] == b"MZ":
        return Format.PE
    return _MAGICS.get(head[:4])


def read(source: Readable) -> tuple[Binary, ...] | NotALibrary:
    """Every image of a file: one, or the slices of a universal Mach-O file.

    Raises:
        FormatError: the file is damaged, cut short, of an unsupported kind, or of no kind at all.
    """
    head = source.read_at(0, 16)
    kind = detect(head)
    if kind is not None:
        result = _reader(kind).read(source)
        return (result,) if isinstance(result, Binary) else result
    if head and any(magic.startswith(head) for magic in (*_MAGICS, b"MZ")):
        raise FormatError(f"cut short: {len(head)} bytes, the beginning of a library's header")
    from torch_abi_audit.formats import not_libraries  # rare, and not on the hot path

    for magic, name in not_libraries.UNSUPPORTED:
        if head.startswith(magic):
            raise FormatError(f"{name}: not a format that torch is published for")
    known = not_libraries.recognise(source)
    if known is None:
        raise FormatError("neither ELF, Mach-O nor PE, nor anything else that is known")
    return known


def exports(source: Readable, binary: Binary) -> frozenset[bytes]:
    """The names that ``binary``, an image of ``source``, offers to other libraries.

    Raises:
        FormatError: the file is damaged.
    """
    return _reader(binary.format).exports(source, binary)


def exported(source: Readable, binary: Binary, wanted: frozenset[bytes]) -> frozenset[bytes]:
    """Those of ``wanted`` that are among ``exports``: cheaper, where there are many of these.

    Raises:
        FormatError: the file is damaged.
    """
    if binary.format is Format.ELF:
        from torch_abi_audit.formats.elf import library as elf  # one reader is all that most need

        return elf.exported(source, wanted)
    return exports(source, binary) & wanted


def prepare(heads: Iterable[bytes]) -> None:
    """Import what reads files that begin so, for processes that are about to part."""
    for kind in {detect(head) for head in heads}:
        if kind is not None:
            _reader(kind)


def _reader(kind: Format) -> _Reader:
    return module(f"formats.{_READERS[kind]}")
