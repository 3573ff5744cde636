"""The definitions of symbols that ld.so finds by name: through the GNU hash section, or DT_HASH.

Names are looked up in bulk: the filter of the hash section turns most away, without a look at the
file. Layouts: the System V gABI; binutils' ``bfd/elflink.c`` writes the GNU hash section, and
glibc's ``elf/dl-lookup.c`` reads both.
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.elf.gnu_hash import GnuHash
from torch_abi_audit.formats.elf.image import Image, Tag, numbers
from torch_abi_audit.formats.elf.versions import version_word
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST = 1 << 25  # most bytes of DT_HASH
_LONGEST = 1 << 12  # most symbols in one of its chains
_ABSOLUTE = 0xFFF1
_TLS = 6
_DATA_OR_CODE = frozenset({0, 1, 2, 5, _TLS, 10})
"""STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_COMMON, STT_TLS and STT_GNU_IFUNC."""
_BINDINGS = frozenset({1, 2, 10})  # STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE
_LOCAL_VISIBILITY = frozenset({1, 2})  # STV_INTERNAL, STV_HIDDEN


@dataclass(frozen=True, slots=True)
class Definition:
    """A symbol that defines a name."""

    index: int
    version: int
    """Index of its version; 0 where the file has no DT_VERSYM."""
    hidden: bool
    """Whether its version is not the default one of the name."""
    shown: bool
    """Whether other libraries can bind to it."""


class Definitions:
    """The definitions of a file by name; the tables of its hash section are kept.

    Raises:
        FormatError: the hash section is damaged, or implausibly large.
    """

    __slots__ = ("_find", "_image", "_names", "_symbol", "_symbols", "_versioned")

    def __init__(self, image: Image) -> None:
        self._image = image
        self._versioned = Tag.VERSYM in image.tags
        wide, order = image.layout.wide, image.layout.order
        self._symbol = Struct(order + ("IBBHQ8x" if wide else "II4xBBH"))
        self._symbols = image.tags.get(Tag.SYMTAB, 0)
        self._names = image.tags.get(Tag.STRTAB, 0)
        self._find: GnuHash | _SysvHash | None = None
        if Tag.GNU_HASH in image.tags:
            self._find = GnuHash(image)
        elif Tag.HASH in image.tags:
            self._find = _SysvHash(image)

    def find(self, names: Iterable[bytes]) -> dict[bytes, tuple[Definition, ...]]:
        """The definitions of each name that has any, in the order in which ld.so meets them.

        Raises:
            FormatError: a table is damaged.
        """
        if self._find is None:
            return {}
        found = {}
        for name, indices in self._find.candidates(names):
            defined = tuple(
                definition
                for definition in (self._definition(index, name) for index in indices)
                if definition is not None
            )
            if defined:
                found[name] = defined
        return found

    def _definition(self, index: int, name: bytes) -> Definition | None:
        """The symbol at an index, if it defines the name."""
        size = self._symbol.size
        fields = self._symbol.unpack(
            self._image.table(self._symbols + index * size, size, "symbol")
        )
        if self._image.layout.wide:
            at, info, other, section, value = fields
        else:
            at, value, info, other, section = fields
        kind = info & 15
        nothing = value == 0 and section != _ABSOLUTE and kind != _TLS
        if nothing or section == 0 or kind not in _DATA_OR_CODE:
            return None
        if not self._named(at, name):
            return None
        word = version_word(self._image, index) if self._versioned else 0
        return Definition(
            index=index,
            version=word & 0x7FFF,
            hidden=bool(word & 0x8000),
            shown=info >> 4 in _BINDINGS and other & 3 not in _LOCAL_VISIBILITY,
        )

    def _named(self, at: int, name: bytes) -> bool:
        offset, room = self._image.at(self._names + at, "name of a symbol")
        text = self._image.source.read_at(offset, min(room, len(name) + 1))
        return text == name + b"\0"


class _SysvHash:
    """DT_HASH."""

    __slots__ = ("_chain", "_heads")

    def __init__(self, image: Image) -> None:
        at = image.tags[Tag.HASH]
        buckets, symbols = Struct(image.layout.order + "2I").unpack(
            image.table(at, 8, "hash table")
        )
        if 4 * (buckets + symbols) > _MOST:
            raise FormatError(f"a hash table with {buckets} buckets and {symbols} symbols")
        blob = image.table(at + 8, 4 * (buckets + symbols), "hash table")
        entries = numbers(image, blob, wide=False)
        self._heads, self._chain = entries[:buckets], entries[buckets:]

    def candidates(self, names: Iterable[bytes]) -> Iterator[tuple[bytes, list[int]]]:
        """Each name whose bucket is not empty, and the symbols in the bucket."""
        heads, chain = self._heads, self._chain
        for name in names if heads else ():
            found: list[int] = []
            index = heads[sysv_hash(name) % len(heads)]
            while index and len(found) < _LONGEST:
                if index >= len(chain):
                    raise FormatError("a hash chain leads out of its table")
                found.append(index)
                index = chain[index]
            if index:
                raise FormatError("a hash chain has no end")
            if found:
                yield name, found


def sysv_hash(name: bytes) -> int:
    """The hash of a name in the System V gABI, 32 bits."""
    key = 0
    for byte in name:
        key = (key << 4) + byte
        high = key & 0xF0000000
        key = (key ^ high >> 24) & ~high
    return key
