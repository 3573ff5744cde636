"""DWARF line tables, versions 2 to 5: the source line of each instruction.

Layout: DWARF 5, section 6.2, and its earlier versions.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_left, bisect_right
from sys import intern

from torch_abi_audit.formats.dwarf_data import DAMAGE, Reader
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.formats.dwarf_data import DebugData

_LNCT_PATH, _LNCT_DIRECTORY = 1, 2
_MOST_ROWS = 1 << 22
"""Most rows of one unit: a damaged line program must not fill the memory."""
_TOO_MANY = "the line table has more rows than any compiler writes"
_MOST_FILES = 1 << 20
_FIXED_FORMS = {0x05: 2, 0x06: 4, 0x07: 8, 0x0B: 1, 0x1E: 16}  # data2, 4, 8, 1, 16
_STRING, _LINE_STRP, _STRP, _UDATA, _BLOCK = 0x08, 0x1F, 0x0E, 0x0F, 0x09
_BYTE_INDEX = {0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4}  # strx1 to strx4


@dataclass(frozen=True, slots=True)
class LineHeader:
    """The head of one unit's line table."""

    files: tuple[str, ...]
    """By number, joined with their directories; the first is empty before version 5."""
    start: int
    """Where the line program starts, from the start of the unit."""
    offset_size: int
    size: int
    """Length of the unit in bytes, with its head."""
    shortest: int
    base: int
    span: int
    opcodes: int
    operands: tuple[int, ...]

    def file(self, number: int) -> str | None:
        """The path of a file by its number; None if there is none."""
        return (self.files[number] or None) if 0 <= number < len(self.files) else None


def line_header(data: DebugData, offset: int, directory: str = "") -> LineHeader:
    """The head of the line table at ``offset``.

    Args:
        data: The debug sections.
        offset: Where the table starts in ``debug_line``.
        directory: Where the compiler ran, if version 2 to 4 is to have absolute paths.

    Raises:
        FormatError: it is damaged, or of an unknown version.
    """
    section = data.sections["debug_line"]
    head = Reader(section, offset, section.piece(offset, min(12, section.size - offset)))
    offset_size, length = head.header()
    size = head.pos + length
    reader = Reader(section, offset, section.piece(offset, size), head.pos)
    version = reader.number(2)
    if not 2 <= version <= 5:
        raise FormatError(f"the line table has the unknown version {version}")
    if version == 5:
        reader.pos += 2  # sizes of addresses and segment selectors
    length = reader.number(offset_size)
    start = reader.pos + length
    shortest = reader.number(1)
    reader.pos += 1 if version >= 4 else 0  # operations per instruction, for VLIW machines only
    reader.pos += 1  # default_is_stmt
    base = reader.number(1)
    span, opcodes = reader.number(1), reader.number(1)
    operands = (0, *(reader.number(1) for _ in range(opcodes - 1)))
    if not span or start > size:
        raise FormatError("the line table has an impossible header")
    files = _new_files(data, reader, offset_size) if version == 5 else _old_files(reader, directory)
    return LineHeader(
        files=tuple(files),
        start=start,
        offset_size=offset_size,
        size=size,
        shortest=shortest,
        base=base - 256 if base > 127 else base,
        span=span,
        opcodes=opcodes,
        operands=operands,
    )


def lines(
    data: DebugData, offset: int, header: LineHeader, addresses: Sequence[int]
) -> dict[int, tuple[str | None, int]]:
    """File and line of those ``addresses``, which are sorted, that the table at ``offset`` covers.

    The line is 0 for code that the compiler made up.

    Raises:
        FormatError: the line program is damaged.
        IndexError: likewise.
    """
    section = data.sections["debug_line"]
    reader = Reader(section, offset, section.piece(offset, header.size), header.start)
    found: dict[int, tuple[str | None, int]] = {}
    left = _MOST_ROWS
    for rows in _sequences(reader, header):
        left -= len(rows)
        if left < 0:
            raise FormatError(_TOO_MANY)
        starts = [row[0] for row in rows]
        if any(map(int.__gt__, starts, starts[1:])):
            rows.sort(key=lambda row: row[0])  # stable: for equal addresses, the last row wins
            starts = [row[0] for row in rows]
        if data.linked and not starts[0]:
            continue  # code that the linker left out
        first = bisect_left(addresses, starts[0])
        for address in addresses[first : bisect_left(addresses, starts[-1], first)]:
            _, file, line = rows[bisect_right(starts, address) - 1]
            if address not in found:
                found[address] = header.file(file), line
    return found


def all_lines(data: DebugData, addresses: Sequence[int]) -> dict[int, tuple[str | None, int]]:
    """File and line of ``addresses``, which are sorted, from all line tables of the file.

    A damaged table is not an error, since line numbers are only a convenience: what stands before
    the damage is kept.
    """
    found: dict[int, tuple[str | None, int]] = {}
    if "debug_line" not in data.sections:
        return found
    offset, size = 0, data.sections["debug_line"].size
    while offset < size:
        try:
            header = line_header(data, offset)
            found |= lines(data, offset, header, addresses)
            offset += header.size
        except DAMAGE:
            break
    return found


def _old_files(reader: Reader, directory: str) -> list[str]:
    directories = [directory]
    while text := reader.text():
        directories.append(_text(text))
    files = [""]
    while name := reader.text():
        at = reader.uleb()
        reader.uleb()  # modification time
        reader.uleb()  # length of the source file
        files.append(_joined(directories, at, _text(name)))
    return files


def _new_files(data: DebugData, reader: Reader, offset_size: int) -> list[str]:
    directories = [path for path, _ in _entries(data, reader, offset_size)]
    return [_joined(directories, at, name) for name, at in _entries(data, reader, offset_size)]


def _entries(data: DebugData, reader: Reader, offset_size: int) -> Iterator[tuple[str, int]]:
    """Path and directory number of each entry of a version 5 list."""
    formats = [(reader.uleb(), reader.uleb()) for _ in range(reader.number(1))]
    count = reader.uleb()
    if not formats:
        count = 0
    if count > min(len(reader.data), _MOST_FILES):
        raise FormatError("the line table has more files than bytes")
    for _ in range(count):
        path, directory, before = "", 0, reader.pos
        for content, form in formats:
            value = _form(data, reader, form, offset_size)
            if content == _LNCT_PATH and isinstance(value, str):
                path = value
            elif content == _LNCT_DIRECTORY and isinstance(value, int):
                directory = value
        if reader.pos == before:
            raise FormatError("the line table has files without bytes")
        yield path, directory


def _form(data: DebugData, reader: Reader, form: int, offset_size: int) -> str | int:
    if form == _STRING:
        return _text(reader.text())
    if form in (_LINE_STRP, _STRP):
        name = "debug_line_str" if form == _LINE_STRP else "debug_str"
        offset = reader.number(offset_size)
        strings = data.sections.get(name)
        return "" if strings is None else _text(strings.text(offset))
    if form == _UDATA:
        return reader.uleb()
    if form == _BLOCK:
        length = reader.uleb()
        reader.pos += length
        return 0
    if form in _FIXED_FORMS:
        size = _FIXED_FORMS[form]
        if size == 16:  # a checksum
            reader.pos += 16
            return 0
        return reader.number(size)
    if form in _BYTE_INDEX:
        reader.number(_BYTE_INDEX[form])  # only in split DWARF
        return 0
    raise FormatError(f"the line table uses the unknown form {form:#x}")


def _sequences(  # noqa: PLR0912 - a branch for each opcode
    reader: Reader, header: LineHeader
) -> Iterator[list[tuple[int, int, int]]]:
    """The rows of each sequence: address, file number and line; the last one is its end."""
    shortest, base, span = header.shortest, header.base, header.span
    opcodes, operands, data, end = header.opcodes, header.operands, reader.data, header.size
    address, file, line = 0, 1, 1
    rows: list[tuple[int, int, int]] = []
    check = reader.pos
    while reader.pos < end:
        if reader.pos >= check:
            check = reader.pos + _MOST_ROWS // 4  # a row takes a byte or more
            if len(rows) > _MOST_ROWS:
                raise FormatError(_TOO_MANY)
        opcode = data[reader.pos]
        reader.pos += 1
        if opcode >= opcodes:
            steps = opcode - opcodes
            address += steps // span * shortest
            line += base + steps % span
            rows.append((address, file, line))
        elif opcode == 0:
            length = reader.uleb()
            after = reader.pos + length
            kind = data[reader.pos] if length else 0
            if kind == 1:  # end of sequence: no line is known for later addresses
                rows.append((address, 0, 0))
                yield rows
                address, file, line, rows = 0, 1, 1, []
            elif kind == 2 and length - 1 in (4, 8):
                reader.pos += 1
                address = reader.number(length - 1)
            reader.pos = after
        elif opcode == 1:
            rows.append((address, file, line))
        elif opcode == 2:
            address += reader.uleb() * shortest
        elif opcode == 3:
            line += reader.sleb()
        elif opcode == 4:
            file = reader.uleb()
        elif opcode == 8:
            address += (255 - opcodes) // span * shortest
        elif opcode == 9:
            address += reader.number(2)
        else:
            for _ in range(operands[opcode]):
                reader.uleb()
    if rows:
        yield rows


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _joined(directories: list[str], at: int, name: str) -> str:
    """The path of a file; its directory is relative to the first one, where the compiler ran."""
    if is_absolute(name) or not 0 <= at < len(directories):
        return name
    directory = directories[at]
    if at and directory and not is_absolute(directory) and directories[0]:
        directory = posixpath.join(directories[0], directory)
    return intern(posixpath.normpath(posixpath.join(directory, name))) if directory else name


def is_absolute(path: str) -> bool:
    """Whether a path is absolute, on Windows or elsewhere."""
    return path[:1] in ("/", "\\") or path[1:3] in (":\\", ":/")
