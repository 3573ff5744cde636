"""The symbol table of a Mach-O image: undefined and external symbols, as linkers spell them.

Layout: Apple's ``<mach-o/nlist.h>``.
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.formats.macho.binds import EXECUTABLE, FLAT, Bind, bind, gather
from torch_abi_audit.formats.strings import StringTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torch_abi_audit.formats.macho.image import Image

_CHUNK = 1 << 16  # entries per read: bounds memory whatever the size of the file

# n_type without N_STAB and N_PEXT, with N_EXT: stabs and private externs never match
_UNDEFINED = frozenset({0x01, 0x0D})  # N_UNDF, N_PBUD
_EXTERNAL = frozenset({0x0F, 0x03, 0x0B})  # N_SECT, N_ABS, N_INDR
_N_WEAK_REF = 0x40
_ORDINALS = {0xFE: FLAT, 0xFF: EXECUTABLE}


def undefined(image: Image) -> dict[bytes, Bind]:
    """The undefined symbols, in table order.

    Raises:
        FormatError: the table or a name lies outside the image.
    """
    found = [
        (name, desc) for name, kind, desc in _entries(image, image.undefined) if kind in _UNDEFINED
    ]
    text = _strings(image).names({name for name, _ in found})
    most = len(image.dylibs) if image.two_level else -1

    def place(desc: int) -> Bind:
        ordinal = desc >> 8
        known = ordinal if ordinal <= most else _ORDINALS.get(ordinal, FLAT)
        return bind(known, bool(desc & _N_WEAK_REF))

    places = {desc: place(desc) for desc in {desc for _, desc in found}}
    return gather((text[name], places[desc]) for name, desc in found if name)


def external(image: Image) -> Iterator[bytes]:
    """The names of the symbols that are defined and visible to other images.

    Raises:
        FormatError: the table or a name lies outside the image.
    """
    found = {name for name, kind, _ in _entries(image, image.external) if kind in _EXTERNAL}
    yield from _strings(image).names(found - {0}).values()


def external_with(image: Image, prefixes: Collection[bytes]) -> Iterator[bytes]:
    """The names of :func:`external` that begin with one of ``prefixes``; reads no other names."""
    _, found = _strings(image).search((), tuple(prefixes))
    if found:
        for name, kind, _ in _entries(image, image.external):
            if name in found and kind in _EXTERNAL:
                yield found[name]


def _entries(image: Image, span: range) -> Iterator[tuple[int, int, int]]:
    """Name offset, type and description of the symbols in ``span``."""
    shape = Struct(image.order + ("IBxH8x" if image.wide else "IBxH4x"))
    for first in range(span.start, span.stop, _CHUNK):
        count = min(_CHUNK, span.stop - first)
        offset = image.symtab.offset + first * shape.size
        blob = window(image.source, offset, count * shape.size, "symbol table")
        yield from shape.iter_unpack(blob)


def _strings(image: Image) -> StringTable:
    return StringTable(image.source, *image.symtab.strings)
