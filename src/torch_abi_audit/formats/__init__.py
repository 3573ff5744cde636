"""Bytes to facts: the libraries of every binary format, known by their first bytes.

What a reader owes is in ``interface``; object files and archives of them are read by ``objects``.
"""

from __future__ import annotations

from torch_abi_audit.model.binary import MAGICS, Binary, Format, NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.lazy_import import module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.formats.interface import LibraryReader
    from torch_abi_audit.model.binary import Readable

READERS = {Format.ELF: "elf.library", Format.MACHO: "macho.library", Format.PE: "pe.library"}
"""Format to the module that reads its libraries: imported when a file of that format is."""


def detect(head: bytes) -> Format | None:
    """The container format that a file's first bytes announce."""
    return MAGICS.get(head[:4]) or MAGICS.get(head[:2])


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
    if head and any(magic.startswith(head) for magic in MAGICS):
        raise FormatError(f"cut short: {len(head)} bytes, the beginning of a library's header")
    from torch_abi_audit.formats import not_libraries  # rare, and not on the hot path

    for magic, name in not_libraries.UNSUPPORTED:
        if head.startswith(magic):
            raise FormatError(f"{name}: this format is not supported")
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
    return _reader(binary.format).exported(source, wanted, binary)


def prepare(heads: Iterable[bytes]) -> None:
    """Import what reads files that begin so, for processes that are about to part."""
    for kind in {detect(head) for head in heads}:
        if kind is not None:
            _reader(kind)


def _reader(kind: Format) -> LibraryReader:
    return module(f"formats.{READERS[kind]}")
