"""ELF relocatable files: symbols, relocations and line tables, found through the sections.

Layouts: the System V gABI. Every count and offset is bounded by the file.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from torch_abi_audit.formats.bounded import Budget, window
from torch_abi_audit.formats.dwarf_data import Fixups
from torch_abi_audit.formats.dwarf_inlines import Places
from torch_abi_audit.formats.elf.debug import debug_data
from torch_abi_audit.formats.elf.image import architecture
from torch_abi_audit.formats.elf.section_table import section_table
from torch_abi_audit.formats.object_file import Definition, ObjectFile, Relocation
from torch_abi_audit.formats.references import references
from torch_abi_audit.formats.strings import StringTable
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch_abi_audit.formats.elf.section_table import Section
    from torch_abi_audit.model.binary import Readable

_SHT_SYMTAB, _SHT_RELA, _SHT_REL, _SHT_SYMTAB_SHNDX = 2, 4, 9, 18
_SHF_ALLOC, _SHF_EXECINSTR = 2, 4
_SHN_UNDEF, _SHN_XINDEX, _SHN_LORESERVE = 0, 0xFFFF, 0xFF00
_STB_LOCAL, _STB_WEAK, _STB_UNIQUE = 0, 2, 10
_STT_OBJECT, _STT_FUNC, _STT_SECTION, _STT_FILE, _STT_IFUNC = 1, 2, 3, 4, 10
_HIDDEN = frozenset({1, 2})
_EM_MIPS = 8
_FIRST, _GAP = 1 << 16, 1 << 8
"""The flat address of the first section, and the multiple of which all are."""
_UNWIND = (b".eh_frame", b".gcc_except_table", b".ARM.exidx", b".ARM.extab", b".sframe")


class _Symbol(NamedTuple):
    name: bytes
    bind: int
    kind: int
    hidden: bool
    section: int
    value: int
    size: int


def read(source: Readable) -> ObjectFile:
    """Read one ``ET_REL`` file.

    Raises:
        FormatError: the file is damaged, cut short, or not relocatable.
    """
    return _Reader(source).object_file()


class _Reader:
    def __init__(self, source: Readable) -> None:
        self.source = source
        self.header = section_table(source)
        if self.header.kind != 1:
            raise FormatError(f"not an object file: its ELF type is {self.header.kind}")
        if not self.header.sections:
            raise FormatError("not an object file: it has no section headers")
        self.wide, self.order, self.machine = (
            self.header.wide,
            self.header.order,
            self.header.machine,
        )
        self.sections = self.header.sections
        self.budget = Budget(source, "relocation tables")
        self.symbols = list(self._symbols())

    def object_file(self) -> ObjectFile:
        undefined: list[bytes] = []
        optional: list[bytes] = []
        defined: set[bytes] = set()
        weak: set[bytes] = set()
        source = None
        for one in self.symbols:
            if one.kind == _STT_FILE:
                source = source or one.name.decode("utf-8", "backslashreplace") or None
            elif not one.name or one.bind == _STB_LOCAL:
                continue
            elif one.section == _SHN_UNDEF:
                (optional if one.bind == _STB_WEAK else undefined).append(one.name)
            else:
                defined.add(one.name)
                if one.bind in (_STB_WEAK, _STB_UNIQUE):
                    weak.add(one.name)
        starts = self._starts()
        places = self._places(starts)
        wanted = {*undefined, *optional}
        relocations = [
            Relocation(section, offset, symbol.name)
            for section, offset, symbol in self._relocations()
            if symbol.section == _SHN_UNDEF and symbol.name in wanted
        ]
        definitions = [
            Definition(one.section, one.value, one.size, one.name)
            for one in self.symbols
            if one.kind in (_STT_OBJECT, _STT_FUNC, _STT_IFUNC) and one.section != _SHN_UNDEF
        ]
        code = {
            number: start
            for number, start in starts.items()
            if self.sections[number].flags & _SHF_EXECINSTR
        }
        found = references(relocations, definitions, None if places is None else places.at, code)
        return ObjectFile(
            format=Format.ELF,
            arch=architecture(self.machine, wide=self.wide, little=self.order == "<"),
            undefined=tuple(dict.fromkeys(undefined)),
            weak_undefined=tuple(dict.fromkeys(optional)),
            defined=frozenset(defined),
            weak=frozenset(weak),
            references=found,
            source=source,
            has_lines=places is not None,
            split=bool(places is not None and places.split),
        )

    def _content(self, section: Section) -> bytes:
        what = section.name.decode("utf-8", "backslashreplace")
        return window(self.source, section.offset, section.size, what)

    def _symbols(self) -> Iterator[_Symbol]:
        at = next((i for i, one in enumerate(self.sections) if one.kind == _SHT_SYMTAB), None)
        if at is None:
            return
        table = self.sections[at]
        if table.link >= len(self.sections):
            raise FormatError("the symbol table has no string table")
        strings = self.sections[table.link]
        shape = Struct(self.order + ("IBBHQQ" if self.wide else "IIIBBH"))
        blob = self._content(table)
        entries = [
            fields if self.wide else (fields[0], *fields[3:], fields[1], fields[2])
            for fields in shape.iter_unpack(blob[: len(blob) - len(blob) % shape.size])
        ]
        text = StringTable(self.source, strings.offset, strings.size).names(
            {entry[0] for entry in entries}
        )
        far = self._far_sections(at, len(entries))
        for index, (name, info, other, section, value, size) in enumerate(entries):
            place = far[index] if section == _SHN_XINDEX and far else section
            if _SHN_LORESERVE <= section != _SHN_XINDEX:
                place = -1
            yield _Symbol(
                text[name], info >> 4, info & 15, other & 3 in _HIDDEN, place, value, size
            )

    def _far_sections(self, table: int, count: int) -> tuple[int, ...]:
        """Section numbers that do not fit into a symbol (``SHT_SYMTAB_SHNDX``)."""
        for one in self.sections:
            if one.kind == _SHT_SYMTAB_SHNDX and one.link == table and one.size >= count * 4:
                blob = window(self.source, one.offset, count * 4, "section indexes")
                return Struct(f"{self.order}{count}I").unpack(blob)
        return ()

    def _relocations(self) -> Iterator[tuple[int, int, _Symbol]]:
        """Section, offset and symbol of the relocations of code and data."""
        for one in self._relocation_tables():
            target = self.sections[one.info]
            if not target.flags & _SHF_ALLOC or target.name.startswith(_UNWIND):
                continue
            offsets, symbols, _ = self._columns(one)
            for offset, index in zip(offsets, symbols, strict=True):
                if index < len(self.symbols):
                    yield one.info, offset, self.symbols[index]

    def _relocation_tables(self) -> Iterator[Section]:
        for one in self.sections:
            if one.kind in (_SHT_RELA, _SHT_REL) and one.info < len(self.sections):
                yield one

    def _columns(self, table: Section) -> tuple[Sequence[int], Sequence[int], Sequence[int] | None]:
        """Offsets, symbol numbers and addends, if they are stated, of a table of relocations."""
        self.budget.spend(table.size)
        explicit = table.kind == _SHT_RELA
        word = "Q" if self.wide else "I"
        addend = word.lower() if explicit else ""
        shape = Struct(self.order + 2 * word + addend)
        blob = self._content(table)
        columns = list(
            zip(*shape.iter_unpack(blob[: len(blob) - len(blob) % shape.size]), strict=True)
        )
        if not columns:
            return (), (), () if explicit else None
        if not self.wide:
            symbols = [info >> 8 for info in columns[1]]
        elif self.machine == _EM_MIPS and self.order == "<":
            symbols = [info & 0xFFFFFFFF for info in columns[1]]
        else:
            symbols = [info >> 32 for info in columns[1]]
        return columns[0], symbols, columns[2] if explicit else None

    def _starts(self) -> dict[int, int]:
        """A flat address for each section that is loaded, none of them 0."""
        starts: dict[int, int] = {}
        address = _FIRST
        for number, one in enumerate(self.sections):
            if one.flags & _SHF_ALLOC:
                starts[number] = address
                address += (min(one.size, self.source.size) + _GAP) & -_GAP
        return starts

    def _places(self, starts: Mapping[int, int]) -> Places | None:
        """The debug information, with the values that a linker would fill in."""
        tables = {one.info: one for one in self._relocation_tables()}
        values: list[int | None] = []
        for one in self.symbols:
            known = 0 < one.section < len(self.sections)
            values.append(one.value + starts.get(one.section, 0) if known else None)

        def fixups(section: int) -> Fixups | None:
            if section not in tables:
                return None
            offsets, symbols, addends = self._columns(tables[section])
            known = [values[index] if index < len(values) else None for index in symbols]
            return Fixups(offsets, known, addends)

        try:
            data = debug_data(self.source, self.header, fixups, starts)
        except FormatError:
            return None
        return None if data is None else Places(data)
