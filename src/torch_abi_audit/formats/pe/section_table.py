"""The section headers of a COFF object file.

Layouts: Microsoft's PE/COFF specification; ``ANON_OBJECT_HEADER_BIGOBJ`` of ``winnt.h``.
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.bounded import c_string, window
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.binary import Readable

_ANONYMOUS = b"\x00\x00\xff\xff"
_HEADER, _BIG_HEADER = Struct("<2xH4xII4x"), Struct("<44xIII")
_SECTION = Struct("<8s8xII16x")
_MOST_STRINGS = 1 << 24


def sections(source: Readable) -> Iterator[tuple[bytes, int, int]]:
    """The name, file offset and size of each section with content.

    Raises:
        FormatError: the file is damaged, or cut short.
    """
    big = source.read_at(0, 4) == _ANONYMOUS
    if big and source.read_at(4, 2) < b"\2":
        return  # an entry of an import library
    shape, entry = (_BIG_HEADER, 20) if big else (_HEADER, 18)
    count, symbols, number = shape.unpack(window(source, 0, shape.size, "COFF header"))
    table = window(source, shape.size, count * _SECTION.size, "section headers")
    strings: bytes | None = None
    for raw, size, offset in _SECTION.iter_unpack(table):
        name = raw.rstrip(b"\0")
        if name.startswith(b"/") and name[1:].isdigit():
            if strings is None:
                strings = _strings(source, symbols + number * entry)
            name = c_string(strings, int(name[1:]), "section name")
        if offset and size:
            if offset + size > source.size:
                raise FormatError(f"section {name!r} ends behind the end of the file")
            yield name, offset, size


def _strings(source: Readable, at: int) -> bytes:
    """The string table, which begins with its size."""
    size = int.from_bytes(window(source, at, 4, "string table"), "little")
    return window(source, at, min(max(size, 4), _MOST_STRINGS), "string table")
