"""The debug sections of a file of any format, read in pieces, and the numbers in them.

An address is flat: in a linked file it is the virtual address. In an object file each section has
a made-up start, so that all places of the file have different addresses, and the relocations of
the debug sections are applied when a number is read.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from operator import gt

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from torch_abi_audit.model.binary import Readable

DAMAGE = (FormatError, IndexError, OverflowError)
"""What reading damaged debug information can raise inside of these modules."""
_WHOLE = 32 << 20
"""A section of at most so many bytes is kept in memory when it is first read."""
_TEXT = 256
"""Bytes of the first read of a text in a larger section."""
_LONGEST = 1 << 16
"""Most bytes of a text: the mangled name of a template can have thousands."""


class Memory:
    """A ``Readable`` of bytes, such as a section that was compressed."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes of ``[offset, offset + length)``, fewer at the end."""
        return self._data[offset : offset + length]


class Fixups:
    """The relocations of one debug section of an object file.

    Args:
        offsets: Where each applies, in the section.
        values: The value of the symbol that each refers to: a flat address for code, an offset for
            debug sections; None if another file defines it.
        addends: What is added to the value; None if it stands in the section.
    """

    __slots__ = ("_addends", "_offsets", "_order", "_values")

    def __init__(
        self,
        offsets: Sequence[int],
        values: Sequence[int | None],
        addends: Sequence[int] | None = None,
    ) -> None:
        self._order: list[int] | None = None
        if any(map(gt, offsets, islice(offsets, 1, None))):
            self._order = sorted(range(len(offsets)), key=offsets.__getitem__)
            offsets = [offsets[index] for index in self._order]
        self._offsets, self._values, self._addends = offsets, values, addends

    def applied(self, offset: int, raw: int, size: int) -> int:
        """The number of ``size`` bytes at ``offset``, which reads ``raw`` in the file."""
        at = bisect_left(self._offsets, offset)
        if at >= len(self._offsets) or self._offsets[at] != offset:
            return raw
        index = at if self._order is None else self._order[at]
        value = self._values[index]
        if value is None:
            return 0
        added = raw if self._addends is None else self._addends[index]
        return (value + added) & ((1 << 8 * size) - 1)


class Section:
    """One debug section.

    Args:
        source: The file, or what the section was unpacked into.
        start: Offset of the section in ``source``.
        size: Its length in bytes.
        name: Its name, for messages.
        fixups: Its relocations; None in a linked file.
    """

    __slots__ = ("_source", "_start", "_whole", "fixups", "name", "order", "size")

    def __init__(
        self,
        source: Readable,
        start: int,
        size: int,
        name: str,
        order: str,
        fixups: Fixups | None = None,
    ) -> None:
        self._source, self._start = source, start
        self.size, self.name, self.fixups = size, name, fixups
        self.order: Literal["little", "big"] = "little" if order == "<" else "big"
        self._whole: bytes | None = None

    def piece(self, offset: int, length: int) -> bytes:
        """``length`` bytes at ``offset``.

        Raises:
            FormatError: they are not all in the section.
        """
        if offset < 0 or length < 0 or offset + length > self.size:
            raise FormatError(f"{self.name} is cut short: no {length} bytes at {offset}")
        if self._whole is not None or self.size <= _WHOLE:
            return self.whole()[offset : offset + length]
        return window(self._source, self._start + offset, length, self.name)

    def whole(self) -> bytes:
        """All of the section.

        Raises:
            FormatError: it is larger than any section of that kind.
        """
        if self._whole is None:
            self._whole = window(self._source, self._start, self.size, self.name)
        return self._whole

    def number(self, offset: int, size: int) -> int:
        """The relocated number of ``size`` bytes at ``offset``.

        Raises:
            FormatError: it is not in the section.
        """
        piece = self.piece(offset, size)
        raw = int.from_bytes(piece, self.order)
        return raw if self.fixups is None else self.fixups.applied(offset, raw, size)

    def text(self, offset: int) -> bytes:
        """The NUL-terminated text at ``offset``.

        Raises:
            FormatError: it is not in the section, or has no end.
        """
        if not 0 <= offset < self.size:
            raise FormatError(f"{self.name}: no text at {offset}")
        if self.piece(offset, 0) == b"" and self._whole is not None:
            end = self._whole.find(0, offset)
            if end >= 0:
                return self._whole[offset:end]
        else:
            for length in (_TEXT, _LONGEST):
                piece = self.piece(offset, min(length, self.size - offset))
                end = piece.find(0)
                if end >= 0:
                    return piece[:end]
        raise FormatError(f"{self.name}: the text at {offset} has no end")


class Allowance:
    """How many bytes of one section may be read by all units together.

    Units share few tables, but damaged ones could all name a long one.
    """

    __slots__ = ("_left", "_what")

    def __init__(self, size: int, what: str) -> None:
        self._left, self._what = 8 * size + (1 << 16), what

    def spend(self, size: int) -> None:
        """Count ``size`` more bytes.

        Raises:
            FormatError: the units share more than compilers let them.
        """
        self._left -= size
        if self._left < 0:
            raise FormatError(f"the {self._what} of a file are longer than their section")


@dataclass(frozen=True, slots=True)
class DebugData:
    """The debug information of one file."""

    order: str
    """``<`` or ``>``, as in ``struct``."""
    sections: Mapping[str, Section]
    """By the name without dots and underscores before it: ``debug_info``."""
    starts: Mapping[int, int]
    """The flat address of each section of code in an object file; empty for a linked file."""
    linked: bool = False
    """Whether the file is linked: code at address 0 is then what the linker left out."""


class Reader:
    """A position in the bytes of one unit, which stands at ``base`` of its section."""

    __slots__ = ("base", "data", "fixups", "order", "pos")

    def __init__(self, section: Section, base: int, data: bytes, pos: int = 0) -> None:
        self.base, self.data, self.pos = base, data, pos
        self.fixups, self.order = section.fixups, section.order

    def number(self, size: int) -> int:
        """The next number of ``size`` bytes, relocated."""
        end = self.pos + size
        if end > len(self.data):
            raise FormatError("the debug information is cut short")
        raw = int.from_bytes(self.data[self.pos : end], self.order)
        if self.fixups is not None and size >= 4:
            raw = self.fixups.applied(self.base + self.pos, raw, size)
        self.pos = end
        return raw

    def uleb(self) -> int:
        """The next unsigned LEB128 number."""
        value = shift = 0
        while True:
            byte = self.data[self.pos]
            self.pos += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 70:
                raise FormatError("the debug information has a number of more than 64 bits")

    def sleb(self) -> int:
        """The next signed LEB128 number."""
        start = self.pos
        value = self.uleb()
        bits = 7 * (self.pos - start)
        return value - (1 << bits) if value >> (bits - 1) & 1 else value

    def text(self) -> bytes:
        """The next NUL-terminated text."""
        end = self.data.find(0, self.pos)
        if end < 0:
            raise FormatError("the debug information has a text without end")
        found = self.data[self.pos : end]
        self.pos = end + 1
        return found

    def header(self) -> tuple[int, int]:
        """The initial length of a unit: size of its offsets (4 or 8), and the bytes that follow."""
        length = self.number(4)
        if length == 0xFFFFFFFF:
            return 8, self.number(8)
        if length >= 0xFFFFFFF0:
            raise FormatError("the debug information has a reserved length")
        return 4, length
