"""Mach-O relocatable files (``MH_OBJECT``): symbols, relocations and line tables.

Layouts: Apple's ``mach-o/loader.h``, ``nlist.h`` and ``reloc.h``.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from torch_abi_audit.formats.bounded import Budget, window
from torch_abi_audit.formats.dwarf_data import DebugData, Fixups
from torch_abi_audit.formats.dwarf_data import Section as DebugSection
from torch_abi_audit.formats.dwarf_inlines import Places
from torch_abi_audit.formats.macho.slices import THIN
from torch_abi_audit.formats.object_file import Definition, ObjectFile, Relocation
from torch_abi_audit.formats.references import references
from torch_abi_audit.formats.strings import StringTable
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_abi_audit.model.binary import Readable

_MACHINES = {7: "i686", 0x01000007: "x86_64", 12: "armv7", 0x0100000C: "arm64", 18: "ppc"}
_MH_OBJECT = 1
_LC_SEGMENT, _LC_SEGMENT_64, _LC_SYMTAB = 1, 0x19, 2
_N_STAB, _N_PEXT, _N_TYPE, _N_EXT, _N_SECT = 0xE0, 0x10, 0x0E, 0x01, 0x0E
_WEAK_REF, _WEAK_DEF = 0x40, 0x80
_UNSIGNED = 0
"""The type of a relocation that adds an address, on every machine."""
_LONG_NAMES = {"debug_str_offs": "debug_str_offsets"}
"""Names of debug sections that do not fit into 16 bytes."""
_UNWIND = (b"__eh_frame", b"__compact_unwind", b"__gcc_except_tab")


class _Section(NamedTuple):
    name: bytes
    segment: bytes
    address: int
    size: int
    offset: int
    relocations: int
    entries: int


class _Symbol(NamedTuple):
    name: bytes
    kind: int
    section: int
    description: int
    value: int


def is_object(source: Readable) -> bool:
    """Whether a file is a thin, relocatable Mach-O file."""
    head = source.read_at(0, 16)
    if head[:4] not in THIN or len(head) < 16:
        return False
    (kind,) = Struct(THIN[head[:4]][0] + "12xI").unpack(head)
    return bool(kind == _MH_OBJECT)


def read(source: Readable) -> ObjectFile:
    """Read one ``MH_OBJECT`` file.

    Raises:
        FormatError: the file is damaged, cut short, or not relocatable.
    """
    magic = window(source, 0, 4, "Mach-O header")
    if magic not in THIN:
        raise FormatError(f"not a thin Mach-O file: it begins with {magic.hex()}")
    return _Reader(source, *THIN[magic]).object_file()


class _Reader:
    def __init__(self, source: Readable, order: str, wide: bool) -> None:  # noqa: FBT001
        self.source, self.order, self.wide = source, order, wide
        self.budget = Budget(source, "relocation tables")
        header = Struct(order + "4xIIIII")
        fields = header.unpack(window(source, 0, header.size, "Mach-O header"))
        self.machine, kind, commands, size = fields[0], fields[2], fields[3], fields[4]
        if kind != _MH_OBJECT:
            raise FormatError(f"not an object file: its Mach-O file type is {kind}")
        self.sections: list[_Section] = []
        self.symbols: list[_Symbol] = []
        blob = window(source, 32 if wide else 28, size, "load commands")
        pos = 0
        for _ in range(commands):
            if pos + 8 > len(blob):
                raise FormatError("the load commands are cut short")
            command, length = Struct(order + "II").unpack_from(blob, pos)
            if length < 8 or pos + length > len(blob):
                raise FormatError(f"load command {command:#x} has a bad size of {length} bytes")
            if command in (_LC_SEGMENT, _LC_SEGMENT_64):
                self._segment(blob[pos : pos + length], wide=command == _LC_SEGMENT_64)
            elif command == _LC_SYMTAB:
                self.symbols = list(self._symbols(blob[pos : pos + length]))
            pos += length

    def object_file(self) -> ObjectFile:
        undefined: list[bytes] = []
        optional: list[bytes] = []
        defined: set[bytes] = set()
        weak: set[bytes] = set()
        for one in self.symbols:
            if one.kind & _N_STAB or not one.kind & _N_EXT or not one.name:
                continue
            if one.kind & _N_TYPE == 0 and one.value == 0:
                (optional if one.description & _WEAK_REF else undefined).append(one.name)
            else:
                defined.add(one.name)
                if one.description & _WEAK_DEF:
                    weak.add(one.name)
        starts = {
            number: one.address
            for number, one in enumerate(self.sections, 1)
            if one.segment != b"__DWARF"
        }
        places = self._places(starts)
        wanted = {*undefined, *optional}
        relocations = [
            Relocation(number, offset, symbol.name)
            for number, offset, symbol in self._relocations()
            if symbol.name in wanted and symbol.kind & _N_TYPE == 0
        ]
        definitions = [
            Definition(one.section, one.value - self.sections[one.section - 1].address, 0, one.name)
            for one in self.symbols
            if not one.kind & _N_STAB
            and one.kind & _N_TYPE == _N_SECT
            and 0 < one.section <= len(self.sections)
            and not one.name.startswith((b"L", b"l_", b"ltmp"))
        ]
        return ObjectFile(
            format=Format.MACHO,
            arch=_MACHINES.get(self.machine, f"machine-{self.machine}"),
            undefined=tuple(dict.fromkeys(undefined)),
            weak_undefined=tuple(dict.fromkeys(optional)),
            defined=frozenset(defined),
            weak=frozenset(weak),
            references=references(
                relocations, definitions, None if places is None else places.at, starts
            ),
            has_lines=places is not None,
        )

    def _segment(self, command: bytes, *, wide: bool) -> None:
        head = Struct(self.order + ("8x16sQQQQIIII" if wide else "8x16sIIIIIIII"))
        shape = Struct(self.order + ("16s16sQQIIIIIIII" if wide else "16s16sIIIIIIIII"))
        if len(command) < head.size:
            raise FormatError("the segment command is cut short")
        count = head.unpack_from(command)[7]
        if head.size + count * shape.size > len(command):
            raise FormatError(f"{count} sections do not fit into their load command")
        for index in range(count):
            fields = shape.unpack_from(command, head.size + index * shape.size)
            name, segment, address, size, offset, _, relocations, entries = fields[:8]
            self.sections.append(
                _Section(
                    name.rstrip(b"\0"),
                    segment.rstrip(b"\0"),
                    address,
                    size,
                    offset,
                    relocations,
                    entries,
                )
            )

    def _symbols(self, command: bytes) -> Iterator[_Symbol]:
        if len(command) < 24:
            raise FormatError("the symbol table command is cut short")
        at, count, strings, size = Struct(self.order + "8xIIII").unpack_from(command)
        shape = Struct(self.order + ("IBBHQ" if self.wide else "IBBHI"))
        blob = window(self.source, at, count * shape.size, "symbol table")
        entries = list(shape.iter_unpack(blob))
        text = StringTable(self.source, strings, size).names({entry[0] for entry in entries})
        for name, kind, section, description, value in entries:
            yield _Symbol(text[name].removeprefix(b"_"), kind, section, description, value)

    def _entries(self, section: _Section) -> Iterator[tuple[int, int, bool, int]]:
        """Of each relocation: offset, number of a symbol or section, whether of a symbol; type."""
        self.budget.spend(section.entries * 8)
        blob = window(self.source, section.relocations, section.entries * 8, "relocations")
        for address, info in Struct(self.order + "II").iter_unpack(blob):
            if address & 0x80000000 and not self.wide:
                continue  # scattered relocations never refer to undefined symbols
            number = info & 0xFFFFFF if self.order == "<" else info >> 8
            low = info >> 24 if self.order == "<" else info & 0xFF
            external = bool(low & 0x08) if self.order == "<" else bool(low & 0x10)
            yield address, number, external, low >> 4 if self.order == "<" else low & 0x0F

    def _relocations(self) -> Iterator[tuple[int, int, _Symbol]]:
        for number, section in enumerate(self.sections, 1):
            if section.segment == b"__DWARF" or section.name in _UNWIND:
                continue
            for offset, index, external, _ in self._entries(section):
                if external and index < len(self.symbols):
                    yield number, offset, self.symbols[index]

    def _places(self, starts: Mapping[int, int]) -> Places | None:
        """The debug information; its addresses are those of the file's sections."""
        found: dict[str, DebugSection] = {}
        for one in self.sections:
            if one.segment != b"__DWARF" or not one.name.startswith(b"__debug_"):
                continue
            if one.offset + one.size > self.source.size:
                return None
            name = one.name.decode("latin-1").removeprefix("__")
            name = _LONG_NAMES.get(name, name)
            found[name] = DebugSection(
                self.source, one.offset, one.size, name, self.order, self._fixups(one)
            )
        if "debug_line" not in found:
            return None
        return Places(DebugData(self.order, found, starts))

    def _fixups(self, section: _Section) -> Fixups:
        """The relocations that add a symbol's value; for others, the address is in the section."""
        values: dict[int, int] = {}
        differences = set()
        for offset, index, external, kind in self._entries(section):
            if kind != _UNSIGNED:
                differences.add(offset)
            elif external and index < len(self.symbols) and self.symbols[index].section:
                values[offset] = self.symbols[index].value
        offsets = sorted(values.keys() - differences)
        return Fixups(offsets, [values[offset] for offset in offsets])
