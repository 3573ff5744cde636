"""DWARF line tables of an object file, versions 2 to 5: the source line of each instruction.

Layout: DWARF 5, section 6.2, and its earlier versions. In an object file a relocation gives the
start address of each sequence, so a place is a section and an offset in it.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from struct import Struct

from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LNCT_PATH, _LNCT_DIRECTORY = 1, 2
_MOST_ROWS = 1 << 21
"""Most rows in all tables of a file: a damaged line program must not fill the memory."""
_FIXED_FORMS = {0x05: 2, 0x06: 4, 0x07: 8, 0x0B: 1, 0x1E: 16}  # data2, 4, 8, 1, 16
_STRING, _LINE_STRP, _STRP, _UDATA, _BLOCK = 0x08, 0x1F, 0x0E, 0x0F, 0x09


@dataclass(frozen=True, slots=True)
class DebugSections:
    """The sections of a line table, with relocated values filled in."""

    line: bytes
    line_strings: bytes = b""
    strings: bytes = b""
    addresses: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Offset of an address in ``line``, to the section and offset that it refers to."""
    flat: tuple[tuple[int, int, int], ...] = ()
    """Start, end and number of each section, if addresses are not relocated (Mach-O)."""


class LineTable:
    """The rows of all line programs in an object file, by section."""

    __slots__ = ("_lines", "_starts")

    def __init__(self, rows: Mapping[int, list[tuple[int, str | None, int]]]) -> None:
        self._starts: dict[int, list[int]] = {}
        self._lines: dict[int, list[tuple[str | None, int]]] = {}
        for section, each in rows.items():
            each.sort(key=lambda row: row[0])  # stable: for equal addresses, the last row wins
            self._starts[section] = [row[0] for row in each]
            self._lines[section] = [(row[1], row[2]) for row in each]

    def at(self, section: int, offset: int) -> tuple[str | None, int | None]:
        """Source file and line of a place; ``(None, None)`` if no sequence covers it."""
        starts = self._starts.get(section)
        index = bisect_right(starts, offset) - 1 if starts else -1
        if index < 0:
            return None, None
        source, line = self._lines[section][index]
        return (source, line) if source is not None and line else (None, None)


def line_table(sections: DebugSections | None, *, little: bool) -> LineTable | None:
    """The line table of an object file; None if it has none, or none that can be read.

    A damaged table is not an error, since line numbers are only a convenience: the rows before the
    damage are kept.
    """
    if sections is None or not sections.line:
        return None
    rows: dict[int, list[tuple[int, str | None, int]]] = {}
    reader = _Reader(sections, "<" if little else ">")
    try:
        pos = 0
        while pos < len(sections.line):
            pos = reader.program(pos, rows)
    except (FormatError, IndexError):
        return LineTable(rows) if rows else None
    return LineTable(rows)


class _Reader:
    def __init__(self, sections: DebugSections, order: str) -> None:
        self.sections, self.data, self.pos, self.end = sections, sections.line, 0, 0
        self.words = {
            size: Struct(order + code) for size, code in ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))
        }
        self.offset_size, self.rows_left = 4, _MOST_ROWS

    def number(self, size: int) -> int:
        if self.pos + size > len(self.data):
            raise FormatError("the line table is cut short")
        (value,) = self.words[size].unpack_from(self.data, self.pos)
        self.pos += size
        return int(value)

    def uleb(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.pos]
            self.pos += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise FormatError("the line table has a number of more than 64 bits")

    def sleb(self) -> int:
        start = self.pos
        value = self.uleb()
        bits = 7 * (self.pos - start)
        return value - (1 << bits) if value >> (bits - 1) & 1 else value

    def text(self, data: bytes, offset: int) -> str:
        end = data.find(0, offset)
        if not 0 <= offset < len(data) or end < 0:
            raise FormatError("a string of the line table lies outside its section")
        return data[offset:end].decode("utf-8", "backslashreplace")

    def string(self) -> str:
        value = self.text(self.data, self.pos)
        self.pos = self.data.index(0, self.pos) + 1
        return value

    def program(self, pos: int, rows: dict[int, list[tuple[int, str | None, int]]]) -> int:
        """Run one unit's line program, and return the offset of the next one."""
        self.pos, self.offset_size = pos, 4
        length = self.number(4)
        if length == 0xFFFFFFFF:
            self.offset_size, length = 8, self.number(8)
        self.end = end = self.pos + length
        if end > len(self.data) or length < 8:
            raise FormatError("the line table runs past its section, or is too short")
        version = self.number(2)
        if not 2 <= version <= 5:
            return end
        if version == 5:
            self.pos += 2  # sizes of addresses and segment selectors
        header = self.number(self.offset_size)
        start = self.pos + header
        shortest = self.number(1)
        self.pos += 1 if version >= 4 else 0  # operations per instruction, for VLIW machines only
        self.pos += 1  # default_is_stmt
        base = self.number(1)
        base -= 256 if base > 127 else 0
        span, opcodes = self.number(1), self.number(1)
        operands = [0, *(self.number(1) for _ in range(opcodes - 1))]
        if not span or start > end:
            raise FormatError("the line table has an impossible header")
        files = self.new_files() if version == 5 else self.old_files()
        self.pos = start
        self.run(files, operands, (shortest, base, span, opcodes), rows)
        return end

    def old_files(self) -> list[str]:
        directories = [""]
        while text := self.string():
            directories.append(text)
        files = [""]
        while name := self.string():
            directory = self.uleb()
            self.uleb()  # modification time
            self.uleb()  # length of the source file
            files.append(_joined(directories, directory, name))
        return files

    def new_files(self) -> list[str]:
        directories = [path for path, _ in self.entries()]
        return [_joined(directories, at, name) for name, at in self.entries()]

    def entries(self) -> Iterator[tuple[str, int]]:
        """Path and directory number of each entry of a version 5 list."""
        formats = [(self.uleb(), self.uleb()) for _ in range(self.number(1))]
        count = self.uleb()
        if count > len(self.data) or not formats:
            count = 0
        for _ in range(count):
            path, directory = "", 0
            for content, form in formats:
                value = self.form(form)
                if content == _LNCT_PATH and isinstance(value, str):
                    path = value
                elif content == _LNCT_DIRECTORY and isinstance(value, int):
                    directory = value
            yield path, directory

    def form(self, form: int) -> str | int:
        if form == _STRING:
            return self.string()
        if form == _LINE_STRP:
            return self.text(self.sections.line_strings, self.number(self.offset_size))
        if form == _STRP:
            return self.text(self.sections.strings, self.number(self.offset_size))
        if form == _UDATA:
            return self.uleb()
        if form == _BLOCK:
            length = self.uleb()
            self.pos += length
            return 0
        if form in _FIXED_FORMS:
            size = _FIXED_FORMS[form]
            if size == 16:
                self.pos += 16
                return 0
            return self.number(size)
        raise FormatError(f"the line table uses the unknown form {form:#x}")

    def run(  # noqa: PLR0912 - a branch for each opcode
        self,
        files: list[str],
        operands: list[int],
        shape: tuple[int, int, int, int],
        rows: dict[int, list[tuple[int, str | None, int]]],
    ) -> None:
        """Run a line program: special opcodes, then extended and standard ones."""
        shortest, base, span, opcodes = shape
        data, end = self.data, self.end
        section, address, file, line = -1, 0, 1, 1
        out: list[tuple[int, str | None, int]] = []
        while self.pos < end:
            opcode = data[self.pos]
            self.pos += 1
            if opcode >= opcodes:
                steps = opcode - opcodes
                address += steps // span * shortest
                line += base + steps % span
                out.append((address, _named(files, file), line))
            elif opcode == 0:
                length = self.uleb()
                after = self.pos + length
                kind = data[self.pos] if length else 0
                if kind == 1:  # end of sequence: no line is known for later addresses
                    out.append((address, None, 0))
                    self.keep(section, out, rows)
                    section, address, file, line, out = -1, 0, 1, 1, []
                elif kind == 2:
                    section, address = self.address(self.pos + 1, length - 1)
                self.pos = after
            elif opcode == 1:
                out.append((address, _named(files, file), line))
            elif opcode == 2:
                address += self.uleb() * shortest
            elif opcode == 3:
                line += self.sleb()
            elif opcode == 4:
                file = self.uleb()
            elif opcode == 8:
                address += (255 - opcodes) // span * shortest
            elif opcode == 9:
                address += self.number(2)
            else:
                for _ in range(operands[opcode]):
                    self.uleb()
        self.keep(section, out, rows)

    def keep(
        self,
        section: int,
        out: list[tuple[int, str | None, int]],
        rows: dict[int, list[tuple[int, str | None, int]]],
    ) -> None:
        self.rows_left -= len(out)
        if self.rows_left < 0:
            raise FormatError("the line table has more rows than any compiler writes")
        if section >= 0:
            rows.setdefault(section, []).extend(out)

    def address(self, at: int, size: int) -> tuple[int, int]:
        if at in self.sections.addresses:
            return self.sections.addresses[at]
        if size not in (4, 8):
            return -1, 0
        self.pos = at
        value = self.number(size)
        for start, stop, number in self.sections.flat:
            if start <= value < stop:
                return number, value - start
        return -1, 0


def _named(files: list[str], number: int) -> str | None:
    return files[number] if 0 <= number < len(files) else None


def _joined(directories: list[str], at: int, name: str) -> str:
    """The path of a file; its directory is relative to the first one, where the compiler ran."""
    if name.startswith("/") or not 0 <= at < len(directories):
        return name
    directory = directories[at]
    if at and directory and not directory.startswith("/") and directories[0]:
        directory = posixpath.join(directories[0], directory)
    return posixpath.normpath(posixpath.join(directory, name)) if directory else name
