"""String tables, read as the windows that the wanted names span."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

from torch_abi_audit.errors import FormatError
from torch_abi_audit.formats.window import window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from torch_abi_audit.model import Readable

_SPAN = 1 << 17  # most bytes held at once: more would only be more pages to fault in
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
            stop = bisect_left(ordered, start + _SPAN, index)
            wanted = ordered[index:stop]
            blob = self._read(start, wanted[-1] - start + _TAIL)
            named = self._split(blob, start, wanted)
            if named is None:
                named = self._each(blob, start, wanted, budget)
                budget -= sum(map(len, named))
            found.update(zip(wanted, named, strict=True))
            index = stop
        return found

    @staticmethod
    def _split(blob: bytes, start: int, wanted: list[int]) -> list[bytes] | None:
        """The names of a window, all of it split at once: faster where most of it is wanted.

        None where it is not, and where one of them is the tail of another.
        """
        if len(wanted) * _DENSE < len(blob):
            return None
        names = blob.split(b"\0")
        names.pop()  # not ended within the window
        starts = accumulate(map((1).__add__, map(len, names)), initial=start)
        whole = dict(zip(starts, names, strict=False))
        found = [whole[offset] for offset in wanted if offset in whole]
        return found if len(found) == len(wanted) else None

    def _each(self, blob: bytes, start: int, wanted: list[int], budget: int) -> list[bytes]:
        """The names of a window, each searched for its end."""
        found = []
        for offset in wanted:
            end = blob.find(0, offset - start)
            name = blob[offset - start : end] if end >= 0 else self._long_name(offset)
            budget -= len(name)
            if budget < 0:
                raise FormatError("names overlap beyond what a string table can mean")
            found.append(name)
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
