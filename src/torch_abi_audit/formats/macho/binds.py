"""The symbols that dyld binds in a Mach-O image: chained fixups and the older bind opcodes.

Layouts: Apple's ``<mach-o/fixup-chains.h>`` and ``<mach-o/loader.h>``. Only the imported names
are read, not the addresses to which dyld writes the bound values.
"""

from __future__ import annotations

import re
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.formats.macho.trie import uleb128
from torch_abi_audit.formats.strings import StringTable
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.formats.macho.image import Image

SELF, EXECUTABLE, FLAT, COALESCED = 0, -1, -2, -3
"""Ordinals that do not name a library; ``COALESCED`` means any weak definition in the process."""

_HEADER = "7I"
_IMPORTS = {1: "I", 2: "I4x", 3: "Q8x"}  # DYLD_CHAINED_IMPORT, _ADDEND, _ADDEND64
_ZLIB = 1
_WEAK_IMPORT = 1

_ULEB = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
_PLACE = rb"[\x50-\x5f\xd1]|[\x60-\x8f\xd0]" + _ULEB
_BIND = rb"[\x90-\x9f\xb0-\xbf]|[\xa0-\xaf]" + _ULEB + rb"|[\xc0-\xcf](?:" + _ULEB + rb"){2}"
_OPCODES = re.compile(
    # opcodes that move the place to bind, at most 255 in a row, to bound the matcher's memory
    rb"(?:" + _PLACE + rb"){0,255}"
    # then an opcode that ends the list (1), sets the ordinal (2, 3, 4), names the symbol (5 and 6)
    rb"(?:([\x00-\x0f])|([\x10-\x1f])|[\x20-\x2f](" + _ULEB + rb")|([\x30-\x3f])"
    rb"|([\x40-\x4f])([^\0]*)\0"
    # or binds it (7), in one place or many
    rb"|(" + _BIND + rb")(?:" + _PLACE + rb"|" + _BIND + rb"){0,255})?",
    re.DOTALL,
)


class Bind(NamedTuple):
    """The library in which a symbol is looked up, and whether the symbol may be missing."""

    ordinal: int
    """1-based position of the library among those that the image loads, or a special ordinal."""
    weak: bool


bind = lru_cache(maxsize=1 << 10)(Bind)
"""A cached :class:`Bind`: a library has thousands of imports, but few distinct binds."""


def gather(found: Iterable[tuple[bytes, Bind]]) -> dict[bytes, Bind]:
    """Each name once; a single strong reference makes a name strong."""
    result: dict[bytes, Bind] = {}
    for name, place in found:
        if name and (name not in result or (result[name].weak and not place.weak)):
            result[name] = place
    return result


def bound(image: Image) -> dict[bytes, Bind]:
    """Every name that dyld must look up to load the image, as linkers spell it.

    LC_DYLD_INFO's weak binds are left out: they unify definitions, but do not require any.

    Raises:
        FormatError: the tables are damaged, or of an unknown or unsupported kind.
    """
    found = gather((*_chained(image), *_opcodes(image)))
    most = len(image.dylibs)
    for name, (ordinal, _) in found.items():
        if not COALESCED <= ordinal <= most:
            raise FormatError(f"symbol {name!r} is bound to library {ordinal} of {most}")
    return found


def _chained(image: Image) -> Iterator[tuple[bytes, Bind]]:
    start, size = image.chained_fixups
    if not size:
        return
    header = Struct(image.order + _HEADER)
    if size < header.size:
        raise FormatError(f"the chained fixups are cut short: they have {size} bytes")
    version, _, imports, symbols, count, kind, packing = header.unpack(
        window(image.source, start, header.size, "chained fixups")
    )
    if version:
        raise FormatError(f"the chained fixups have the unknown version {version}")
    if not count:
        return
    if kind not in _IMPORTS:
        raise FormatError(f"the chained fixups have the unknown imports format {kind}")
    if packing:
        name = "zlib-compressed" if packing == _ZLIB else f"format {packing}"
        raise FormatError(f"chained fixups with {name} symbol names are not supported")
    shape = Struct(image.order + _IMPORTS[kind])
    if max(imports + count * shape.size, symbols) > size:
        raise FormatError(f"the imports run past the {size} bytes of the chained fixups")
    table = window(image.source, start + imports, count * shape.size, "chained imports")
    bits = 16 if kind == 3 else 8  # of the ordinal; the weak bit follows it
    shift = 32 if kind == 3 else 9
    raw = [value for (value,) in shape.iter_unpack(table)]
    names = StringTable(image.source, start + symbols, size - symbols).names(
        {value >> shift for value in raw}
    )
    top = 1 << bits
    for value in raw:
        ordinal = value & (top - 1)
        if ordinal > top - 16:  # 0xf1.. and 0xfff1.. are negative: special ordinals
            ordinal -= top
        yield names[value >> shift], bind(ordinal, bool(value >> bits & _WEAK_IMPORT))


def _opcodes(image: Image) -> Iterator[tuple[bytes, Bind]]:
    yield from _stream(image.table(image.binds, "binds"))
    yield from _stream(image.table(image.lazy_binds, "lazy binds"), lazy=True)


def _stream(blob: bytes, *, lazy: bool = False) -> Iterator[tuple[bytes, Bind]]:
    """The symbols bound by a list of bind opcodes; a lazy list is one such list per symbol."""
    name, flags, ordinal = b"", 0, SELF
    for match in _OPCODES.finditer(blob):
        group = match.lastindex
        if group == 7:
            yield name, bind(ordinal, bool(flags & _WEAK_IMPORT))
        elif group == 6:
            name, flags = match[6], match[5][0]
        elif group == 2:
            ordinal = match[2][0] & 0xF
        elif group == 1:
            if not lazy:
                return
            name, flags, ordinal = b"", 0, SELF
        elif group == 3:
            ordinal, _ = uleb128(match[3], 0)
        elif group == 4:
            ordinal = (match[4][0] & 0xF) - 16 if match[4][0] & 0xF else SELF
        elif match.end() == match.start() < len(blob):
            raise FormatError(f"bad bind opcode at byte {match.start()} of {len(blob)}")
