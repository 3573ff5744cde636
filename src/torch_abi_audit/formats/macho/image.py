"""The load commands of a Mach-O image: its tables are located and bounded, but not yet read.

Layouts: Apple's ``<mach-o/loader.h>``. An image that dyld refuses is a ``FormatError``.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from torch_abi_audit.formats.bounded import outside, window
from torch_abi_audit.formats.macho.commands import (
    FIXUPS,
    LOADS,
    Tag,
    dylib,
    fields,
    only,
    split,
    text,
    uuid,
    versions,
)
from torch_abi_audit.formats.macho.slices import THIN
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.formats.macho.commands import Command, Dylib, Versions
    from torch_abi_audit.formats.macho.slices import Slice

_ARCHIVE_MAGIC = b"!<arch>\n"

_KINDS = {
    1: "object file",
    2: "executable",
    3: "fixed library",
    4: "core dump",
    5: "preloaded executable",
    7: "dynamic linker",
    9: "stub library",
    10: "debug symbols",
    11: "kernel extension",
    12: "kernel collection",
}
MH_EXECUTE, MH_DYLIB, MH_BUNDLE = 2, 6, 8
_MH_TWOLEVEL, _MH_WEAK_DEFINES = 0x80, 0x8000

_CPUS = {
    7: "i386",
    12: "arm",
    18: "ppc",
    0x01000007: "x86_64",
    0x0100000C: "arm64",
    0x01000012: "ppc64",
    0x0200000C: "arm64_32",
}
_CPU_VARIANTS = {(0x01000007, 8): "x86_64h", (0x0100000C, 2): "arm64e"}
_SUBTYPE = 0x00FFFFFF  # above it: capability bits

_MOST_COMMANDS = 1 << 22  # bytes; real load commands take at most some tens of kilobytes


class Extent(NamedTuple):
    """A table at ``[offset, offset + size)`` of its slice; absent if ``size`` is 0."""

    offset: int
    size: int


class Symtab(NamedTuple):
    """LC_SYMTAB: offset and number of entries of the symbol table, and its string table."""

    offset: int
    entries: int
    strings: Extent


@dataclass(frozen=True, slots=True)
class Image:
    """The contents of one slice's load commands."""

    source: Slice
    kind: int
    """``MH_DYLIB`` or ``MH_BUNDLE``, or ``MH_EXECUTE`` if a program was asked for."""
    order: str
    wide: bool
    arch: str
    two_level: bool
    dylibs: tuple[Dylib, ...]
    soname: str | None
    rpaths: tuple[str, ...]
    versions: Versions
    uuid: bytes | None
    weak_definitions: bool
    """Whether it has definitions that dyld unifies with those of other images (C++)."""
    symtab: Symtab
    undefined: range
    external: range
    fixed_up: bool
    """Whether it has tables of what dyld binds; images of before 2009 have relocations only."""
    chained_fixups: Extent
    binds: Extent
    lazy_binds: Extent
    exports: Extent

    def table(self, extent: Extent, what: str) -> bytes:
        """The bytes of a table."""
        return window(self.source, extent.offset, extent.size, what)


class Header(NamedTuple):
    """The first bytes of a slice."""

    order: str
    wide: bool
    arch: str
    kind: int
    """The file type, such as ``MH_DYLIB``."""
    flags: int
    commands: int
    """Number of load commands."""
    start: int
    """Offset of the load commands."""
    size: int
    """Bytes of the load commands."""


def read_header(source: Slice) -> Header | NotALibrary:
    """The header of one slice.

    Raises:
        FormatError: it is not a Mach-O image.
    """
    magic = window(source, 0, 4, "Mach-O magic")
    if magic not in THIN:
        if source.read_at(0, len(_ARCHIVE_MAGIC)) == _ARCHIVE_MAGIC:
            return NotALibrary("static archive")
        raise FormatError(f"the slice is not a Mach-O image: it begins with {magic.hex()}")
    order, wide = THIN[magic]
    shape = Struct(order + ("4x6I4x" if wide else "4x6I"))
    cpu, variant, kind, count, size, flags = shape.unpack(
        window(source, 0, shape.size, "Mach-O header")
    )
    arch = _CPU_VARIANTS.get((cpu, variant & _SUBTYPE)) or _CPUS.get(cpu, f"machine-{cpu}")
    return Header(order, wide, arch, kind, flags, count, shape.size, size)


def open_image(source: Slice, *, programs: bool = False) -> Image | NotALibrary:
    """Read the header and the load commands of one slice.

    Args:
        source: The slice.
        programs: Whether an executable is read, too.

    Raises:
        FormatError: the slice is damaged, cut short, or of an unknown file type.
    """
    header = read_header(source)
    if isinstance(header, NotALibrary):
        return header
    order, kind = header.order, header.kind
    if kind in _KINDS and not (programs and kind == MH_EXECUTE):
        return NotALibrary(_KINDS[kind])
    if kind not in (MH_DYLIB, MH_BUNDLE, MH_EXECUTE):
        raise FormatError(f"unknown Mach-O file type {kind}")
    if header.size > _MOST_COMMANDS:
        raise FormatError(f"load commands of {header.size} bytes: larger than in any real library")
    blob = window(source, header.start, header.size, "load commands")
    commands = list(split(blob, header.commands, order))
    _check_segments(commands, source, order)
    symtab, undefined, external = _symbol_tables(commands, order)
    _, binds, _, lazy_binds, info_exports = _dyld_info(commands, order)
    exports = _linkedit(commands, order, Tag.DYLD_EXPORTS_TRIE)
    return Image(
        source=source,
        kind=kind,
        order=order,
        wide=header.wide,
        arch=header.arch,
        two_level=bool(header.flags & _MH_TWOLEVEL),
        dylibs=tuple(dylib(one, order) for one in commands if one.tag in LOADS),
        soname=next((text(one, order) for one in commands if one.tag == Tag.ID_DYLIB), None),
        rpaths=tuple(text(one, order) for one in commands if one.tag == Tag.RPATH),
        versions=versions(commands, order),
        uuid=uuid(commands),
        weak_definitions=bool(header.flags & _MH_WEAK_DEFINES),
        symtab=symtab,
        undefined=undefined,
        external=external,
        fixed_up=any(one.tag in FIXUPS for one in commands),
        chained_fixups=_linkedit(commands, order, Tag.DYLD_CHAINED_FIXUPS),
        binds=binds,
        lazy_binds=lazy_binds,
        exports=exports if exports.size else info_exports,
    )


def _check_segments(commands: Sequence[Command], source: Slice, order: str) -> None:
    """Raise ``FormatError`` if a segment lies outside the image: the file was cut short then."""
    shapes: dict[int, str] = {Tag.SEGMENT: "32xII", Tag.SEGMENT_64: "40xQQ"}
    for command in commands:
        if shape := shapes.get(command.tag):
            offset, size = fields(command, order + shape)
            if offset + size > source.size:
                raise FormatError(outside(offset, size, source.size, "segment"))


def _symbol_tables(commands: Sequence[Command], order: str) -> tuple[Symtab, range, range]:
    """LC_SYMTAB, and the ranges of undefined and external entries from LC_DYSYMTAB."""
    command = only(commands, Tag.SYMTAB)
    if command is None:
        return Symtab(0, 0, Extent(0, 0)), range(0), range(0)
    offset, count, strings, size = fields(command, order + "8x4I")
    symtab = Symtab(offset, count, Extent(strings, size))
    command = only(commands, Tag.DYSYMTAB)
    if command is None:
        return symtab, range(count), range(count)
    _, local, first, external, start, undefined = fields(command, order + "8x6I")
    if not local | external | undefined:
        return symtab, range(count), range(count)
    if max(first + external, start + undefined) > count:
        raise FormatError(f"the symbol groups run past the symbol table of {count} entries")
    return symtab, range(start, start + undefined), range(first, first + external)


def _dyld_info(commands: Sequence[Command], order: str) -> tuple[Extent, ...]:
    """LC_DYLD_INFO: rebases, binds, weak binds, lazy binds, exports."""
    command = only(commands, Tag.DYLD_INFO, Tag.DYLD_INFO_ONLY)
    found = fields(command, order + "8x10I") if command else (0,) * 10
    return tuple(Extent(*found[at : at + 2]) for at in range(0, 10, 2))


def _linkedit(commands: Sequence[Command], order: str, tag: Tag) -> Extent:
    command = only(commands, tag)
    return Extent(*fields(command, order + "8xII")) if command else Extent(0, 0)
