"""The dynamic symbol table of an ELF file: its length, and its entries column by column.

Layouts: the System V gABI, and the GNU hash section as ld.so walks it. A column is a long integer
with a byte of 0 or 1 for each symbol: a hundred thousand symbols take as long as a few thousand
would in a loop.
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

_CHUNK = 1 << 12  # symbols per read: bounds memory whatever the size of the file
_CHAIN, _MOST_CHAIN = 1 << 6, 1 << 20
"""Bytes of a hash chain in the first read, and most bytes in one read."""
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
    """A run of entries of the symbol table."""

    __slots__ = ("_blob", "_columns", "_image", "_size", "count", "first")

    def __init__(self, image: Image, first: int, blob: bytes) -> None:
        self.first = first
        """Index in the table of the run's first symbol."""
        self._size = _entry_size(image)
        self.count = len(blob) // self._size
        self._image, self._blob = image, blob
        self._columns = (4, 5, 6) if image.layout.wide else (12, 13, 14)

    def bindable(self) -> int:
        """The column of symbols that bind across libraries, weak ones included."""
        return self._column(self._columns[0], _BINDABLE)

    def weak(self) -> int:
        """The column of symbols with weak binding."""
        return self._column(self._columns[0], _WEAK)

    def shown(self) -> int:
        """The column of symbols that are not hidden."""
        return self._column(self._columns[1], _SHOWN)

    def undefined(self) -> int:
        """The column of symbols that another library must define.

        Most runs of a large table have no undefined symbols: these return 0 early.
        """
        section = self._columns[2]
        if 0 not in self._blob[section :: self._size]:
            return 0
        return self._column(section, _ZERO) & self._column(section + 1, _ZERO)

    def exported(self) -> int:
        """The column of symbols that other libraries can bind to."""
        return self.bindable() & self.shown() & ~self.undefined()

    def names(self, column: int) -> Iterable[int]:
        """String table offsets of the names of a column's symbols, in order."""
        flags = column.to_bytes(self.count, "little").rstrip(b"\0")
        entries = self._blob[: len(flags) * self._size]
        return compress(words(self._image, entries, self._size // 4), flags)

    def indices(self, column: int) -> Iterable[int]:
        """Indices in the table of a column's symbols, in order."""
        return compress(
            range(self.first, self.first + self.count), column.to_bytes(self.count, "little")
        )

    def _column(self, at: int, table: bytes) -> int:
        return int.from_bytes(self._blob[at :: self._size].translate(table), "little")


def symbols(image: Image) -> Iterator[Entries]:
    """The dynamic symbol table, in bounded runs.

    Raises:
        FormatError: the length of the table cannot be determined, or exceeds its segment.
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
    """String table offsets of the names of those symbols that other libraries can bind to.

    Raises:
        FormatError: a symbol lies outside the table's segment.
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
    """The number of dynamic symbols, which the symbol table itself does not state.

    DT_HASH states it; a GNU hash table ends at the last symbol of its last chain. A library that
    exports nothing has an empty GNU hash table, so there the highest symbol in a relocation
    counts: a symbol without a relocation is never looked up.
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
        raise FormatError(f"the symbol table of {count} entries runs past its segment")
    return count


def chain_links(image: Image, address: int) -> Iterator[int]:
    """The hashes in a chain of the GNU hash table; an odd hash is the last of its chain.

    If the segment ends before the chain does, the last hash is even.

    Raises:
        FormatError: the chain lies in no loaded segment.
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
    raise FormatError("the last GNU hash chain has no end")


def _hash_count(image: Image, most: int) -> int:
    """The number of symbols that DT_HASH states.

    Its words have 32 bits; on Alpha and s390x they have 64, though some linkers write 32 there.
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
            raise FormatError("the relocations run past their segment")
        total = tags[size] - tags[size] % shape.size
        step = shape.size * _CHUNK
        for begin in range(0, total, step):
            blob = window(image.source, offset + begin, min(step, total - begin), "relocations")
            highest = max(highest, max(info for (info,) in shape.iter_unpack(blob)) >> shift)
    return highest + 1 if highest else 0


def _relocation(image: Image, *, explicit: bool) -> tuple[Struct, int]:
    """The struct of a relocation's ``r_info``, and the bit shift of its symbol index."""
    wide, order = image.layout.wide, image.layout.order
    addend = ("8x" if wide else "4x") if explicit else ""
    if wide and image.machine == _MIPS:  # r_sym, then one byte each: r_ssym and three types
        return Struct(f"{order}8xI4x{addend}"), 0
    return Struct(f"{order}{'8xQ' if wide else '4xI'}{addend}"), 32 if wide else 8
