"""Lists of address ranges: ``debug_ranges``, and ``debug_rnglists`` of DWARF 5, section 7.25."""

from __future__ import annotations

from torch_abi_audit.formats.dwarf_data import Reader
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from torch_abi_audit.formats.dwarf_data import DebugData, Section

_MOST = 1 << 22
"""Most ranges that are read in one file: damaged entries could share a long list."""
_END, _BASE_INDEX, _INDEXES, _INDEX_LENGTH, _OFFSETS, _BASE, _ADDRESSES, _LENGTH = range(8)


class Ranges:
    """The lists of ranges in one file."""

    __slots__ = ("_data", "_left")

    def __init__(self, data: DebugData) -> None:
        self._data, self._left = data, _MOST

    def old(
        self, offset: int, base: int, size: int, *, inlined: bool = False
    ) -> list[tuple[int, int]]:
        """The list at ``offset`` of ``debug_ranges``: starts and ends.

        Args:
            offset: Where the list stands.
            base: The address that the unit's ranges count from.
            size: Bytes of an address.
            inlined: Whether the list is that of an inlined function. GCC begins it with an empty
                range if a function begins with an empty piece of the inlined one. That looks like
                the end of the list, but GCC writes no list without ranges.

        Raises:
            FormatError: there is no such list, or it is damaged.
        """
        section = self._section("debug_ranges")
        first = offset
        highest = (1 << 8 * size) - 1
        found: list[tuple[int, int]] = []
        while True:
            start, end = section.number(offset, size), section.number(offset + size, size)
            offset += 2 * size
            self._spend()
            if start == 0 == end:
                if inlined and offset == first + 2 * size:
                    continue
                return found
            if start == highest:
                base = end
            else:
                found.append((base + start, base + end))

    def offset(self, at: int, size: int) -> int:
        """An entry of a table of lists, at an offset of ``debug_rnglists``.

        Raises:
            FormatError: it lies outside of the section.
        """
        return self._section("debug_rnglists").number(at, size)

    def new(
        self, offset: int, base: int, size: int, indexed: Callable[[int], int]
    ) -> list[tuple[int, int]]:
        """The list at ``offset`` of ``debug_rnglists``: starts and ends.

        Args:
            offset: Where the list stands.
            base: The address that the unit's ranges count from.
            size: Bytes of an address.
            indexed: Gives the address with a number in the unit's table of addresses.

        Raises:
            FormatError: there is no such list, or it is damaged.
            IndexError: it runs past its section.
        """
        section = self._section("debug_rnglists")
        if not 0 <= offset < section.size:
            raise FormatError("a list of ranges lies outside of its section")
        reader = Reader(section, 0, section.whole(), offset)
        found: list[tuple[int, int]] = []
        while True:
            self._spend()
            kind = reader.number(1)
            if kind == _END:
                return found
            if kind == _BASE:
                base = reader.number(size)
            elif kind == _BASE_INDEX:
                base = indexed(reader.uleb())
            elif kind == _OFFSETS:
                found.append((base + reader.uleb(), base + reader.uleb()))
            elif kind == _ADDRESSES:
                found.append((reader.number(size), reader.number(size)))
            elif kind == _INDEXES:
                found.append((indexed(reader.uleb()), indexed(reader.uleb())))
            elif kind in (_LENGTH, _INDEX_LENGTH):
                start = reader.number(size) if kind == _LENGTH else indexed(reader.uleb())
                found.append((start, start + reader.uleb()))
            else:
                raise FormatError(f"a list of ranges has an entry of the unknown kind {kind}")

    def _section(self, name: str) -> Section:
        section = self._data.sections.get(name)
        if section is None:
            raise FormatError(f"the debug information has no {name}")
        return section

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise FormatError("the lists of ranges are longer than any compiler writes")
