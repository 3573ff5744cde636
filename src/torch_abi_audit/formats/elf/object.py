"""ELF relocatable files: symbols, relocations and line tables, found through the sections.

Layouts: the System V gABI. Every count and offset is bounded by the file.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from torch_abi_audit.formats.bounded import Budget, c_string, window
from torch_abi_audit.formats.dwarf_lines import DebugSections, line_table
from torch_abi_audit.formats.elf.image import architecture
from torch_abi_audit.formats.object_file import Definition, ObjectFile, Relocation
from torch_abi_audit.formats.references import references
from torch_abi_audit.formats.strings import StringTable
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.binary import Readable

_SHT_SYMTAB, _SHT_RELA, _SHT_REL, _SHT_SYMTAB_SHNDX = 2, 4, 9, 18
_SHF_ALLOC, _SHF_COMPRESSED = 2, 0x800
_SHN_UNDEF, _SHN_ABS, _SHN_XINDEX, _SHN_LORESERVE = 0, 0xFFF1, 0xFFFF, 0xFF00
_STB_LOCAL, _STB_WEAK, _STB_UNIQUE = 0, 2, 10
_STT_OBJECT, _STT_FUNC, _STT_SECTION, _STT_FILE, _STT_IFUNC = 1, 2, 3, 4, 10
_HIDDEN = frozenset({1, 2})
_EM_MIPS = 8
_MOST_DEBUG = 64 << 20
"""Most bytes of a debug section: no translation unit has a larger line table."""
_UNWIND = (b".eh_frame", b".gcc_except_table", b".ARM.exidx", b".ARM.extab", b".sframe")


class _Section(NamedTuple):
    name: bytes
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int


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
        ident = window(source, 0, 16, "ELF header")
        if ident[4] not in (1, 2) or ident[5] not in (1, 2):
            raise FormatError(f"unknown ELF class {ident[4]} or byte order {ident[5]}")
        self.source, self.wide = source, ident[4] == 2
        self.order = ">" if ident[5] == 2 else "<"
        header = Struct(self.order + ("HHIQQQIHHHHHH" if self.wide else "HHIIIIIHHHHHH"))
        fields = header.unpack(window(source, 16, header.size, "ELF header"))
        kind, self.machine, shoff, entsize = fields[0], fields[1], fields[5], fields[10]
        if kind != 1:
            raise FormatError(f"not an object file: its ELF type is {kind}")
        self.budget = Budget(source, "relocation tables")
        self.sections = self._sections(shoff, fields[11], fields[12], entsize)
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
        lines = line_table(self._debug(), little=self.order == "<")
        wanted = {*undefined, *optional}
        relocations = [
            Relocation(section, offset, symbol.name)
            for section, offset, symbol, _ in self._relocations()
            if symbol.section == _SHN_UNDEF and symbol.name in wanted
        ]
        definitions = [
            Definition(one.section, one.value, one.size, one.name)
            for one in self.symbols
            if one.kind in (_STT_OBJECT, _STT_FUNC, _STT_IFUNC) and one.section != _SHN_UNDEF
        ]
        return ObjectFile(
            format=Format.ELF,
            arch=architecture(self.machine, wide=self.wide, little=self.order == "<"),
            undefined=tuple(dict.fromkeys(undefined)),
            weak_undefined=tuple(dict.fromkeys(optional)),
            defined=frozenset(defined),
            weak=frozenset(weak),
            references=references(relocations, definitions, lines),
            source=source,
            has_lines=lines is not None,
        )

    def _sections(self, shoff: int, count: int, names: int, entsize: int) -> list[_Section]:
        shape = Struct(self.order + ("IIQQQQIIQQ" if self.wide else "IIIIIIIIII"))
        if not shoff or entsize != shape.size:
            raise FormatError("not an object file: it has no section headers")
        if count == 0 or names == _SHN_XINDEX:  # the true numbers are in section 0 (gABI)
            first = shape.unpack(window(self.source, shoff, shape.size, "section header 0"))
            count = count or first[5]
            names = first[6] if names == _SHN_XINDEX else names
        blob = window(self.source, shoff, count * shape.size, "section headers")
        raw = list(shape.iter_unpack(blob))
        if not raw:
            return []
        if names >= len(raw):
            raise FormatError(
                f"section {names} should hold the section names, but there are {len(raw)} sections"
            )
        text = window(self.source, raw[names][4], raw[names][5], "section names")
        return [
            _Section(c_string(text, name, "section names"), kind, flags, offset, size, link, info)
            for name, kind, flags, _, offset, size, link, info, _, _ in raw
        ]

    def _content(self, section: _Section) -> bytes:
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

    def _relocations(
        self, *, debug: bool = False
    ) -> Iterator[tuple[int, int, _Symbol, int | None]]:
        """Section, offset, symbol and addend of the relocations of code and data.

        With ``debug``, those of the line table instead.
        """
        for one in self.sections:
            if one.kind not in (_SHT_RELA, _SHT_REL) or one.info >= len(self.sections):
                continue
            target = self.sections[one.info]
            if debug:
                if not target.name.startswith((b".debug_line", b".zdebug_line")):
                    continue
            elif not target.flags & _SHF_ALLOC or target.name.startswith(_UNWIND):
                continue
            explicit = one.kind == _SHT_RELA
            shape = Struct(
                self.order
                + ("QQ" if self.wide else "II")
                + (("q" if self.wide else "i") if explicit else "")
            )
            self.budget.spend(one.size)
            blob = self._content(one)
            for fields in shape.iter_unpack(blob[: len(blob) - len(blob) % shape.size]):
                symbol = self._symbol_of(fields[1])
                if symbol is not None:
                    yield one.info, fields[0], symbol, fields[2] if explicit else None

    def _symbol_of(self, info: int) -> _Symbol | None:
        if self.wide and self.machine == _EM_MIPS and self.order == "<":
            index = info & 0xFFFFFFFF
        else:
            index = info >> (32 if self.wide else 8)
        return self.symbols[index] if index < len(self.symbols) else None

    def _debug(self) -> DebugSections | None:
        """The line table's sections, with the values that a linker would fill in."""
        held: dict[str, bytes] = {}
        places: dict[int, tuple[int, int]] = {}
        for index, one in enumerate(self.sections):
            if one.name not in (b".debug_line", b".debug_line_str", b".debug_str"):
                continue
            if one.flags & _SHF_COMPRESSED or one.size > _MOST_DEBUG:
                return None  # compilers compress debug sections only on request
            held[one.name.decode()] = self._content(one)
            if one.name == b".debug_line":
                line = index
        if ".debug_line" not in held:
            return None
        blob = bytearray(held[".debug_line"])
        word = Struct(self.order + "I")
        for section, offset, symbol, addend in self._relocations(debug=True):
            if section != line or offset + 4 > len(blob):
                continue
            value = symbol.value + (word.unpack_from(blob, offset)[0] if addend is None else addend)
            target = symbol.section
            if 0 < target < len(self.sections) and self.sections[target].flags & _SHF_ALLOC:
                places[offset] = target, value
            elif addend is not None:
                word.pack_into(blob, offset, value & 0xFFFFFFFF)
        return DebugSections(
            line=bytes(blob),
            line_strings=held.get(".debug_line_str", b""),
            strings=held.get(".debug_str", b""),
            addresses=places,
        )
