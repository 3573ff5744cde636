"""The source places of machine code: a line, and the calls that were inlined around it.

For an address, DW_TAG_inlined_subroutine tells which function each instruction came from and which
line called it, as ``addr2line -i`` shows. Only the units that cover an address are read, and in
them only the entries of functions that do; everything else is stepped over.
"""

from __future__ import annotations

from bisect import bisect_left

from torch_abi_audit.formats.dwarf_data import DAMAGE, Allowance
from torch_abi_audit.formats.dwarf_lines import all_lines, line_header, lines
from torch_abi_audit.formats.dwarf_ranges import Ranges
from torch_abi_audit.formats.dwarf_units import At, Units
from torch_abi_audit.formats.object_file import Frame, Place, SourceUnit
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.formats.dwarf_data import DebugData
    from torch_abi_audit.formats.dwarf_lines import LineHeader
    from torch_abi_audit.formats.dwarf_units import Shape, Unit

    _Values = dict[int, tuple[int, int]]

_SUBPROGRAM, _INLINED = 0x2E, 0x1D
_AROUND = frozenset({0x0B, 0x1E, 0x25, 0x32, 0x39})
"""Tags around functions: lexical blocks, modules, catch and try blocks, namespaces."""
_FEW = 16
"""Most units of an object file in which code is sought that they do not claim."""
_DEEPEST = 256
"""Most functions that are inlined into each other."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """A function, inlined or not, that covers an address."""

    offset: int
    """Where its entry stands in ``debug_info``."""
    values: _Values
    size: int
    """Bytes of the range that covers the address."""


class Places:
    """The places of a file's code, found when they are asked for."""

    def __init__(self, data: DebugData) -> None:
        self._data = data
        self._units = Units(data)
        self._ranges = Ranges(data)
        self._names: dict[int, bytes | None] = {}
        self._allowance = Allowance(data.sections["debug_line"].size, "line tables")
        self.split = 0
        """The number of units whose functions are described in another file (split DWARF)."""

    def at(self, addresses: Iterable[int]) -> dict[int, Place]:
        """The place of each flat address that the debug information covers.

        Damaged debug information is not an error, since places are only a convenience: what can be
        read is returned.
        """
        wanted = sorted(set(addresses))
        found: dict[int, Place] = {}
        units = self._units.read()
        self.split = sum(unit.split for unit in units)
        for unit, covered in self._covering(units, wanted):
            for address, place in self._of_unit(unit, covered):
                found.setdefault(address, place)
        rest = [address for address in wanted if address not in found]
        if not self._data.linked and rest:  # units of DWARF 2 do not name all of their sections
            for unit in units[:_FEW]:
                found.update(self._of_unit(unit, rest))
                rest = [address for address in rest if address not in found]
        if rest and not (self._data.linked and units):
            for address, (file, line) in all_lines(self._data, rest).items():
                found[address] = Place((Frame(None, file, line or None),))
        return found

    def _covering(self, units: list[Unit], wanted: list[int]) -> Iterator[tuple[Unit, list[int]]]:
        """Each unit that has code at a wanted address, with these addresses, sorted."""
        for unit in units:
            try:
                ranges = unit.ranges(unit.root or {}, self._ranges)
            except DAMAGE:
                continue
            if covered := _within(wanted, ranges):
                yield unit, covered

    def _of_unit(self, unit: Unit, addresses: list[int]) -> Iterator[tuple[int, Place]]:
        source = SourceUnit(_path(unit.name), _path(unit.directory))
        rows: dict[int, tuple[str | None, int]] = {}
        header: LineHeader | None = None
        try:
            if unit.root and At.STMT_LIST in unit.root:
                offset = unit.root[At.STMT_LIST][1]
                header = line_header(self._data, offset, source.directory or "")
                self._allowance.spend(header.size)
                source = SourceUnit(source.name, source.directory, header.files)
                rows = lines(self._data, offset, header, addresses)
        except DAMAGE:
            pass
        chains: dict[int, tuple[_Scope, ...]] = {}
        if not unit.split:
            chains = self._chains(unit, addresses)
        for address in addresses:
            chain = chains.get(address, ())
            if chain or address in rows:
                at = rows.get(address, (None, 0))
                yield address, Place(tuple(self._frames(unit, chain, header, at)), source)

    def _frames(
        self,
        unit: Unit,
        chain: tuple[_Scope, ...],
        header: LineHeader | None,
        at: tuple[str | None, int],
    ) -> Iterator[Frame]:
        """The frames of an address, innermost first; ``chain`` is outermost first."""
        file, line = at
        for scope in reversed(chain):
            yield Frame(self._name(unit, scope), file, line or None)
            number = scope.values.get(At.CALL_FILE, (0, 0))[1]
            file = None if header is None else header.file(number)
            line = scope.values.get(At.CALL_LINE, (0, 0))[1]
        if not chain:
            yield Frame(None, file, line or None)

    def _name(self, unit: Unit, scope: _Scope) -> bytes | None:
        if scope.offset not in self._names:
            try:
                name = self._units.function(unit, scope.values)
            except DAMAGE:
                name = None
            self._names[scope.offset] = name
        return self._names[scope.offset]

    def _chains(self, unit: Unit, addresses: list[int]) -> dict[int, tuple[_Scope, ...]]:
        """The functions around each address, outermost first."""
        found: dict[int, tuple[_Scope, ...]] = {}
        for thorough in (False, True):
            try:
                _Walk(self._units, unit, self._ranges, found).through(addresses, thorough=thorough)
            except DAMAGE:
                break
            addresses = [address for address in addresses if address not in found]
            if not addresses:
                break
        return found


class _Walk:
    """One pass over the entries of a unit."""

    def __init__(
        self, units: Units, unit: Unit, ranges: Ranges, found: dict[int, tuple[_Scope, ...]]
    ) -> None:
        self._unit, self._ranges, self._found = unit, ranges, found
        self._reader = units.keep(unit)

    def through(self, addresses: list[int], *, thorough: bool) -> None:
        """Find the functions around ``addresses``, which are sorted.

        Args:
            addresses: Where to look for functions.
            thorough: Whether functions are sought inside of types and other functions too.
        """
        unit, reader, get = self._unit, self._reader, self._unit.shapes.shape
        data, known = reader.data, self._unit.shapes.known
        stack: list[tuple[list[int], int]] = []
        inside: list[int] = []
        level = 0  # functions that are open around the entry
        root = get(reader.uleb())
        unit.entry(root)
        pos, end = reader.pos, len(data)
        while pos < end and root.children:
            reader.pos = pos
            code = data[pos]
            pos += 1
            if code >= 0x80:
                code = reader.uleb()
                pos = reader.pos
            if code == 0:
                if not stack:
                    break
                inside, level = stack.pop()
                continue
            shape = known.get(code) or get(code)
            tag = shape.tag
            around, depth = inside, level
            if shape.code and (tag == _SUBPROGRAM or (inside and tag == _INLINED)):
                reader.pos = pos
                offset = unit.offset + pos
                values = unit.entry(shape)
                after = reader.pos
                around = self._matched(
                    offset, values, addresses if tag == _SUBPROGRAM else inside, level, tag
                )
                depth = level + 1 if tag == _INLINED else 1
                enter = bool(around) or thorough
            else:
                if shape.size >= 0:
                    after = pos + shape.size
                else:
                    reader.pos = pos
                    unit.skip(shape)
                    after = reader.pos
                enter = thorough or tag in _AROUND or (tag == _INLINED and bool(inside))
            if not shape.children:
                pos = after
            elif enter:
                stack.append((inside, level))
                inside, level, pos = around, depth, after
            else:
                pos = self._past(shape, pos, after)

    def _matched(
        self, offset: int, values: _Values, among: list[int], level: int, tag: int
    ) -> list[int]:
        """The addresses in the code of a function, which is added to their chains."""
        ranges = self._unit.ranges(values, self._ranges, inlined=tag == _INLINED)
        matched = []
        for address in _within(among, ranges):
            size = min(high - low for low, high in ranges if low <= address < high)
            scope = _Scope(offset, values, size)
            before = self._found.get(address, ())
            if tag == _SUBPROGRAM:
                if before and before[0].size <= size:
                    continue  # code that several functions share
                self._found[address] = (scope,)
            else:
                if level > _DEEPEST or (len(before) > level and before[level].size <= size):
                    continue
                self._found[address] = (*before[:level], scope)
            matched.append(address)
        return matched

    def _past(self, shape: Shape, values: int, pos: int) -> int:
        """The end of the children of an entry.

        Args:
            shape: The entry's abbreviation.
            values: Where its values start.
            pos: Where its children start.
        """
        unit, reader, get = self._unit, self._reader, self._unit.shapes.shape
        data, known = reader.data, self._unit.shapes.known
        depth = 1
        while True:
            if shape.sibling >= 0:
                at = values + shape.sibling
                target = int.from_bytes(data[at : at + 4], reader.order)
                if pos < target <= len(data):
                    pos = target
                    depth -= 1
            if depth == 0:
                return pos
            while True:
                code = data[pos]
                pos += 1
                if code >= 0x80:
                    reader.pos = pos - 1
                    code = reader.uleb()
                    pos = reader.pos
                if code == 0:
                    depth -= 1
                    if depth == 0:
                        return pos
                    continue
                shape = known.get(code) or get(code)
                values = pos
                if shape.size >= 0:
                    pos += shape.size
                else:
                    reader.pos = pos
                    unit.skip(shape)
                    pos = reader.pos
                if shape.children:
                    depth += 1
                    break


def _within(addresses: list[int], ranges: list[tuple[int, int]]) -> list[int]:
    """Those of ``addresses``, which are sorted, that lie in one of the ranges; sorted."""
    if len(ranges) == 1:
        ((low, high),) = ranges
        first = bisect_left(addresses, low)
        return addresses[first : bisect_left(addresses, high, first)]
    found: set[int] = set()
    for low, high in ranges:
        first = bisect_left(addresses, low)
        found.update(addresses[first : bisect_left(addresses, high, first)])
    return sorted(found)


def _path(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "backslashreplace")
