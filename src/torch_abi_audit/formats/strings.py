"""String tables, read as the windows that the wanted names span."""

from __future__ import annotations

from itertools import accumulate

from torch_abi_audit.errors import FormatError
from torch_abi_audit.formats.window import window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from torch_abi_audit.model import Readable

_SPAN = 1 << 17  # most bytes held at once: more would only be more pages to fault in
_GAP = 1 << 14  # names further apart than this are read separately
_DENSE = 128  # bytes of a window for each name wanted of it, below which it is split
_TAIL = 1 << 10  # room for the last name of a window
_LONGEST = 1 << 20  # no compiler emits a longer name; a table without NULs must not be slurped


class StringTable:
    """NUL-terminated names at ``[offset, offset + size)`` of a source."""

    __slots__ = ("_offset", "_size", "_source")

    def __init__(self, source: Readable, offset: int, size: int) -> None:
        if offset + size > source.size:
            raise FormatError(
                f"string table at bytes {offset}..{offset + size} lies outside the file "
                f"of {source.size} bytes: cut short or damaged"
            )
        self._source, self._offset, self._size = source, offset, size

    def names(self, offsets: Collection[int]) -> dict[int, bytes]:
        """The name at each of ``offsets``.

        Raises:
            FormatError: an offset lies outside the table, a name has no end, or names overlap so
                much that reading them would cost far more than the table holds.
        """
        ordered = sorted(set(offsets))
        if ordered and ordered[-1] >= self._size:
            raise FormatError(
                f"name at offset {ordered[-1]} lies outside the string table of {self._size} bytes"
            )
        found: dict[int, bytes] = {}
        budget = 4 * self._size + _LONGEST
        index = 0
        while index < len(ordered):
            start = ordered[index]
            stop = index + 1
            while (
                stop < len(ordered)
                and ordered[stop] - ordered[stop - 1] <= _GAP
                and ordered[stop] - start < _SPAN
            ):
                stop += 1
            blob = self._read(start, ordered[stop - 1] - start + _TAIL)
            wanted = ordered[index:stop]
            # where most of a window is wanted, splitting it whole beats searching each end
            whole = _split(blob, start) if len(wanted) * _DENSE > len(blob) else {}
            for offset in wanted:
                name = whole.get(offset)
                if name is None:
                    end = blob.find(0, offset - start)
                    name = blob[offset - start : end] if end >= 0 else self._long_name(offset)
                budget -= len(name)
                if budget < 0:
                    raise FormatError("names overlap beyond what a string table can mean")
                found[offset] = name
            index = stop
        return found

    def find_prefixes(self, prefixes: tuple[bytes, ...]) -> dict[int, bytes]:
        """Every name, or tail of one, that begins with one of ``prefixes``, by its offset."""
        common = min(map(len, prefixes)) - 1
        stems = {prefix[:common] for prefix in prefixes}  # fewer to search for
        found: set[int] = set()
        for start in range(0, self._size, _SPAN):
            blob = self._read(start, _SPAN + common)
            for stem in stems:
                at = blob.find(stem)
                while 0 <= at < _SPAN:
                    found.add(start + at)
                    at = blob.find(stem, at + 1)
        return {at: name for at, name in self.names(found).items() if name.startswith(prefixes)}

    def _read(self, start: int, length: int) -> bytes:
        length = min(length, self._size - start)
        return window(self._source, self._offset + start, length, "string table")

    def _long_name(self, offset: int) -> bytes:
        blob = self._read(offset, _LONGEST)
        end = blob.find(0)
        if end < 0:
            raise FormatError(f"unterminated name at offset {offset} of the string table")
        return blob[:end]


def _split(blob: bytes, start: int) -> dict[int, bytes]:
    """Every terminated name of a window by its offset in the table; tails are not among them."""
    names = blob.split(b"\0")
    names.pop()
    starts = accumulate(map((1).__add__, map(len, names)), initial=start)
    return dict(zip(starts, names, strict=False))
