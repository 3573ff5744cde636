"""String tables, of which only the windows with wanted names are read."""

from __future__ import annotations

import os
from bisect import bisect_left

from torch_abi_audit.formats.bounded import outside, window
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torch_abi_audit.model.binary import Readable

_SPAN = 1 << 17  # most bytes in memory at once: more would only cause more page faults
_DENSE = 128  # a window with fewer bytes than this for each wanted name is split at its NULs
_TAIL = 1 << 10  # room for the last name of a window
_AT_ONCE = 1 << 21  # most bytes of a table that is read as a whole, which saves sorting
_PIECE = 1 << 15  # bytes of names that are split at once when searching for wanted names
_LONGEST = 1 << 20  # no compiler emits a longer name; a table without NULs is not read to its end


class StringTable:
    """NUL-terminated names at ``[offset, offset + size)`` of a source.

    Raises:
        FormatError: the table lies outside the source.
    """

    __slots__ = ("_offset", "_size", "_source")

    def __init__(self, source: Readable, offset: int, size: int) -> None:
        if offset + size > source.size:
            raise FormatError(outside(offset, size, source.size, "string table"))
        self._source, self._offset, self._size = source, offset, size

    def names(self, offsets: Collection[int]) -> dict[int, bytes]:
        """The name at each of ``offsets``, which may point into a longer name.

        Raises:
            FormatError: an offset lies outside the table, a name has no end, or the names overlap
                so much that together they are far longer than the table.
        """
        found: dict[int, bytes] = {}
        budget = self._budget()
        for start, wanted in self._spans(self._ordered(offsets)):
            blob = self._read(start, wanted[-1] - start + _TAIL)
            budget = self._take(blob, start, wanted, budget, found)
        return found

    def search(
        self, offsets: Collection[int], prefixes: tuple[bytes, ...]
    ) -> tuple[dict[int, bytes], dict[int, bytes]]:
        """``names``; and every name, or tail of a name, that begins with one of ``prefixes``.

        Both are by offset, and take one pass over the whole table. The pass searches for the common
        start of the prefixes: one search for two bytes is faster than one search for each prefix.

        Raises:
            FormatError: as ``names`` does.
        """
        found: dict[int, bytes] = {}
        begins: list[int] = []
        budget = self._budget()
        stem: bytes = os.path.commonprefix(prefixes)  # type: ignore[assignment]  # noqa: RUF071
        for start, length, wanted in self._parts(offsets):
            blob = self._read(start, length + _TAIL)
            budget = self._take(blob, start, wanted, budget, found)
            # from the end, since CPython's rfind takes half the time of find
            at = blob.rfind(stem, 0, length + len(stem) - 1)
            while at >= 0:
                if blob.startswith(prefixes, at):
                    begins.append(start + at)
                at = blob.rfind(stem, 0, at + len(stem) - 1)
        return found, self.names(begins)

    def _parts(self, offsets: Collection[int]) -> Iterator[tuple[int, int, Collection[int]]]:
        """The whole table in parts: the start of each, its length, and the offsets within it."""
        if self._size <= _AT_ONCE and len(offsets) * _DENSE >= self._size:
            if offsets:
                self._bounded(max(offsets))
            yield 0, self._size, offsets
            return
        ordered = self._ordered(offsets)
        index = 0
        for start in range(0, self._size, _SPAN):
            stop = bisect_left(ordered, start + _SPAN, index)
            yield start, _SPAN, ordered[index:stop]
            index = stop

    def among(self, offsets: list[int], wanted: frozenset[bytes]) -> frozenset[bytes]:
        """The names in ``wanted`` that are at one of ``offsets``; fast if few of them are.

        Raises:
            FormatError: as ``names`` does.
        """
        if offsets:
            self._bounded(max(offsets))
        found: set[bytes] = set()
        apart: list[int] = []  # names within a longer name, and names that a window cuts
        at_once = self._size <= _AT_ONCE
        for begin, here in [(0, offsets)] if at_once else self._spans(self._ordered(offsets)):
            # a byte earlier, since a NUL before a name shows that it is not part of a longer one
            start, stop = begin - 1, self._size if at_once else here[-1] + _TAIL
            blob = self._read(start, stop - start)
            apart += [offset for offset in here if blob[offset - begin]]
            places: frozenset[int] = frozenset()
            cut = start + blob.rfind(0)
            if cut < stop - 1:
                apart += [offset for offset in here if offset > cut]
            for at, names in _pieces(blob):
                likely = wanted.intersection(names)  # may be imports, which are in the table too
                if likely:
                    places = places or frozenset(here)
                    place = start + at
                    for name in names:
                        if name in likely and place in places:
                            found.add(name)
                        place += len(name) + 1
        return wanted.intersection(self.names(apart).values()) | found

    def contains(self, parts: Collection[bytes]) -> bool:
        """Whether a name contains one of ``parts``; creates no objects for names.

        Raises:
            FormatError: the table cannot be read.
        """
        room = max(map(len, parts), default=0)
        for start in range(0, self._size, _SPAN):
            blob = self._read(start, _SPAN + room)
            if any(part in blob for part in parts):
                return True
        return False

    def _ordered(self, offsets: Collection[int]) -> list[int]:
        ordered = sorted(offsets)
        if ordered:
            self._bounded(ordered[-1])
        return ordered

    def _bounded(self, offset: int) -> None:
        if offset >= self._size:
            raise FormatError(
                f"name at offset {offset} lies outside the string table of {self._size} bytes"
            )

    def _budget(self) -> int:
        """Most bytes that names may have together: in a real table they hardly overlap."""
        return 4 * self._size + _LONGEST

    @staticmethod
    def _spans(ordered: list[int]) -> Iterator[tuple[int, list[int]]]:
        """Groups of offsets that are close together, each with its first offset."""
        index = 0
        while index < len(ordered):
            stop = bisect_left(ordered, ordered[index] + _SPAN, index)
            yield ordered[index], ordered[index:stop]
            index = stop

    def _take(
        self, blob: bytes, start: int, wanted: Collection[int], budget: int, found: dict[int, bytes]
    ) -> int:
        """Add the names of a window to ``found``, and return the rest of the budget."""
        rest: Collection[int] = wanted
        if len(wanted) * _DENSE >= len(blob):
            places = frozenset(wanted)
            at, before = start, len(found)
            for name in blob.split(b"\0")[:-1]:  # the last one may continue after the window
                if at in places:
                    found[at] = name
                at += len(name) + 1
            rest = places - found.keys() if len(found) - before < len(places) else ()
        for offset in rest:  # names within a longer one, or too few to split the window for
            end = blob.find(0, offset - start)
            name = blob[offset - start : end] if end >= 0 else self._long_name(offset)
            budget -= len(name)
            if budget < 0:
                raise FormatError("the names overlap: together they exceed the string table's size")
            found[offset] = name
        return budget

    def _read(self, start: int, length: int) -> bytes:
        length = min(length, self._size - start)
        return window(self._source, self._offset + start, length, "string table")

    def _long_name(self, offset: int) -> bytes:
        blob = self._read(offset, _LONGEST)
        end = blob.find(0)
        if end < 0:
            raise FormatError(f"unterminated name at offset {offset} of the string table")
        return blob[:end]


def _pieces(blob: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """The names in a window, a few hundred at a time, and the offset of the first of them.

    With few names at a time, the new ones reuse the memory of the previous ones: fresh pages cost
    more than the names. The bytes after the last NUL are an incomplete name, and are left out.
    """
    at, end = 0, blob.rfind(0) + 1
    while at < end:
        cut = end
        if end - at > _PIECE:
            cut = blob.rfind(0, at, at + _PIECE) + 1 or blob.find(0, at) + 1
        names = blob[at:cut].split(b"\0")
        names.pop()
        yield at, names
        at = cut
