"""The import tables of a DLL: which functions of which DLLs the loader looks up."""

from __future__ import annotations

import struct
import sys
from array import array
from typing import NamedTuple

from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.formats.pe.image import Image

_IMPORTS, _DELAY_IMPORTS = 1, 13
_MOST_DLLS = 1 << 14
_MOST_NAMES = 1 << 20
"""Most imports: a DLL has at most 65,536 ordinals, but may have aliases."""
_ORDINAL = 0xFFFF
"""The bits of an entry that hold the ordinal of an import without a name."""


class Import(NamedTuple):
    """What is imported from one DLL."""

    dll: str
    delayed: bool
    """Whether the DLL is loaded when a function is first called."""
    names: Sequence[int]
    """RVAs of the names; ``Image.names`` reads them."""
    ordinals: Sequence[int]
    """Ordinals of the functions that are imported without a name."""


@dataclass(frozen=True, slots=True)
class _Library:
    """One import descriptor."""

    name: int
    """RVA of the DLL's name."""
    thunks: int
    """RVA of the import lookup table."""
    base: int
    """Value to subtract from each address in that table."""


def imports(image: Image) -> list[Import]:
    """The imports of each DLL, those that the loader looks up at once before the delayed ones.

    Raises:
        FormatError: a table is damaged.
    """
    eager, delayed = _imported(image), _delay_imported(image)
    libraries = eager + delayed
    dlls = image.names([library.name for library in libraries], "name of an imported DLL")
    room = min(_MOST_NAMES, image.source.size * 8 // image.bits)
    found = []
    for index, library in enumerate(libraries):
        thunks = _thunks(image, library, room)
        room -= len(thunks)
        flag = 1 << (image.bits - 1)
        hint = 2 - library.base
        dll = dlls[library.name].decode("utf-8", "surrogateescape")
        names = [thunk + hint for thunk in thunks if thunk < flag]
        ordinals = [thunk & _ORDINAL for thunk in thunks if thunk >= flag]
        found.append(Import(dll, index >= len(eager), names, ordinals))
    return found


def _descriptors(image: Image, rva: int, width: int, what: str) -> Iterator[tuple[int, ...]]:
    """The 32-bit fields of each descriptor, at most ``_MOST_DLLS``; the caller detects the end."""
    seen = 0
    for rows in image.rows(rva, width, what):
        for fields in struct.iter_unpack(f"<{width // 4}I", rows):
            yield fields
            seen += 1
            if seen > _MOST_DLLS:
                raise FormatError(f"the {what} has more than {_MOST_DLLS} entries")


def _imported(image: Image) -> list[_Library]:
    libraries: list[_Library] = []
    rva = image.directory(_IMPORTS)
    if not rva:
        return libraries
    for lookup, _, _, name, bound in _descriptors(image, rva, 20, "import directory"):
        if not (name and bound):
            break
        # Old Borland linkers omit the lookup table; the address table refers to the names then.
        usable = image.headers_size <= lookup < image.image_size
        libraries.append(_Library(name, lookup if usable else bound, 0))
    return libraries


def _delay_imported(image: Image) -> list[_Library]:
    libraries: list[_Library] = []
    rva = image.directory(_DELAY_IMPORTS)
    if not rva:
        return libraries
    what = "delay-import directory"
    for attributes, name, _, _, lookup, _, _, _ in _descriptors(image, rva, 32, what):
        if not name:
            break
        base = 0 if attributes & 1 else image.base  # Visual C++ 6 wrote addresses, not RVAs
        libraries.append(_Library(name - base, lookup - base, base))
    return libraries


def _thunks(image: Image, library: _Library, room: int) -> array[int]:
    """The entries of an import lookup table, which ends with 0; at most ``room`` of them."""
    what = "import lookup table"
    thunks = array("I" if image.bits == 32 else "Q")
    for rows in image.rows(library.thunks, image.bits // 8, what):
        piece = array(thunks.typecode, rows)
        if sys.byteorder == "big":
            piece.byteswap()
        last = 0 in piece
        thunks.extend(piece[: piece.index(0)] if last else piece)
        if len(thunks) > room:
            raise FormatError(
                "the import lookup tables overlap: more imports than the file can hold"
            )
        if last:
            break
    return thunks
