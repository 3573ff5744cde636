"""PE (Windows DLL, ``.pyd``) to :class:`Binary`: the import, delay-import and export directories.

Only the tables are read, by position, and each table of names as the windows that the names span.
Whatever a file states is bounded: by the section it points into, by the file's size, and by what
the Windows linker can produce; anything else is a ``FormatError``. Layouts are those of
Microsoft's "PE Format" specification, and which field wins is what the Windows loader does.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from torch_abi_audit.errors import FormatError
from torch_abi_audit.formats.window import window
from torch_abi_audit.model import Binary, Format, NotALibrary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.model import Readable

_ARCHES = {
    0x014C: "i686",
    0x01C4: "armv7l",
    0x0200: "ia64",
    0x5064: "riscv64",
    0x6264: "loongarch64",
    0x8664: "x86_64",
    0xAA64: "arm64",
}
_IMAGE_FILE_DLL = 0x2000
_EXPORTS, _IMPORTS, _DELAY_IMPORTS = 0, 1, 13
_OLDER_SIGNATURES = (b"NE", b"LE", b"LX")
_ENTRY_STEMS = (b"PyInit", b"PyModExport")
_ENTRY_PREFIXES = (b"PyInit_", b"PyInitU_", b"PyModExport_", b"PyModExportU_")

_PAGE = 0x1000
_STRIDE = 0x100000
"""The most that one read of a table takes, and the longest name."""
_MOST_DLLS = 1 << 14
_MOST_NAMES = 1 << 20
"""A DLL has at most 65,536 ordinals; this leaves room for aliases, and for many such DLLs."""


class _Region(NamedTuple):
    """A run of addresses that one piece of the file fills; the loader zeroes what follows it."""

    start: int
    filled: int
    extent: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Image:
    """The headers of one DLL, and reads by RVA (address relative to the image base)."""

    source: Readable
    machine: int
    bits: int
    base: int
    headers_size: int
    image_size: int
    directories: tuple[int, ...]
    regions: tuple[_Region, ...]
    starts: tuple[int, ...]

    def directory(self, index: int) -> int:
        """The RVA of a data directory, 0 where there is none (the loader ignores the size)."""
        return self.directories[index] if index < len(self.directories) else 0

    def region(self, rva: int, what: str) -> _Region:
        """The region that holds ``rva`` in file bytes."""
        at = bisect_right(self.starts, rva) - 1
        if at < 0 or rva - self.starts[at] >= self.regions[at].filled:
            raise FormatError(f"{what} at RVA {rva:#x} lies in no section's data: damaged")
        return self.regions[at]

    def take(self, rva: int, length: int, what: str) -> bytes:
        """Exactly ``length`` bytes at ``rva``."""
        region = self.region(rva, what)
        at = rva - region.start
        if at + length > region.filled:
            raise FormatError(f"{what} at RVA {rva:#x} runs past the end of its section: damaged")
        return window(self.source, region.offset + at, length, what)

    def rows(self, rva: int, width: int, what: str) -> Iterator[bytes]:
        """Growing pieces of a table of ``width``-byte rows that ends in a row of zeros."""
        region = self.region(rva, what)
        at, length = rva - region.start, 128 * width
        while at + width <= region.filled:
            length = min(length, (region.filled - at) // width * width)
            yield window(self.source, region.offset + at, length, what)
            at, length = at + length, min(2 * length, _STRIDE)
        if at + width <= region.extent:
            rest = window(self.source, region.offset + at, max(0, region.filled - at), what)
            yield rest.ljust(width, b"\0")
        raise FormatError(f"{what} at RVA {rva:#x} has no end in its section: damaged")


class _Library(NamedTuple):
    """One descriptor: a DLL, its table of names, and what to subtract from each address there."""

    name: int
    thunks: int
    base: int


def read(source: Readable) -> Binary | NotALibrary:
    """What the Windows loader learns from a DLL: its imports, their DLLs, and its entry points.

    Delay-loaded functions stay in ``imports``: they must resolve as soon as they are called. An
    import by ordinal has no name, so it shows only as its DLL in ``needed``. A name imported from
    two DLLs is attributed to the first, import directory before delay imports.

    Raises:
        FormatError: the file is cut short or damaged, or is not a PE image.
    """
    image = _headers(source)
    if isinstance(image, NotALibrary):
        return image
    eager, delayed = _imported(image), _delay_imported(image)
    libraries = eager + delayed
    dlls = _names(image, [library.name for library in libraries], "name of an imported DLL")
    room = min(_MOST_NAMES, source.size * 8 // image.bits)
    tables: list[tuple[str, list[int]]] = []
    for library in libraries:
        dll = dlls[library.name].decode("utf-8", "surrogateescape")
        thunks = _thunks(image, library, room)
        room -= len(thunks)
        ordinal = 1 << (image.bits - 1)
        hint = 2 - library.base
        tables.append((dll, [thunk + hint for thunk in thunks if thunk < ordinal]))
    names = _names(image, (rva for _, rvas in tables for rva in rvas), "name of an import")
    providers: dict[bytes, str] = {}
    for dll, rvas in tables:
        for rva in rvas:
            providers.setdefault(names[rva], dll)
    soname, exported = _export_table(image)
    files = [dll for dll, _ in tables]
    return Binary(
        format=Format.PE,
        arch=_ARCHES.get(image.machine, f"machine-{image.machine}"),
        bits=image.bits,
        byteorder="little",
        imports=tuple(providers),
        needed=tuple(dict.fromkeys(files[: len(eager)])),
        delay_needed=tuple(dict.fromkeys(files[len(eager) :])),
        soname=soname,
        entry_points=_entry_points(image, exported),
        providers=MappingProxyType(providers),
    )


def exports(source: Readable, binary: Binary) -> frozenset[bytes]:  # noqa: ARG001 - every format's signature
    """The names that the DLL exports, forwarded ones too; exports by ordinal have no name.

    Raises:
        FormatError: as :func:`read`.
    """
    image = _headers(source)
    if isinstance(image, NotALibrary):
        return frozenset()
    return frozenset(_names(image, _export_table(image)[1], "name of an export").values())


def _headers(source: Readable) -> _Image | NotALibrary:
    dos = window(source, 0, 64, "DOS header")
    if dos[:2] != b"MZ":
        raise FormatError("not a PE file: it does not begin with MZ")
    (start,) = struct.unpack_from("<I", dos, 60)
    if start == 0:
        return NotALibrary("DOS executable")
    signature = window(source, start, 4, "PE signature")
    if signature[:2] in _OLDER_SIGNATURES:
        return NotALibrary("DOS executable")
    if signature != b"PE\0\0":
        raise FormatError(f"no PE signature at byte {start}: damaged")
    coff = window(source, start + 4, 20, "COFF header")
    machine, section_count, optional_size, flags = struct.unpack("<HH12xHH", coff)
    if not flags & _IMAGE_FILE_DLL:
        return NotALibrary("executable")
    optional = window(source, start + 24, optional_size, "optional header")
    magic = int.from_bytes(optional[:2], "little")
    if magic not in (0x10B, 0x20B):
        raise FormatError(f"unknown kind of optional header {magic:#x}")
    wide = magic == 0x20B
    fixed = 112 if wide else 96
    if optional_size < fixed:
        raise FormatError(f"optional header of {optional_size} bytes is too short: damaged")
    (base,) = struct.unpack_from("<Q" if wide else "<I", optional, 24 if wide else 28)
    image_size, headers_size = struct.unpack_from("<II", optional, 56)
    (count,) = struct.unpack_from("<I", optional, fixed - 4)
    count = min(count, 16, (optional_size - fixed) // 8)
    directories = struct.unpack_from("<" + "I4x" * count, optional, fixed)
    table = window(source, start + 24 + optional_size, 40 * section_count, "section table")
    regions = _regions(source, table, headers_size)
    return _Image(
        source=source,
        machine=machine,
        bits=64 if wide else 32,
        base=base,
        headers_size=headers_size,
        image_size=image_size,
        directories=directories,
        regions=regions,
        starts=tuple(region.start for region in regions),
    )


def _regions(source: Readable, table: bytes, headers_size: int) -> tuple[_Region, ...]:
    """The headers and the sections by address, each as far as the loader maps it."""
    regions = [_Region(0, headers_size, _pages(headers_size), 0)]
    for size, start, filled, offset in struct.iter_unpack("<8xIIII16x", table):
        extent = _pages(size or filled)
        if extent:
            regions.append(_Region(start, min(filled, extent) if offset else 0, extent, offset))
    for region in regions:
        if region.offset + region.filled > source.size:
            raise FormatError(
                f"section of {region.filled} bytes at byte {region.offset} lies outside the file "
                f"of {source.size} bytes: cut short or damaged"
            )
    return tuple(sorted(regions))


def _pages(size: int) -> int:
    return -(-size // _PAGE) * _PAGE


def _descriptors(image: _Image, rva: int, width: int, what: str) -> Iterator[tuple[int, ...]]:
    """The 32-bit fields of each descriptor, ``_MOST_DLLS`` at most; the caller knows the last."""
    seen = 0
    for rows in image.rows(rva, width, what):
        yield from struct.iter_unpack(f"<{width // 4}I", rows)
        seen += len(rows) // width
        if seen > _MOST_DLLS:
            raise FormatError(f"{what} of more than {_MOST_DLLS} entries: damaged")


def _imported(image: _Image) -> list[_Library]:
    libraries: list[_Library] = []
    rva = image.directory(_IMPORTS)
    if not rva:
        return libraries
    for lookup, _, _, name, bound in _descriptors(image, rva, 20, "import directory"):
        if not (name and bound):
            break
        # Old Borland linkers leave the lookup table out: then the address table holds the names.
        usable = image.headers_size <= lookup < image.image_size
        libraries.append(_Library(name, lookup if usable else bound, 0))
    return libraries


def _delay_imported(image: _Image) -> list[_Library]:
    libraries: list[_Library] = []
    rva = image.directory(_DELAY_IMPORTS)
    if not rva:
        return libraries
    what = "delay-import directory"
    for attributes, name, _, _, lookup, _, _, _ in _descriptors(image, rva, 32, what):
        if not name:
            break
        base = 0 if attributes & 1 else image.base  # before Visual C++ 7: addresses, not RVAs
        libraries.append(_Library(name - base, lookup - base, base))
    return libraries


def _thunks(image: _Image, library: _Library, room: int) -> array[int]:
    """The entries of an import lookup table, which ends in 0; at most ``room`` of them."""
    what = "import lookup table"
    thunks = array("I" if image.bits == 32 else "Q")
    for rows in image.rows(library.thunks, image.bits // 8, what):
        piece = array(thunks.typecode, rows)
        if sys.byteorder == "big":
            piece.byteswap()
        last = 0 in piece
        thunks.extend(piece[: piece.index(0)] if last else piece)
        if len(thunks) > room:
            raise FormatError("more imports than the file can hold: lookup tables overlap")
        if last:
            break
    return thunks


def _export_table(image: _Image) -> tuple[str | None, array[int]]:
    """The DLL's own name, and the RVA of each exported name."""
    rvas = array("I")
    rva = image.directory(_EXPORTS)
    if not rva:
        return None, rvas
    directory = image.take(rva, 40, "export directory")
    own, count, table = struct.unpack("<12xI8xI4xI4x", directory)
    if count > _MOST_NAMES:
        raise FormatError(f"{count} exported names: damaged")
    if count:
        rvas.frombytes(image.take(table, 4 * count, "table of exported names"))
        if sys.byteorder == "big":
            rvas.byteswap()
    if not own:
        return None, rvas
    soname = _names(image, [own], "own name of the DLL")[own]
    return soname.decode("utf-8", "surrogateescape"), rvas


def _entry_points(image: _Image, exported: array[int]) -> tuple[bytes, ...]:
    """Sorted entry points, found by search, so that no other export need be named."""
    hits: set[int] = set()
    for start, blob, members in _windows(image, exported, "name of an export"):
        found: set[int] = set()
        for stem in _ENTRY_STEMS:
            at = blob.find(stem)
            while at >= 0:
                found.add(start + at)
                at = blob.find(stem, at + 1)
        if found:
            hits |= found.intersection(members)
    names = _names(image, hits, "name of an export").values()
    return tuple(sorted({name for name in names if name.startswith(_ENTRY_PREFIXES)}))


def _names(image: _Image, rvas: Iterable[int], what: str) -> dict[int, bytes]:
    """The NUL-terminated string at each RVA; together they are no longer than the file."""
    names: dict[int, bytes] = {}
    room = image.source.size
    for start, blob, members in _windows(image, rvas, what):
        find = blob.find
        for rva in members:
            at = rva - start
            end = find(b"\0", at)
            room -= end - at
            if end == at or room < 0:
                raise FormatError(f"{what} at RVA {rva:#x} is empty or overlaps others: damaged")
            names[rva] = blob[at:end]
    return names


def _windows(
    image: _Image, rvas: Iterable[int], what: str
) -> Iterator[tuple[int, bytes, Sequence[int]]]:
    """The RVAs in order, in groups, each with its first RVA and the bytes through its last NUL."""
    ordered = list(dict.fromkeys(sorted(rvas)))  # tables are nearly in order: sort, then thin
    done = 0
    while done < len(ordered):
        start = ordered[done]
        region = image.region(start, what)
        room = region.filled - (start - region.start)
        upto = bisect_left(ordered, start + min(room, _STRIDE), done)
        last = ordered[upto - 1] - start
        length = last + 256
        blob = image.take(start, min(length, room), what)
        while blob.find(b"\0", last) < 0:
            if len(blob) == room < region.extent - (start - region.start):
                blob += b"\0"  # the loader's zeros end the string
                break
            if len(blob) == room or len(blob) - last > _STRIDE:
                raise FormatError(f"{what} at RVA {start + last:#x} has no end: damaged")
            length = last + 2 * (length - last)
            blob = image.take(start, min(length, room), what)
        yield start, blob, ordered[done:upto]
        done = upto
