"""The symbol versions of an ELF file: those it needs, those it defines, and each symbol's own.

Layout: the Linux Standard Base, "Symbol Versioning". The order is that of the tables, in which
ld.so checks them.
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.formats.elf.image import Image, Tag
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Row = TypeVar("Row", tuple[int, int, int, int], tuple[int, int, int])

BASE, WEAK = 1, 2
"""Flags: of the entry that names the library itself, and of a version that may be missing."""
_HIDDEN = 0x8000
_SIZES = (1 << 12, 1 << 20)
"""Bytes of a table to read: enough for nearly all files, then the limit."""
_MOST = 1 << 16
"""Most entries of a table: an index of a version has 15 bits."""


@dataclass(frozen=True, slots=True)
class Need:
    """A version that another library must define."""

    library: bytes
    name: bytes
    index: int
    hidden: bool
    """Whether only a symbol with exactly this version will do."""
    weak: bool
    """Whether the loader goes on if the library does not define it."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A version that the library defines."""

    name: bytes
    index: int
    base: bool
    """Whether it names the library itself, and is no version of symbols."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The tables DT_VERNEED and DT_VERDEF."""

    needs: tuple[Need, ...]
    definitions: tuple[Definition, ...]
    defines: bool
    """Whether there is a DT_VERDEF."""


def versions(image: Image) -> Versions:
    """The versions that a file needs and defines, in the order of its tables.

    Raises:
        FormatError: a table lies outside its segment, or a name outside of the string table.
    """
    needs, defined = need_rows(image), definition_rows(image)
    offsets = {offset for file, name, *_ in needs for offset in (file, name)}
    offsets |= {name for name, *_ in defined}
    text = image.strings().names(offsets) if offsets else {}
    return Versions(
        needs=tuple(
            Need(text[file], text[name], other & 0x7FFF, bool(other & _HIDDEN), bool(flags & WEAK))
            for file, name, flags, other in needs
        ),
        definitions=tuple(
            Definition(text[name], index & 0x7FFF, bool(flags & BASE))
            for name, flags, index in defined
        ),
        defines=Tag.VERDEF in image.tags,
    )


def need_rows(image: Image) -> list[tuple[int, int, int, int]]:
    """DT_VERNEED: string offsets of library and version, flags, and index with its hidden mark.

    Raises:
        FormatError: the table lies in no segment, or runs past it.
    """
    return _rows(image, Tag.VERNEED, "version requirements", _needs)


def definition_rows(image: Image) -> list[tuple[int, int, int]]:
    """DT_VERDEF: string offset of the version, flags and index.

    Of the names of an entry, the first is the version's own; the others are its parents'.

    Raises:
        FormatError: the table lies in no segment, or runs past it.
    """
    return _rows(image, Tag.VERDEF, "version definitions", _definitions)


def version_word(image: Image, symbol: int) -> int:
    """The entry of DT_VERSYM for a symbol: a version's index, and 0x8000 if it is hidden.

    Raises:
        FormatError: the symbol lies outside the table's segment.
    """
    blob = image.table(image.tags[Tag.VERSYM] + 2 * symbol, 2, "symbol versions")
    return int.from_bytes(blob, "little" if image.layout.order == "<" else "big")


def _rows(
    image: Image, tag: int, what: str, parse: Callable[[bytes, str], list[Row] | None]
) -> list[Row]:
    """The rows of a table; none if the file does not have it."""
    if tag not in image.tags:
        return []
    offset, room = image.at(image.tags[tag], what)
    for most in _SIZES:
        rows = parse(window(image.source, offset, min(room, most), what), image.layout.order)
        if rows is not None:
            return rows
    raise FormatError(f"the {what} run past their segment")


def _needs(blob: bytes, order: str) -> list[tuple[int, int, int, int]] | None:
    """``need_rows`` from the bytes of the table; None if ``blob`` is too short."""
    entry, aux = Struct(order + "4xIII"), Struct(order + "4xHHII")
    rows: list[tuple[int, int, int, int]] = []
    at = 0
    while at + entry.size <= len(blob) and len(rows) < _MOST:
        file, first, step = entry.unpack_from(blob, at)
        inner, onward = at + first, 1
        while onward:
            if inner + aux.size > len(blob) or len(rows) >= _MOST:
                return None
            flags, other, name, onward = aux.unpack_from(blob, inner)
            rows.append((file, name, flags, other))
            inner += onward
        if not step:
            return rows
        at += step
    return None


def _definitions(blob: bytes, order: str) -> list[tuple[int, int, int]] | None:
    """``definition_rows`` from the bytes of the table; None if ``blob`` is too short."""
    entry, name = Struct(order + "2xHH6xII"), Struct(order + "I")
    rows: list[tuple[int, int, int]] = []
    at = 0
    while at + entry.size <= len(blob) and len(rows) < _MOST:
        flags, index, first, step = entry.unpack_from(blob, at)
        if at + first + 8 > len(blob):
            return None
        rows.append((name.unpack_from(blob, at + first)[0], flags, index))
        if not step:
            return rows
        at += step
    return None
