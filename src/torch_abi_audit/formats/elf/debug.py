"""The debug sections of an ELF file, unpacked if they are compressed.

Layouts: the System V gABI (``Elf64_Chdr``); ``.zdebug`` sections are GNU's older form.
"""

from __future__ import annotations

import sys
import zlib
from struct import Struct

from torch_abi_audit.formats.bounded import LARGEST, window
from torch_abi_audit.formats.dwarf_data import DebugData, Memory, Section
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch_abi_audit.formats.dwarf_data import Fixups
    from torch_abi_audit.formats.elf.section_table import Header
    from torch_abi_audit.formats.elf.section_table import Section as SectionHeader
    from torch_abi_audit.model.binary import Readable

_SHT_NOBITS = 8
_SHF_GROUP, _SHF_COMPRESSED = 0x200, 0x800
_ZLIB, _ZSTD = 1, 2
_WANTED = frozenset(
    {
        *("debug_info", "debug_abbrev", "debug_line", "debug_line_str", "debug_str"),
        *("debug_str_offsets", "debug_addr", "debug_ranges", "debug_rnglists"),
    }
)


def debug_data(
    source: Readable,
    header: Header,
    fixups: Callable[[int], Fixups | None],
    starts: Mapping[int, int],
    *,
    linked: bool = False,
) -> DebugData | None:
    """The debug sections of a file; None if it has no line table.

    Args:
        source: The file.
        header: Its sections.
        fixups: Gives the relocations of a section by its number.
        starts: The flat address of each section of code in an object file.
        linked: Whether the file is a library or a program.

    Raises:
        FormatError: a section lies outside of the file, or cannot be unpacked.
    """
    found: dict[str, Section] = {}
    for index, one in enumerate(header.sections):
        old = one.name.startswith(b".zdebug_")
        name = one.name.decode("latin-1").removeprefix(".z" if old else ".")
        if name not in _WANTED or one.kind == _SHT_NOBITS or one.flags & _SHF_GROUP:
            continue
        if name in found:
            continue
        if one.flags & _SHF_COMPRESSED or old:
            data = _unpacked(source, one, header, old=old)
            found[name] = Section(Memory(data), 0, len(data), name, header.order, fixups(index))
        else:
            if one.offset + one.size > source.size:
                raise FormatError(f"the section {name} runs past the end of the file")
            found[name] = Section(source, one.offset, one.size, name, header.order, fixups(index))
    if "debug_line" not in found:
        return None
    return DebugData(header.order, found, starts, linked=linked)


def _unpacked(source: Readable, one: SectionHeader, header: Header, *, old: bool) -> bytes:
    """The contents of a compressed section."""
    blob = window(source, one.offset, one.size, "compressed section")
    if old:
        if blob[:4] != b"ZLIB" or len(blob) < 12:
            raise FormatError("a compressed debug section does not begin as it should")
        kind, size, start = _ZLIB, int.from_bytes(blob[4:12], "big"), 12
    else:
        shape = Struct(header.order + ("I4xQ8x" if header.wide else "II4x"))
        if len(blob) < shape.size:
            raise FormatError("a compressed debug section is cut short")
        kind, size = shape.unpack_from(blob)
        start = shape.size
    if size > LARGEST:
        raise FormatError(f"a compressed debug section claims {size} bytes")
    if kind not in (_ZLIB, _ZSTD):
        raise FormatError(f"a debug section has the unknown compression {kind}")
    if not size:
        return b""
    return _inflated(blob[start:], size) if kind == _ZLIB else _unpacked_zstd(blob[start:], size)


def _inflated(packed: bytes, size: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, size)
    except zlib.error as error:
        raise FormatError(f"a compressed debug section is damaged: {error}") from error


def _unpacked_zstd(packed: bytes, size: int) -> bytes:
    from importlib import import_module

    try:
        name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
        zstd = import_module(name)
    except ImportError as error:
        raise FormatError(
            "the debug sections are packed with zstd: install backports.zstd"
        ) from error
    try:
        data: bytes = zstd.ZstdDecompressor().decompress(packed, size)
    except zstd.ZstdError as error:
        raise FormatError(f"a compressed debug section is damaged: {error}") from error
    return data
