"""The names that an ELF file needs from others, in the order in which ld.so resolves them."""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.elf.image import Image, Tag
from torch_abi_audit.formats.elf.relocations import relocated
from torch_abi_audit.formats.elf.symbols import symbols
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

_VERSION = 0x7FFF


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that a relocation needs and the file itself does not define."""

    name: bytes
    version: int
    """Index of the version that it asks for; 0 where the file has no DT_VERSYM."""
    weak: bool
    """Whether the loader goes on if nobody defines it."""


def undefined(image: Image, *, lazy: bool = False) -> tuple[Reference, ...]:
    """The undefined symbols that relocations need, in the order of their first use.

    A symbol that the file defines is left out: whichever definition of the name ld.so chooses, it
    finds one. So is a hidden symbol, which ld.so does not look up.

    Args:
        image: The file.
        lazy: Whether functions are left out that are resolved when they are called.

    Raises:
        FormatError: a table is damaged.
    """
    order = relocated(image, lazy=lazy)
    if not order:
        return ()
    names: dict[int, int] = {}
    optional: set[int] = set()
    count = 0
    for entries in symbols(image):
        count += entries.count
        column = entries.undefined()
        if column:
            column &= entries.bindable() & entries.shown()
            names.update(zip(entries.indices(column), entries.names(column), strict=False))
            optional.update(entries.indices(column & entries.weak()))
    if max(order) >= count:
        raise FormatError(f"a relocation names symbol {max(order)} of {count}")
    wanted = [index for index in order if index in names]
    text = image.strings().names({names[index] for index in wanted})
    versions = _versions(image, wanted)
    return tuple(
        Reference(text[names[index]], version, index in optional)
        for index, version in zip(wanted, versions, strict=True)
    )


def _versions(image: Image, indices: list[int]) -> list[int]:
    """The versions that symbols ask for: their entries of DT_VERSYM."""
    if not indices or Tag.VERSYM not in image.tags:
        return [0] * len(indices)
    blob = image.table(image.tags[Tag.VERSYM], 2 * (max(indices) + 1), "symbol versions")
    found = Struct(f"{image.layout.order}{len(blob) // 2}H").unpack(blob)
    return [found[index] & _VERSION for index in indices]
