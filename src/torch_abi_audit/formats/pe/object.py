"""COFF object files, including ``/bigobj``: symbols, relocations, and DWARF lines if present.

Layouts: Microsoft's PE/COFF specification; ``ANON_OBJECT_HEADER_BIGOBJ`` of ``winnt.h``.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from torch_abi_audit.formats.bounded import Budget, c_string, window
from torch_abi_audit.formats.dwarf_data import DebugData, Fixups
from torch_abi_audit.formats.dwarf_data import Section as DebugSection
from torch_abi_audit.formats.dwarf_inlines import Places
from torch_abi_audit.formats.object_file import Definition, ObjectFile, Relocation
from torch_abi_audit.formats.references import references
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_abi_audit.model.binary import Readable

MACHINES = {0x14C: "i686", 0x8664: "x86_64", 0xAA64: "arm64", 0xA641: "arm64", 0x1C4: "armv7"}
_ANONYMOUS = b"\x00\x00\xff\xff"
_BIGOBJ = bytes.fromhex("c7a1bad1eebaa94baf20faf66aa4dcb8")
_EXTERNAL, _STATIC, _FILE, _WEAK_EXTERNAL = 2, 3, 103, 105
_FUNCTION, _COMDAT, _MORE_RELOCATIONS = 0x20, 0x1000, 0x01000000
_REMOVED = 0x00000800 | 0x02000000  # LNK_REMOVE, MEM_DISCARDABLE
_UNWIND = (b".pdata", b".xdata", b".debug", b".eh_frame")
_FIRST, _GAP = 1 << 16, 1 << 12
"""The flat address of the first section, and the multiple of which all are."""
_IMPORTED = b"__imp_"


class _Section(NamedTuple):
    name: bytes
    size: int
    offset: int
    relocations: int
    entries: int
    flags: int


class _Symbol(NamedTuple):
    name: bytes
    value: int
    section: int
    kind: int
    storage: int
    extra: bytes


def is_object(source: Readable) -> bool:
    """Whether a file begins like a COFF object: a known machine, and a symbol table in the file."""
    head = source.read_at(0, 56)
    if head[:4] == _ANONYMOUS:
        return len(head) >= 20
    if len(head) < 20:
        return False
    machine, sections, _, at, count, optional, _ = Struct("<HHIIIHH").unpack_from(head)
    return (
        machine in MACHINES
        and sections > 0
        and optional == 0
        and 20 + sections * 40 <= source.size
        and at + count * 18 <= source.size
    )


def read(source: Readable) -> ObjectFile | None:
    """Read one object file; None for an entry of an import library, which has no code.

    Raises:
        FormatError: the file is damaged, cut short, or has no machine code.
    """
    head = window(source, 0, 20, "COFF header")
    if head[:4] == _ANONYMOUS:
        (version,) = Struct("<4xH").unpack_from(head)
        if version == 0:
            return None
        if version < 2 or window(source, 12, 16, "COFF header") != _BIGOBJ:
            raise FormatError(
                "an object file compiled with /GL or /clr has no symbols: audit the linked library "
                "instead"
            )
        shape = Struct("<6xHI16x16xIII")
        machine, _, sections, symbols, count = shape.unpack(
            window(source, 0, shape.size, "bigobj header")
        )
        return _Reader(source, machine, shape.size, sections, (symbols, count, 20)).object_file()
    machine, sections, _, symbols, count, optional, _ = Struct("<HHIIIHH").unpack(head)
    if machine not in MACHINES or optional:
        raise FormatError(f"the COFF machine {machine:#x} is not supported")
    return _Reader(source, machine, 20, sections, (symbols, count, 18)).object_file()


class _Reader:
    def __init__(
        self, source: Readable, machine: int, start: int, count: int, table: tuple[int, int, int]
    ) -> None:
        self.source, self.machine = source, machine
        self.budget = Budget(source, "relocation tables")
        at, entries, size = table
        blob = window(source, at, entries * size, "symbol table") if at else b""
        self.strings = self._strings(at + len(blob)) if at else b""
        raw = window(source, start, count * 40, "section headers")
        self.sections = [
            _Section(self._long_name(name), size, offset, relocations, number, flags)
            for name, size, offset, relocations, number, flags in Struct(
                "<8s8xIII4xH2xI"
            ).iter_unpack(raw)
        ]
        self.symbols = dict(self._symbols(blob, size))

    def object_file(self) -> ObjectFile:
        undefined: list[bytes] = []
        defined: set[bytes] = set()
        weak: set[bytes] = set()
        source = None
        for one in self.symbols.values():
            if one.storage == _FILE:
                source = source or one.extra.rstrip(b"\0").decode("utf-8", "backslashreplace")
            elif one.storage == _WEAK_EXTERNAL:
                defined.add(one.name)  # has a default: no other file has to provide it
                weak.add(one.name)
            elif one.storage == _EXTERNAL and one.section == 0 and one.value == 0:
                undefined.append(self._plain(one.name))
            elif one.storage == _EXTERNAL:
                defined.add(one.name)
                if self._may_repeat(one.section):
                    weak.add(one.name)
        starts = self._starts()
        places = self._places(starts)
        wanted = set(undefined)
        relocations = [
            Relocation(number, offset, self._plain(symbol.name))
            for number, offset, symbol in self._relocations()
            if symbol.section == 0 and self._plain(symbol.name) in wanted
        ]
        definitions = [
            Definition(one.section, one.value, 0, one.name)
            for one in self.symbols.values()
            if one.section > 0
            and (one.kind == _FUNCTION or one.storage == _EXTERNAL)
            and one.storage in (_EXTERNAL, _STATIC)
        ]
        return ObjectFile(
            format=Format.PE,
            arch=MACHINES.get(self.machine, f"machine-{self.machine}"),
            undefined=tuple(dict.fromkeys(undefined)),
            defined=frozenset(defined),
            weak=frozenset(weak),
            references=references(
                relocations, definitions, None if places is None else places.at, starts
            ),
            source=source or None,
            has_lines=places is not None,
        )

    def _may_repeat(self, section: int) -> bool:
        """Whether several object files may define the contents of a section (COMDAT)."""
        return 0 < section <= len(self.sections) and bool(
            self.sections[section - 1].flags & _COMDAT
        )

    def _plain(self, name: bytes) -> bytes:
        """The exported name, without ``__imp_`` and without the underscore of 32-bit C names."""
        name = name.removeprefix(_IMPORTED)
        return name.removeprefix(b"_") if self.machine == 0x14C and name[:1] != b"?" else name

    def _strings(self, at: int) -> bytes:
        if at + 4 > self.source.size:
            return b""
        (size,) = Struct("<I").unpack(window(self.source, at, 4, "string table"))
        return window(self.source, at, max(size, 4), "string table")

    def _long_name(self, raw: bytes) -> bytes:
        name = raw.rstrip(b"\0")
        if name.startswith(b"/") and name[1:].isdigit():
            return c_string(self.strings, int(name[1:]), "section name")
        return name

    def _symbols(self, blob: bytes, size: int) -> Iterator[tuple[int, _Symbol]]:
        shape = Struct("<8sIhHBB" if size == 18 else "<8sIiHBB")
        index = 0
        while (index + 1) * size <= len(blob):
            raw, value, section, kind, storage, more = shape.unpack_from(blob, index * size)
            if raw[:4] == b"\0\0\0\0" and raw[4:] != b"\0\0\0\0":
                name = c_string(self.strings, Struct("<4xI").unpack(raw)[0], "symbol name")
            else:
                name = raw.rstrip(b"\0")
            extra = blob[(index + 1) * size : (index + 1 + more) * size]
            yield index, _Symbol(name, value, section, kind, storage, extra)
            index += 1 + more

    def _entries(self, section: _Section) -> Iterator[tuple[int, int]]:
        """Offset and symbol number of each relocation."""
        shape = Struct("<IIH")
        count, start = section.entries, section.relocations
        if count == 0xFFFF and section.flags & _MORE_RELOCATIONS:
            (count,) = Struct("<I").unpack(window(self.source, start, 4, "relocations"))
            count, start = max(count - 1, 0), start + shape.size
        if count:
            self.budget.spend(count * shape.size)
            blob = window(self.source, start, count * shape.size, "relocations")
            for offset, symbol, _ in shape.iter_unpack(blob):
                yield offset, symbol

    def _relocations(self) -> Iterator[tuple[int, int, _Symbol]]:
        for number, section in enumerate(self.sections, 1):
            if section.flags & _REMOVED or section.name.startswith(_UNWIND):
                continue
            for offset, index in self._entries(section):
                if symbol := self.symbols.get(index):
                    yield number, offset, symbol

    def _starts(self) -> dict[int, int]:
        """A flat address for each section of code and data, none of them 0."""
        starts: dict[int, int] = {}
        address = _FIRST
        for number, one in enumerate(self.sections, 1):
            if not one.name.startswith(b".debug_"):
                starts[number] = address
                address += (min(one.size, self.source.size) + _GAP) & -_GAP
        return starts

    def _places(self, starts: Mapping[int, int]) -> Places | None:
        """The debug information, with the values that a linker would fill in."""
        found: dict[str, DebugSection] = {}
        for one in self.sections:
            if not one.name.startswith(b".debug_"):
                continue
            if one.offset + one.size > self.source.size:
                return None
            name = one.name.decode("latin-1").removeprefix(".")
            found.setdefault(
                name,
                DebugSection(
                    self.source, one.offset, one.size, name, "<", self._fixups(one, starts)
                ),
            )
        return Places(DebugData("<", found, starts)) if "debug_line" in found else None

    def _fixups(self, section: _Section, starts: Mapping[int, int]) -> Fixups:
        offsets: list[int] = []
        values: list[int | None] = []
        for offset, index in self._entries(section):
            symbol = self.symbols.get(index)
            known = symbol is not None and symbol.section > 0
            offsets.append(offset)
            values.append(
                symbol.value + starts.get(symbol.section, 0) if symbol and known else None
            )
        return Fixups(offsets, values)
