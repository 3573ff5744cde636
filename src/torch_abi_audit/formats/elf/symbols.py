"""The dynamic symbol table of an ELF file: how long it is, and its entries column by column.

Layouts: the System V gABI, the GNU hash section as ld.so walks it. A column is a long integer with
a byte of 0 or 1 for each symbol, so that a hundred thousand symbols are looked at in the time that
a loop takes for a few thousand.
"""

from __future__ import annotations

from itertools import compress
from struct import Struct

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.formats.elf.image import Image, Tag, words
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_CHUNK = 1 << 12  # symbols looked at in one go: bounds memory whatever the size of the file
_CHAIN, _MOST_CHAIN = 1 << 6, 1 << 20
"""Bytes of a hash chain that are read at first, and at once at the most."""
_MIPS, _S390, _ALPHA = 8, 22, 0x9026
_STB_LOCAL, _STB_WEAK = 0, 2
_NAMELESS_TYPES = frozenset({3, 4})  # STT_SECTION, STT_FILE
_HIDDEN = frozenset({1, 2})  # STV_INTERNAL, STV_HIDDEN


def _flags(holds: Callable[[int], bool]) -> bytes:
    """A table for ``bytes.translate`` that turns each byte into 0 or 1."""
    return bytes(map(holds, range(256)))


_BINDABLE = _flags(lambda info: info >> 4 != _STB_LOCAL and info & 15 not in _NAMELESS_TYPES)
_WEAK = _flags(lambda info: info >> 4 == _STB_WEAK)
_SHOWN = _flags(lambda other: other & 3 not in _HIDDEN)
_ZERO = _flags(lambda byte: byte == 0)


class Entries:
    """A run of the symbol table."""

    __slots__ = ("_blob", "_columns", "_image", "_size", "count", "first")

    def __init__(self, image: Image, first: int, blob: bytes) -> None:
        self.first = first
        """Index of its first symbol in the table."""
        self._size = _entry_size(image)
        self.count = len(blob) // self._size
        self._image, self._blob = image, blob
        self._columns = (4, 5, 6) if image.layout.wide else (12, 13, 14)

    def bindable(self) -> int:
        """Those that bind across libraries, weak ones too."""
        return self._column(self._columns[0], _BINDABLE)

    def weak(self) -> int:
        """Those of weak binding."""
        return self._column(self._columns[0], _WEAK)

    def shown(self) -> int:
        """Those that other libraries see."""
        return self._column(self._columns[1], _SHOWN)

    def undefined(self) -> int:
        """Those that another library must define; the most of a large table are none."""
        section = self._columns[2]
        if 0 not in self._blob[section :: self._size]:
            return 0
        return self._column(section, _ZERO) & self._column(section + 1, _ZERO)

    def exported(self) -> int:
        """Those that other libraries can bind to."""
        return self.bindable() & self.shown() & ~self.undefined()

    def names(self, column: int) -> Iterable[int]:
        """Where the names of a column's symbols begin in the string table, in order."""
        flags = column.to_bytes(self.count, "little").rstrip(b"\0")
        entries = self._blob[: len(flags) * self._size]
        return compress(words(self._image, entries, self._size // 4), flags)

    def indices(self, column: int) -> Iterable[int]:
        """Which symbols of the table a column holds, in order."""
        return compress(
            range(self.first, self.first + self.count), column.to_bytes(self.count, "little")
        )

    def _column(self, at: int, table: bytes) -> int:
        return int.from_bytes(self._blob[at :: self._size].translate(table), "little")


def symbols(image: Image) -> Iterator[Entries]:
    """The dynamic symbol table, in bounded runs.

    Raises:
        FormatError: its length cannot be told, or it leaves its segment.
    """
    if Tag.SYMTAB not in image.tags:
        return
    offset, room = image.at(image.tags[Tag.SYMTAB], "symbol table")
    entry = _entry_size(image)
    count = _count(image, room // entry)
    for first in range(0, count, _CHUNK):
        length = min(_CHUNK, count - first) * entry
        yield Entries(
            image, first, window(image.source, offset + first * entry, length, "symbol table")
        )


def names_at(image: Image, indices: Iterable[int]) -> list[int]:
    """Where the names begin of those of some symbols that other libraries can bind to.

    Raises:
        FormatError: one lies outside of the table's segment.
    """
    size = _entry_size(image)
    offset, room = image.at(image.tags[Tag.SYMTAB], "symbol table")
    found: list[int] = []
    for index in indices:
        if (index + 1) * size > room:
            raise FormatError(f"symbol {index} lies outside the symbol table's segment")
        entry = Entries(image, 0, window(image.source, offset + index * size, size, "symbol"))
        found += entry.names(entry.exported())
    return found


def _entry_size(image: Image) -> int:
    return 24 if image.layout.wide else 16


def _count(image: Image, most: int) -> int:
    """How many dynamic symbols there are: no table says it outright.

    DT_HASH states it; a GNU hash table ends at the last symbol of its last chain. A library that
    exports nothing has an empty GNU hash table that says nothing, so there the relocations tell:
    a symbol that no relocation names is never looked up.
    """
    tags = image.tags
    known = (
        [tags[Tag.MIPS_SYMTABNO]] if image.machine == _MIPS and Tag.MIPS_SYMTABNO in tags else []
    )
    if Tag.HASH in tags:
        known.append(_hash_count(image, most))
    if Tag.GNU_HASH in tags and not known:
        at = tags[Tag.GNU_HASH]
        buckets, first, bloom, _ = Struct(image.layout.order + "4I").unpack(
            image.table(at, 16, "GNU hash table")
        )
        at += 16 + bloom * (8 if image.layout.wide else 4)
        heads = words(image, image.table(at, buckets * 4, "GNU hash buckets"))
        last = max(heads, default=0)
        if last >= first and last:
            at += buckets * 4
            known.append(last + _chain_length(image, at + (last - first) * 4))
    if not known:
        known.append(_relocated_symbols(image))
    count = max(known)
    if count > most:
        raise FormatError(f"symbol table of {count} entries runs past its segment")
    return count


def chain_links(image: Image, address: int) -> Iterator[int]:
    """The hashes in a chain of the GNU hash table, up to the odd one, which is the last.

    A chain that runs to the end of its segment ends there with an even one.

    Raises:
        FormatError: it lies in no loaded segment.
    """
    offset, room = image.at(address, "GNU hash chain")
    end, size = offset + room - room % 4, _CHAIN
    while offset < end:
        size = min(size, end - offset)
        for link in words(image, window(image.source, offset, size, "GNU hash chain")):
            yield link
            if link & 1:
                return
        offset, size = offset + size, min(2 * size, _MOST_CHAIN)


def _chain_length(image: Image, address: int) -> int:
    for length, link in enumerate(chain_links(image, address), 1):
        if link & 1:
            return length
    raise FormatError("GNU hash chain has no end")


def _hash_count(image: Image, most: int) -> int:
    """The number of symbols that DT_HASH states.

    Its words are of 32 bits, and of 64 on Alpha and s390x; some linkers write 32 there, too.
    """
    at, order = image.tags[Tag.HASH], image.layout.order
    if image.layout.wide and image.machine in (_S390, _ALPHA):
        (count,) = Struct(order + "8xQ").unpack(image.table(at, 16, "hash table"))
        if count <= most:
            return int(count)
    (count,) = Struct(order + "4xI").unpack(image.table(at, 8, "hash table"))
    return int(count)


def _relocated_symbols(image: Image) -> int:
    """One more than the highest symbol index that any relocation names."""
    tags = image.tags
    jump_is_rela = tags.get(Tag.PLTREL, Tag.RELA) == Tag.RELA
    highest = 0
    for start, size, explicit in (
        (Tag.RELA, Tag.RELASZ, True),
        (Tag.REL, Tag.RELSZ, False),
        (Tag.JMPREL, Tag.PLTRELSZ, jump_is_rela),
    ):
        if not tags.get(start) or not tags.get(size):
            continue
        shape, shift = _relocation(image, explicit=explicit)
        offset, room = image.at(tags[start], "relocations")
        if tags[size] > room:
            raise FormatError("relocations run past their segment")
        total = tags[size] - tags[size] % shape.size
        step = shape.size * _CHUNK
        for begin in range(0, total, step):
            blob = window(image.source, offset + begin, min(step, total - begin), "relocations")
            highest = max(highest, max(info for (info,) in shape.iter_unpack(blob)) >> shift)
    return highest + 1 if highest else 0


def _relocation(image: Image, *, explicit: bool) -> tuple[Struct, int]:
    """The shape of one relocation's r_info, and how far its symbol index is shifted."""
    wide, order = image.layout.wide, image.layout.order
    addend = ("8x" if wide else "4x") if explicit else ""
    if wide and image.machine == _MIPS:  # r_sym, then one byte each: r_ssym and three types
        return Struct(f"{order}8xI4x{addend}"), 0
    return Struct(f"{order}{'8xQ' if wide else '4xI'}{addend}"), 32 if wide else 8
