"""The units of ``debug_info``, and their entries: DWARF 5, section 7.5, and its earlier versions.

An entry is decoded only if its values are asked for; all others are stepped over by the sizes of
their forms, which each abbreviation adds up once.
"""

from __future__ import annotations

from bisect import bisect_right

from torch_abi_audit.formats.dwarf_data import DAMAGE, Allowance, Reader
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.formats.dwarf_data import DebugData
    from torch_abi_audit.formats.dwarf_ranges import Ranges

    _Values = dict[int, tuple[int, int]]
    """Attribute, to its form and number; for a text in the entry, where it stands in the unit."""


class At:
    """The attributes used here (DW_AT_*)."""

    SIBLING = 0x01
    NAME = 0x03
    STMT_LIST = 0x10
    LOW_PC = 0x11
    HIGH_PC = 0x12
    COMP_DIR = 0x1B
    ABSTRACT_ORIGIN = 0x31
    SPECIFICATION = 0x47
    RANGES = 0x55
    CALL_FILE = 0x58
    CALL_LINE = 0x59
    LINKAGE_NAME = 0x6E
    STR_OFFSETS_BASE = 0x72
    ADDR_BASE = 0x73
    RNGLISTS_BASE = 0x74
    DWO_NAME = 0x76
    MIPS_LINKAGE_NAME = 0x2007
    GNU_DWO_NAME = 0x2130


_WANTED = frozenset(value for name, value in vars(At).items() if name.isupper())
_ADDR, _STRING, _STRP, _REF_ADDR, _INDIRECT = 0x01, 0x08, 0x0E, 0x10, 0x16
_SEC_OFFSET, _FLAG_PRESENT, _STRX, _ADDRX, _LINE_STRP = 0x17, 0x19, 0x1A, 0x1B, 0x1F
_IMPLICIT_CONST, _RNGLISTX = 0x21, 0x23
_GNU_ADDR_INDEX, _GNU_STR_INDEX, _LLVM_ADDRX_OFFSET = 0x1F01, 0x1F02, 0x2001
_DATA4, _DATA8 = 0x06, 0x07
_FIXED = {
    form: size
    for size, forms in (
        (0, (_FLAG_PRESENT, _IMPLICIT_CONST)),
        (1, (0x0B, 0x0C, 0x11, 0x25, 0x29)),
        (2, (0x05, 0x12, 0x26, 0x2A)),
        (3, (0x27, 0x2B)),
        (4, (_DATA4, 0x13, 0x1C, 0x28, 0x2C)),
        (8, (_DATA8, 0x14, 0x20, 0x24)),
        (16, (0x1E,)),
    )
    for form in forms
}
"""The size of each form that has one, whatever the unit."""
_OFFSETS = frozenset({_STRP, _SEC_OFFSET, 0x1D, _LINE_STRP, 0x1F20, 0x1F21})
"""The forms whose size is that of an offset in a section."""
_ULEB = frozenset({0x0D, 0x0F, 0x15, _STRX, _ADDRX, 0x22, _RNGLISTX, 0x1F01, 0x1F02})
_BLOCKS = {0x0A: 1, 0x03: 2, 0x04: 4, 0x09: 0, 0x18: 0}
"""The forms of a block, to the size of its length; 0 for an LEB128 number."""
_UNIT_REFERENCES = frozenset({0x11, 0x12, 0x13, 0x14, 0x15})
_TEXT_INDEXES = frozenset({_STRX, _GNU_STR_INDEX, 0x25, 0x26, 0x27, 0x28})
_ADDRESS_INDEXES = frozenset({_ADDRX, _GNU_ADDR_INDEX, 0x29, 0x2A, 0x2B, 0x2C})
_MOST_ATTRIBUTES = 256
"""Most attributes of an entry: compilers write about 20."""
_ROOT = 1 << 12
"""Bytes of a unit in which its first entry usually ends."""
_MOST_UNITS = 1 << 17
_SKELETON, _TYPE, _SPLIT_TYPE, _SPLIT_COMPILE = 4, 2, 6, 5
_HOPS = 16
"""Most entries between an inlined function and the one that names it."""


class Shape:
    """One abbreviation: the tag and the forms of an entry."""

    __slots__ = ("attributes", "children", "code", "sibling", "size", "steps", "tag")

    def __init__(
        self, tag: int, attributes: list[tuple[int, int, int]], sizes: _Sizes, *, children: bool
    ) -> None:
        self.tag, self.children, self.attributes = tag, children, tuple(attributes)
        self.code = any(one[0] in (At.LOW_PC, At.RANGES) for one in attributes)
        """Whether the entry says where its code is."""
        self.sibling = -1
        """Where the four bytes of DW_AT_sibling stand in the entry; -1 if that varies."""
        steps: list[int] = []
        fixed = 0
        for attribute, form, _ in attributes:
            size = sizes.of(form)
            if size is None:
                steps += (fixed, -form)
                fixed = 0
            else:
                if attribute == At.SIBLING and form == 0x13 and not steps:
                    self.sibling = fixed
                fixed += size
        self.size = -1 if steps else fixed
        """The bytes of the entry after its code; -1 if they vary."""
        steps.append(fixed)
        self.steps = tuple(steps)


class _Sizes:
    """The sizes of forms in one kind of unit."""

    def __init__(self, version: int, offset_size: int, address_size: int) -> None:
        self.offset, self.address = offset_size, address_size
        self.reference = address_size if version <= 2 else offset_size

    def of(self, form: int) -> int | None:
        """The bytes of a form; None if they vary.

        Raises:
            FormatError: the form is unknown.
        """
        size = _FIXED.get(form)
        if size is not None:
            return size
        if form in _OFFSETS:
            return self.offset
        if form == _ADDR:
            return self.address
        if form == _REF_ADDR:
            return self.reference
        if form in _ULEB or form in _BLOCKS or form in (_STRING, _INDIRECT, _LLVM_ADDRX_OFFSET):
            return None
        raise FormatError(f"the debug information uses the unknown form {form:#x}")


class Abbreviations:
    """One table of abbreviations, read as far as its codes are asked for."""

    __slots__ = ("_allowance", "_reader", "_sizes", "known")

    def __init__(self, data: DebugData, offset: int, sizes: _Sizes, allowance: Allowance) -> None:
        section = data.sections["debug_abbrev"]
        self._reader: Reader | None = Reader(section, 0, section.whole(), offset)
        self._sizes, self._allowance = sizes, allowance
        self.known: dict[int, Shape] = {}
        """Those that were read so far, by code."""

    def shape(self, code: int) -> Shape:
        """The abbreviation with a code.

        Raises:
            FormatError: there is none, or the table is damaged.
        """
        found = self.known.get(code)
        if found is None:
            found = self._read_to(code)
        return found

    def _read_to(self, wanted: int) -> Shape:
        reader = self._reader
        while reader is not None:
            start = reader.pos
            code = reader.uleb()
            if code == 0:
                self._reader = None
                break
            tag, children = reader.uleb(), reader.number(1)
            attributes = []
            while True:
                attribute, form = reader.uleb(), reader.uleb()
                constant = reader.sleb() if form == _IMPLICIT_CONST else 0
                if not attribute and not form:
                    break
                attributes.append((attribute, form, constant))
                if len(attributes) > _MOST_ATTRIBUTES:
                    raise FormatError("an abbreviation has more attributes than any compiler gives")
            self._allowance.spend(reader.pos - start)
            shape = Shape(tag, attributes, self._sizes, children=bool(children))
            self.known.setdefault(code, shape)
            if code == wanted:
                return self.known[code]
        raise FormatError(f"the debug information uses the unknown abbreviation {wanted}")


class Unit:
    """One unit of ``debug_info``: where it stands, and what its first entry says."""

    __slots__ = (
        *("address_size", "base", "data", "end", "first", "offset", "offset_size", "reader"),
        *("root", "shapes", "version", "_bases", "split", "directory", "name"),
    )

    def __init__(self, units: Units, offset: int) -> None:
        section = units.data.sections["debug_info"]
        self.data, self.offset = units.data, offset
        piece = section.piece(offset, min(_ROOT, section.size - offset))
        reader = Reader(section, offset, piece)
        self.offset_size, length = reader.header()
        self.end = offset + reader.pos + length
        if length < 7 or self.end > section.size:
            raise FormatError("a unit of debug information runs past its section")
        self.root: _Values | None = None
        self.version = reader.number(2)
        if not 2 <= self.version <= 5:
            return
        kind = reader.number(1) if self.version == 5 else 1
        if self.version == 5:
            self.address_size = reader.number(1)
            abbreviations = reader.number(self.offset_size)
        else:
            abbreviations = reader.number(self.offset_size)
            self.address_size = reader.number(1)
        if kind in (_TYPE, _SPLIT_TYPE) or self.address_size not in (4, 8):
            return
        if kind in (_SKELETON, _SPLIT_COMPILE):
            reader.pos += 8
        self.first = reader.pos
        self.shapes = units.abbreviations(
            abbreviations, self.version, self.offset_size, self.address_size
        )
        reader.data = piece[: self.end - offset]
        self.reader = reader
        self._bases: _Values = {}
        try:
            self.root = self.entry(self.shapes.shape(reader.uleb()))
        except (IndexError, FormatError):
            if len(piece) >= self.end - offset:
                raise
            self.load()
            reader.pos = self.first
            self.root = self.entry(self.shapes.shape(reader.uleb()))
        self._bases = self.root
        self.split = At.DWO_NAME in self.root or At.GNU_DWO_NAME in self.root
        self.name = self.text(self.root, At.NAME)
        self.directory = self.text(self.root, At.COMP_DIR)

    def load(self) -> Reader:
        """Read the whole unit; the reader's position is the first entry."""
        section = self.data.sections["debug_info"]
        size = self.end - self.offset
        if len(self.reader.data) < size:
            self.reader.data = section.piece(self.offset, size)
        self.reader.pos = self.first
        return self.reader

    def unload(self) -> None:
        """Let go of the unit's bytes."""
        self.reader.data = self.reader.data[:_ROOT]

    def entry(self, shape: Shape) -> _Values:
        """The values that are used here of the entry whose code was just read."""
        values: _Values = {}
        for attribute, form, constant in shape.attributes:
            number = constant if form == _IMPLICIT_CONST else self._value(form)
            if attribute in _WANTED:
                values.setdefault(attribute, (form, number))
        return values

    def skip(self, shape: Shape) -> None:
        """Step over the values of an entry, if its size varies."""
        reader = self.reader
        for step in shape.steps:
            if step >= 0:
                reader.pos += step
            else:
                self._value(-step)

    def _value(self, form: int) -> int:
        """The number that a form holds; for texts and blocks, where they stand."""
        reader = self.reader
        size = _FIXED.get(form)
        if size is not None:
            if form in (_DATA4, _DATA8):
                return reader.number(size)  # before version 4, an offset has such a form
            at = reader.pos
            reader.pos += size
            return int.from_bytes(reader.data[at : at + size], reader.order) if size else 1
        if form in _OFFSETS:
            return reader.number(self.offset_size)
        if form == _ADDR:
            return reader.number(self.address_size)
        if form in _ULEB:
            return reader.uleb()
        if form in _BLOCKS:
            size = _BLOCKS[form]
            length = reader.number(size) if size else reader.uleb()
            at = reader.pos
            reader.pos += length
            return at
        return self._rare_value(form)

    def _rare_value(self, form: int) -> int:
        reader = self.reader
        if form == _STRING:
            at = reader.pos
            reader.text()
            return at
        if form == _REF_ADDR:
            return reader.number(self.address_size if self.version <= 2 else self.offset_size)
        if form == _INDIRECT:
            form = reader.uleb()
            if form == _INDIRECT:
                raise FormatError("the debug information has a form that names itself")
            return self._value(form)
        if form == _LLVM_ADDRX_OFFSET:
            reader.uleb()
            return reader.number(4)
        raise FormatError(f"the debug information uses the unknown form {form:#x}")

    def text(self, values: _Values, attribute: int) -> bytes | None:
        """The text of an attribute; None if there is none, or it is in another file."""
        if attribute not in values:
            return None
        form, number = values[attribute]
        if form == _STRING:
            if number >= len(self.reader.data):
                self.load()
            end = self.reader.data.find(0, number)
            return self.reader.data[number:end] if end >= 0 else None
        if form in _TEXT_INDEXES:
            base = self._bases.get(At.STR_OFFSETS_BASE, (0, 8))[1]
            offsets = self.data.sections.get("debug_str_offsets")
            if offsets is None:
                return None
            number = offsets.number(base + number * self.offset_size, self.offset_size)
        elif form not in (_STRP, _LINE_STRP):
            return None
        strings = self.data.sections.get("debug_line_str" if form == _LINE_STRP else "debug_str")
        return None if strings is None else strings.text(number)

    def address(self, values: _Values, attribute: int) -> int | None:
        """The address of an attribute; None if it has none, or not one of an address's forms."""
        if attribute not in values:
            return None
        form, number = values[attribute]
        if form == _ADDR:
            return number
        return self.indexed(number) if form in _ADDRESS_INDEXES else None

    def indexed(self, number: int) -> int:
        """The address with a number in the table of addresses.

        Raises:
            FormatError: there is no such table.
        """
        table = self.data.sections.get("debug_addr")
        if table is None:
            raise FormatError("the debug information has no table of addresses")
        base = self._bases.get(At.ADDR_BASE, (0, 8))[1]
        return table.number(base + number * self.address_size, self.address_size)

    def reference(self, values: _Values, attribute: int) -> int | None:
        """The offset in ``debug_info`` that an attribute refers to; None if it has none."""
        if attribute not in values:
            return None
        form, number = values[attribute]
        if form in _UNIT_REFERENCES:
            return self.offset + number
        return number if form == _REF_ADDR else None

    def ranges(
        self, values: _Values, lists: Ranges, *, inlined: bool = False
    ) -> list[tuple[int, int]]:
        """The addresses of an entry's code: starts and ends; empty if it has none."""
        if At.RANGES in values:
            form, number = values[At.RANGES]
            base = self.address(self._bases, At.LOW_PC) or 0
            if self.version < 5:
                found = lists.old(number, base, self.address_size, inlined=inlined)
            else:
                if form == _RNGLISTX:
                    start = self._bases.get(
                        At.RNGLISTS_BASE, (0, 12 if self.offset_size == 4 else 20)
                    )[1]
                    number = start + lists.offset(
                        start + number * self.offset_size, self.offset_size
                    )
                found = lists.new(number, base, self.address_size, self.indexed)
        else:
            low = self.address(values, At.LOW_PC)
            if low is None or At.HIGH_PC not in values:
                return []
            high = self.address(values, At.HIGH_PC)
            found = [(low, low + values[At.HIGH_PC][1] if high is None else high)]
        least = 2 if self.data.linked else 0  # the linker writes 0 or 1 for what it left out
        return [one for one in found if least <= one[0] < one[1]]


class Units:
    """All units of ``debug_info``, found by their heads."""

    def __init__(self, data: DebugData) -> None:
        self.data = data
        self._tables: dict[tuple[int, int, int, int], Abbreviations] = {}
        self._all: list[Unit] = []
        self._names: dict[int, bytes | None] = {}
        self._loaded: list[Unit] = []
        self._allowance: Allowance | None = None

    def read(self) -> list[Unit]:
        """The units that describe code, in the order of the file, up to the first damage."""
        section = self.data.sections.get("debug_info")
        if section is None or "debug_abbrev" not in self.data.sections:
            return []
        offset = 0
        while offset < section.size and len(self._all) < _MOST_UNITS:
            try:
                unit = Unit(self, offset)
            except DAMAGE:
                break
            if unit.root is not None:
                self._all.append(unit)
            offset = unit.end
        return self._all

    def abbreviations(
        self, offset: int, version: int, offset_size: int, address_size: int
    ) -> Abbreviations:
        """The table at an offset of ``debug_abbrev``, read once."""
        key = offset, 2 if version <= 2 else 3, offset_size, address_size
        found = self._tables.get(key)
        if found is None:
            sizes = _Sizes(version, offset_size, address_size)
            if self._allowance is None:
                size = self.data.sections["debug_abbrev"].size
                self._allowance = Allowance(size, "tables of abbreviations")
            found = Abbreviations(self.data, offset, sizes, self._allowance)
            self._tables[key] = found
        return found

    def function(self, unit: Unit, values: _Values) -> bytes | None:
        """The linkage name of a function, else its name, through the entries it refers to."""
        plain: bytes | None = None
        for _ in range(_HOPS):
            for attribute in (At.LINKAGE_NAME, At.MIPS_LINKAGE_NAME):
                if name := unit.text(values, attribute):
                    return name
            plain = plain or unit.text(values, At.NAME)
            target = unit.reference(values, At.ABSTRACT_ORIGIN)
            if target is None:
                target = unit.reference(values, At.SPECIFICATION)
            if target is None:
                break
            found = self._entry_at(unit, target)
            if found is None:
                break
            unit, values = found
        return plain

    def _entry_at(self, unit: Unit, offset: int) -> tuple[Unit, _Values] | None:
        """The unit and values of the entry at an offset of ``debug_info``."""
        if not unit.offset <= offset < unit.end:
            starts = [one.offset for one in self._all]
            index = bisect_right(starts, offset) - 1
            if index < 0 or offset >= self._all[index].end:
                return None
            unit = self._all[index]
        reader = unit.reader
        before = reader.pos
        self.keep(unit)
        reader.pos = offset - unit.offset
        try:
            code = reader.uleb()
            return (unit, unit.entry(unit.shapes.shape(code))) if code else None
        finally:
            reader.pos = before

    def keep(self, unit: Unit) -> Reader:
        """Load a unit, and let go of the one that was loaded longest ago if there are many."""
        reader = unit.load()
        if unit in self._loaded:
            self._loaded.remove(unit)
        self._loaded.append(unit)
        if len(self._loaded) > 8:
            self._loaded.pop(0).unload()
        return reader
