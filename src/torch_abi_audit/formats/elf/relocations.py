"""The symbols that an ELF file's relocations need, in the order in which ld.so resolves them.

Relocations are read in bounded runs and by columns: a large library has a million of them, and most
need no symbol. Layouts: the System V gABI; the order: glibc's ``elf/dynamic-link.h``.
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.formats.elf.image import Image, Tag, words
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHUNK = 1 << 15  # relocations per read
_NONE = 0
"""The type of a relocation that does nothing, on every machine."""


def relocated(image: Image, *, lazy: bool = False) -> tuple[int, ...]:
    """Indices of the symbols that relocations name, each once, in the order of the first use.

    Args:
        image: The file.
        lazy: Whether the calls of functions (DT_JMPREL) are left out: a program that starts may
            resolve these when they are called.

    Raises:
        FormatError: a table of relocations lies outside its segment.
    """
    found: dict[int, None] = {}
    for start, size, explicit in _ranges(image, lazy=lazy):
        for blob, entry in _runs(image, start, size, explicit=explicit):
            found.update(dict.fromkeys(_symbols(image, blob, entry)))
    found.pop(0, None)
    return tuple(found)


def _ranges(image: Image, *, lazy: bool) -> Iterator[tuple[int, int, bool]]:
    """Address and size of each table, and whether its entries have an addend.

    The relocations at the head of a table that only add the load address are left out: DT_RELACOUNT
    and DT_RELCOUNT say how many they are.
    """
    tags = image.tags
    jump_is_explicit = tags.get(Tag.PLTREL, Tag.RELA) == Tag.RELA
    for table, table_size, count, explicit in (
        (Tag.REL, Tag.RELSZ, Tag.RELCOUNT, False),
        (Tag.RELA, Tag.RELASZ, Tag.RELACOUNT, True),
    ):
        start, size = tags.get(table, 0), tags.get(table_size, 0)
        if start and size:
            plain = min(tags.get(count, 0) * _entry(image, explicit=explicit), size)
            yield start + plain, size - plain, explicit
        if not lazy and explicit is jump_is_explicit and tags.get(Tag.JMPREL):
            yield tags[Tag.JMPREL], tags.get(Tag.PLTRELSZ, 0), explicit


def _entry(image: Image, *, explicit: bool) -> int:
    """The size of a relocation."""
    return (3 if explicit else 2) * (8 if image.layout.wide else 4)


def _runs(image: Image, start: int, size: int, *, explicit: bool) -> Iterator[tuple[bytes, int]]:
    """The entries of a table in runs, and the size of an entry."""
    entry = _entry(image, explicit=explicit)
    size -= size % entry
    if not size:
        return
    offset, room = image.at(start, "relocations")
    if size > room:
        raise FormatError("the relocations run past their segment")
    step = entry * _CHUNK
    for begin in range(0, size, step):
        length = min(step, size - begin)
        yield window(image.source, offset + begin, length, "relocations"), entry


def _symbols(image: Image, blob: bytes, entry: int) -> Sequence[int]:
    """The symbol index of each relocation in a run, without those that do nothing."""
    step = entry // 4
    if not image.layout.wide:
        infos = words(image, blob[4:], step)
        return [info >> 8 for info in infos if info & 0xFF != _NONE]
    high, low = (12, 8) if image.layout.order == "<" else (8, 12)
    symbols, kinds = words(image, blob[high:], step), words(image, blob[low:], step)
    if _NONE not in kinds:
        return symbols
    return [symbol for symbol, kind in zip(symbols, kinds, strict=True) if kind != _NONE]


def places(image: Image, wanted: frozenset[int]) -> Iterator[tuple[int, int, int]]:
    """Address, type and symbol of each relocation that names a symbol in ``wanted``.

    Raises:
        FormatError: a table of relocations lies outside its segment.
    """
    for start, size, explicit in _ranges(image, lazy=False):
        for blob, entry in _runs(image, start, size, explicit=explicit):
            step = entry // 4
            if image.layout.wide:
                high, low = (12, 8) if image.layout.order == "<" else (8, 12)
                symbols, kinds = words(image, blob[high:], step), words(image, blob[low:], step)
            else:
                infos = words(image, blob[4:], step)
                symbols, kinds = [info >> 8 for info in infos], [info & 0xFF for info in infos]
            shape = Struct(image.layout.order + ("Q" if image.layout.wide else "I"))
            for index, symbol in enumerate(symbols):
                if symbol in wanted:
                    yield shape.unpack_from(blob, index * entry)[0], kinds[index], symbol
