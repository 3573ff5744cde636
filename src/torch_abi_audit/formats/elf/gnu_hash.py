"""Symbol lookup through the GNU hash section of an ELF file, as ld.so does it.

Looking up a few hundred names among thousands takes a fraction of the time of reading them all.
Layout: binutils' ``bfd/elflink.c`` writes the section, glibc's ``elf/dl-lookup.c`` reads it.
"""

from __future__ import annotations

from itertools import islice
from struct import Struct

from torch_abi_audit.formats.elf.image import Image, Tag, numbers
from torch_abi_audit.formats.elf.symbols import chain_links, names_at
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_MOST = 1 << 25  # most bytes of the filter and the buckets: they have 2 MB in the largest libraries
_LONGEST = 1 << 12  # most symbols in a chain
_MOST_KEPT = 1 << 14


class GnuHash:
    """The filter and the buckets of the section; the chains are read when they are walked.

    Raises:
        FormatError: the section is damaged, or implausibly large.
    """

    __slots__ = ("_bits", "_chains", "_first", "_heads", "_image", "_masks", "_shift")

    def __init__(self, image: Image) -> None:
        self._image = image
        self._bits = 64 if image.layout.wide else 32
        at = image.tags[Tag.GNU_HASH]
        buckets, self._first, filters, self._shift = Struct(image.layout.order + "4I").unpack(
            image.table(at, 16, "GNU hash table")
        )
        size = filters * (self._bits // 8)
        if size + 4 * buckets > _MOST:
            raise FormatError(f"a GNU hash table with {filters} filters and {buckets} buckets")
        blob = image.table(at + 16, size + 4 * buckets, "GNU hash table")
        self._masks = numbers(image, blob[:size], wide=image.layout.wide)
        self._heads = numbers(image, blob[size:], wide=False)
        self._chains = at + 16 + len(blob)

    @property
    def is_empty(self) -> bool:
        """Whether no name can be looked up: so it is written where nothing is exported."""
        return not self._masks or not self._heads

    def candidates(self, names: Iterable[bytes]) -> Iterator[tuple[bytes, list[int]]]:
        """Each name that the filter lets pass, with the indices of the symbols with its hash.

        Raises:
            FormatError: a chain lies in no segment, or has no end.
        """
        masks, heads, bits, shift = self._masks, self._heads, self._bits, self._shift
        if self.is_empty:
            return
        filters, buckets = len(masks), len(heads)
        for name in names:
            key = gnu_hash(name)
            mask = masks[key // bits % filters]
            if mask >> key % bits & mask >> (key >> shift) % bits & 1:
                start = heads[key % buckets]
                found = self._chained(start, key) if start >= self._first else None
                if found:
                    yield name, found

    def _chained(self, start: int, key: int) -> list[int]:
        """The symbols of a chain that have a hash."""
        found = []
        link = 0
        links = chain_links(self._image, self._chains + 4 * (start - self._first))
        for index, link in enumerate(islice(links, _LONGEST), start):
            if link | 1 == key | 1:
                found.append(index)
        if not link & 1:
            raise FormatError("a GNU hash chain has no end")
        return found


def lookup(image: Image, names: Collection[bytes]) -> frozenset[bytes] | None:
    """The names in ``names`` that a library exports; None if this section cannot answer.

    Raises:
        FormatError: the symbol table is damaged.
    """
    if Tag.GNU_HASH not in image.tags or Tag.SYMTAB not in image.tags:
        return None
    places: set[int] = set()
    try:
        table = GnuHash(image)
        if table.is_empty:
            return None
        for _, found in table.candidates(names):
            places.update(found)
            if len(places) > 2 * len(names):  # a name has few versions
                return None
    except FormatError:
        return None
    text = image.strings().names({*names_at(image, places)} - {0})
    return frozenset(names).intersection(text.values())


def gnu_hash(name: bytes) -> int:
    """The GNU hash of a name, 32 bits."""
    key = _kept.get(name)
    if key is None:
        key = 5381
        for byte in name:
            key = key * 33 + byte & 0xFFFFFFFF
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[name] = key
    return key


_kept: dict[bytes, int] = {}  # the same names are looked up in every library of a package
