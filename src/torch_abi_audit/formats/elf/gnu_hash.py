"""Names looked up in the GNU hash section of an ELF file, as ld.so looks them up.

For some hundred names among thousands that costs a fraction of reading them all. Layout: binutils'
``bfd/elflink.c`` writes it, glibc's ``elf/dl-lookup.c`` reads it.
"""

from __future__ import annotations

from itertools import islice
from struct import Struct

from torch_abi_audit.formats.elf.image import Image, Tag
from torch_abi_audit.formats.elf.symbols import chain_links, names_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

_MOST = 1 << 20  # bytes of the filter and the buckets that are read
_LONGEST = 1 << 10  # symbols of a chain that are looked at
_MOST_KEPT = 1 << 14


def lookup(image: Image, names: Collection[bytes]) -> frozenset[bytes] | None:
    """Those of ``names`` that a library exports; None where this section cannot tell.

    Raises:
        FormatError: the section is damaged.
    """
    if Tag.GNU_HASH not in image.tags or Tag.SYMTAB not in image.tags:
        return None
    order, wide = image.layout.order, image.layout.wide
    at = image.tags[Tag.GNU_HASH]
    head = Struct(order + "4I").unpack(image.table(at, 16, "GNU hash table"))
    buckets, first, filters, shift = head
    size = filters * (8 if wide else 4)
    if not buckets or not filters or size + 4 * buckets > _MOST:
        return None
    blob = image.table(at + 16, size + 4 * buckets, "GNU hash table")
    mask_at = Struct(order + ("Q" if wide else "I")).unpack_from
    head_at = Struct(order + "I").unpack_from
    bits = 64 if wide else 32
    step = bits // 8
    places: set[int] = set()
    for name in names:
        key = gnu_hash(name)
        (mask,) = mask_at(blob, key // bits % filters * step)
        if not mask >> (key % bits) & mask >> ((key >> shift) % bits) & 1:
            continue
        (start,) = head_at(blob, size + key % buckets * 4)
        if start < first:
            continue
        found = _chained(image, at + 16 + len(blob) + 4 * (start - first), key)
        if found is None:
            return None
        places.update(start + index for index in found)
        if len(places) > 2 * len(names):  # versions of a name are few
            return None
    text = image.strings().names({*names_at(image, places)} - {0})
    return frozenset(names).intersection(text.values())


def _chained(image: Image, address: int, key: int) -> list[int] | None:
    """Where in a chain symbols of a hash stand; None where it is longer than any honest one."""
    found = []
    link = 0
    for index, link in enumerate(islice(chain_links(image, address), _LONGEST)):
        if link | 1 == key | 1:
            found.append(index)
    return found if link & 1 else None


def gnu_hash(name: bytes) -> int:
    """What the section calls the hash of a name."""
    key = _kept.get(name)
    if key is None:
        key = 5381
        for byte in name:
            key = key * 33 + byte & 0xFFFFFFFF
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[name] = key
    return key


_kept: dict[bytes, int] = {}  # the libraries of a package are asked for the same names
