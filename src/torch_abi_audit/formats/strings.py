"""String tables, read as the windows that the wanted names span."""

from __future__ import annotations

import os
from bisect import bisect_left

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torch_abi_audit.model.binary import Readable

_SPAN = 1 << 17  # most bytes held at once: more would only be more pages to fault in
_DENSE = 128  # bytes of a window for each name wanted of it, below which it is split
_TAIL = 1 << 10  # room for the last name of a window
_AT_ONCE = 1 << 21  # size of a table that is looked through as a whole, which saves sorting
_PIECE = 1 << 15  # bytes of names that are made at once only to be looked for
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
        """The name at each of ``offsets``; any of them may lie within a longer name.

        Raises:
            FormatError: an offset lies outside the table, a name has no end, or names overlap so
                much that reading them would cost far more than the table holds.
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
        """``names``; and every name, or tail of one, that begins with one of ``prefixes``.

        Both by offset, in one pass over the whole table. What the prefixes begin with in common is
        what is searched for: one search for two bytes costs less than one for each of them.

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
            # from the end: there CPython's search takes half of the time
            at = blob.rfind(stem, 0, length + len(stem) - 1)
            while at >= 0:
                if blob.startswith(prefixes, at):
                    begins.append(start + at)
                at = blob.rfind(stem, 0, at + len(stem) - 1)
        return found, self.names(begins)

    def _parts(self, offsets: Collection[int]) -> Iterator[tuple[int, int, Collection[int]]]:
        """The whole table in parts: where one begins, its length, and the offsets within it."""
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
        """Those of ``wanted`` that stand at one of ``offsets``, hardly any of which is one.

        Raises:
            FormatError: as ``names`` does.
        """
        if offsets:
            self._bounded(max(offsets))
        found: set[bytes] = set()
        apart: list[int] = []  # names within a longer one, and those that a window cuts
        at_once = self._size <= _AT_ONCE
        for begin, here in [(0, offsets)] if at_once else self._spans(self._ordered(offsets)):
            # a byte earlier, so that what stands before a name tells whether it is a whole one
            start, stop = begin - 1, self._size if at_once else here[-1] + _TAIL
            blob = self._read(start, stop - start)
            apart += [offset for offset in here if blob[offset - begin]]
            places: frozenset[int] = frozenset()
            cut = start + blob.rfind(0)
            if cut < stop - 1:
                apart += [offset for offset in here if offset > cut]
            for at, names in _pieces(blob):
                likely = wanted.intersection(names)  # imports too, which the table holds as well
                if likely:
                    places = places or frozenset(here)
                    place = start + at
                    for name in names:
                        if name in likely and place in places:
                            found.add(name)
                        place += len(name) + 1
        return wanted.intersection(self.names(apart).values()) | found

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
        """How many bytes names may have together: in an honest table they hardly overlap."""
        return 4 * self._size + _LONGEST

    @staticmethod
    def _spans(ordered: list[int]) -> Iterator[tuple[int, list[int]]]:
        """Offsets that lie close together, with the first of them."""
        index = 0
        while index < len(ordered):
            stop = bisect_left(ordered, ordered[index] + _SPAN, index)
            yield ordered[index], ordered[index:stop]
            index = stop

    def _take(
        self, blob: bytes, start: int, wanted: Collection[int], budget: int, found: dict[int, bytes]
    ) -> int:
        """Add the names of a window to ``found``; what is left of the budget."""
        rest: Collection[int] = wanted
        if len(wanted) * _DENSE >= len(blob):
            places = frozenset(wanted)
            at, before = start, len(found)
            for name in blob.split(b"\0")[:-1]:  # the last is not ended within the window
                if at in places:
                    found[at] = name
                at += len(name) + 1
            rest = places - found.keys() if len(found) - before < len(places) else ()
        for offset in rest:  # within a longer one, or too few are wanted to split the window
            end = blob.find(0, offset - start)
            name = blob[offset - start : end] if end >= 0 else self._long_name(offset)
            budget -= len(name)
            if budget < 0:
                raise FormatError("names overlap beyond what a string table can mean")
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
    """The names of a window, some hundred at once, and where the first of them begins.

    Few at once, because they are made where the ones before were: new pages cost more than names.
    What stands behind the last NUL is not ended within the window, and is left out.
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
