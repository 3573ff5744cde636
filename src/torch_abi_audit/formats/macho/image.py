"""The load commands of a Mach-O image: its tables are located and bounded, but not yet read.

Layouts: Apple's ``<mach-o/loader.h>``. An image that dyld refuses is a ``FormatError``.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from torch_abi_audit.formats.bounded import c_string, outside, window
from torch_abi_audit.formats.macho.slices import THIN
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
_MH_DYLIB, _MH_BUNDLE = 6, 8
_MH_TWOLEVEL = 0x80

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
_DYLIB_USE = 0x1A741800  # in the timestamp field: the command is a dylib_use_command
_DYLIB_USE_SIZE = 28
_USE_WEAK, _USE_DELAYED = 1, 8
_PLATFORM_MACOS = 1


class _Tag(IntEnum):
    """The load commands that are read."""

    SEGMENT = 0x1
    SYMTAB = 0x2
    DYSYMTAB = 0xB
    LOAD_DYLIB = 0xC
    ID_DYLIB = 0xD
    SEGMENT_64 = 0x19
    LAZY_LOAD_DYLIB = 0x20
    DYLD_INFO = 0x22
    VERSION_MIN_MACOSX = 0x24
    BUILD_VERSION = 0x32
    LOAD_WEAK_DYLIB = 0x80000018
    RPATH = 0x8000001C
    REEXPORT_DYLIB = 0x8000001F
    DYLD_INFO_ONLY = 0x80000022
    LOAD_UPWARD_DYLIB = 0x80000023
    DYLD_EXPORTS_TRIE = 0x80000033
    DYLD_CHAINED_FIXUPS = 0x80000034


_LOADS = {
    _Tag.LOAD_DYLIB,
    _Tag.LOAD_WEAK_DYLIB,
    _Tag.REEXPORT_DYLIB,
    _Tag.LAZY_LOAD_DYLIB,
    _Tag.LOAD_UPWARD_DYLIB,
}


class Extent(NamedTuple):
    """A table at ``[offset, offset + size)`` of its slice; absent if ``size`` is 0."""

    offset: int
    size: int


class Dylib(NamedTuple):
    """A library that the image loads; its 1-based position is its ordinal."""

    name: str
    weak: bool
    """Whether the library may be missing; its symbols are null then."""
    delayed: bool
    """Whether dyld loads the library at its first use."""


class Symtab(NamedTuple):
    """LC_SYMTAB: offset and number of entries of the symbol table, and its string table."""

    offset: int
    entries: int
    strings: Extent


@dataclass(frozen=True, slots=True)
class Image:
    """The contents of one slice's load commands."""

    source: Slice
    order: str
    wide: bool
    arch: str
    two_level: bool
    dylibs: tuple[Dylib, ...]
    soname: str | None
    rpaths: tuple[str, ...]
    min_os: str | None
    symtab: Symtab
    undefined: range
    external: range
    chained_fixups: Extent
    binds: Extent
    lazy_binds: Extent
    exports: Extent

    def table(self, extent: Extent, what: str) -> bytes:
        """The bytes of a table."""
        return window(self.source, extent.offset, extent.size, what)


class _Command(NamedTuple):
    tag: int
    body: bytes


def open_image(source: Slice) -> Image | NotALibrary:
    """Read the header and the load commands of one slice.

    Raises:
        FormatError: the slice is damaged, cut short, or of an unknown file type.
    """
    magic = window(source, 0, 4, "Mach-O magic")
    if magic not in THIN:
        if source.read_at(0, len(_ARCHIVE_MAGIC)) == _ARCHIVE_MAGIC:
            return NotALibrary("static archive")
        raise FormatError(f"the slice is not a Mach-O image: it begins with {magic.hex()}")
    order, wide = THIN[magic]
    header = Struct(order + ("4x6I4x" if wide else "4x6I"))
    cpu, variant, kind, count, size, flags = header.unpack(
        window(source, 0, header.size, "Mach-O header")
    )
    if kind in _KINDS:
        return NotALibrary(_KINDS[kind])
    if kind not in (_MH_DYLIB, _MH_BUNDLE):
        raise FormatError(f"unknown Mach-O file type {kind}")
    if size > _MOST_COMMANDS:
        raise FormatError(f"load commands of {size} bytes: larger than in any real library")
    blob = window(source, header.size, size, "load commands")
    commands = list(_commands(blob, count, order))
    _check_segments(commands, source, order)
    symtab, undefined, external = _symbol_tables(commands, order)
    _, binds, _, lazy_binds, info_exports = _dyld_info(commands, order)
    exports = _linkedit(commands, order, _Tag.DYLD_EXPORTS_TRIE)
    return Image(
        source=source,
        order=order,
        wide=wide,
        arch=_CPU_VARIANTS.get((cpu, variant & _SUBTYPE)) or _CPUS.get(cpu, f"machine-{cpu}"),
        two_level=bool(flags & _MH_TWOLEVEL),
        dylibs=tuple(_dylib(one, order) for one in commands if one.tag in _LOADS),
        soname=next((_text(one, order) for one in commands if one.tag == _Tag.ID_DYLIB), None),
        rpaths=tuple(_text(one, order) for one in commands if one.tag == _Tag.RPATH),
        min_os=_min_os(commands, order),
        symtab=symtab,
        undefined=undefined,
        external=external,
        chained_fixups=_linkedit(commands, order, _Tag.DYLD_CHAINED_FIXUPS),
        binds=binds,
        lazy_binds=lazy_binds,
        exports=exports if exports.size else info_exports,
    )


def _commands(blob: bytes, count: int, order: str) -> Iterator[_Command]:
    head = Struct(order + "II")
    at = 0
    for index in range(count):
        if at + head.size > len(blob):
            raise FormatError(f"load command {index} of {count} lies outside the load commands")
        tag, size = head.unpack_from(blob, at)
        if size < head.size or at + size > len(blob):
            raise FormatError(f"load command {index} of {count} has a bad size of {size} bytes")
        yield _Command(tag, blob[at : at + size])
        at += size


def _fields(command: _Command, shape: str) -> tuple[int, ...]:
    layout = Struct(shape)
    if len(command.body) < layout.size:
        raise FormatError(f"load command {command.tag:#x} is cut short")
    return layout.unpack_from(command.body)


def _only(commands: Sequence[_Command], *tags: _Tag) -> _Command | None:
    """The only command of these kinds; dyld refuses an image with a second one."""
    found = [one for one in commands if one.tag in tags]
    if len(found) > 1:
        raise FormatError(f"load command {found[1].tag:#x} occurs more than once")
    return found[0] if found else None


def _text(command: _Command, order: str) -> str:
    """The string of a command whose first field is the string's offset (``lc_str``)."""
    (offset,) = _fields(command, order + "8xI")
    name = c_string(command.body, offset, f"load command {command.tag:#x}")
    return name.decode("utf-8", "surrogateescape")


def _dylib(command: _Command, order: str) -> Dylib:
    name = _text(command, order)
    weak = command.tag == _Tag.LOAD_WEAK_DYLIB
    delayed = command.tag == _Tag.LAZY_LOAD_DYLIB
    offset, marker = _fields(command, order + "8xII8x")
    if marker == _DYLIB_USE and offset == _DYLIB_USE_SIZE:
        (flags,) = _fields(command, order + "24xI")
        weak, delayed = weak or bool(flags & _USE_WEAK), delayed or bool(flags & _USE_DELAYED)
    return Dylib(name, weak=weak, delayed=delayed)


def _check_segments(commands: Sequence[_Command], source: Slice, order: str) -> None:
    """Raise ``FormatError`` if a segment lies outside the image: the file was cut short then."""
    shapes: dict[int, str] = {_Tag.SEGMENT: "32xII", _Tag.SEGMENT_64: "40xQQ"}
    for command in commands:
        if shape := shapes.get(command.tag):
            offset, size = _fields(command, order + shape)
            if offset + size > source.size:
                raise FormatError(outside(offset, size, source.size, "segment"))


def _symbol_tables(commands: Sequence[_Command], order: str) -> tuple[Symtab, range, range]:
    """LC_SYMTAB, and the ranges of undefined and external entries from LC_DYSYMTAB."""
    command = _only(commands, _Tag.SYMTAB)
    if command is None:
        return Symtab(0, 0, Extent(0, 0)), range(0), range(0)
    offset, count, strings, size = _fields(command, order + "8x4I")
    symtab = Symtab(offset, count, Extent(strings, size))
    command = _only(commands, _Tag.DYSYMTAB)
    if command is None:
        return symtab, range(count), range(count)
    _, local, first, external, start, undefined = _fields(command, order + "8x6I")
    if not local | external | undefined:
        return symtab, range(count), range(count)
    if max(first + external, start + undefined) > count:
        raise FormatError(f"the symbol groups run past the symbol table of {count} entries")
    return symtab, range(start, start + undefined), range(first, first + external)


def _dyld_info(commands: Sequence[_Command], order: str) -> tuple[Extent, ...]:
    """LC_DYLD_INFO: rebases, binds, weak binds, lazy binds, exports."""
    command = _only(commands, _Tag.DYLD_INFO, _Tag.DYLD_INFO_ONLY)
    fields = _fields(command, order + "8x10I") if command else (0,) * 10
    return tuple(Extent(*fields[at : at + 2]) for at in range(0, 10, 2))


def _linkedit(commands: Sequence[_Command], order: str, tag: _Tag) -> Extent:
    command = _only(commands, tag)
    return Extent(*_fields(command, order + "8xII")) if command else Extent(0, 0)


def _min_os(commands: Sequence[_Command], order: str) -> str | None:
    for command in commands:
        if command.tag == _Tag.VERSION_MIN_MACOSX:
            (version,) = _fields(command, order + "8xI")
        elif command.tag == _Tag.BUILD_VERSION:
            platform, version = _fields(command, order + "8xII")
            if platform != _PLATFORM_MACOS:
                continue
        else:
            continue
        patch = f".{version & 0xFF}" if version & 0xFF else ""
        return f"{version >> 16}.{version >> 8 & 0xFF}{patch}"
    return None
