"""The image of a DLL as the Windows loader maps it: headers, regions, and reads by RVA.

An RVA is an address relative to the image base. Every range must lie within its section and the
file, and names must not overlap: anything else is a ``FormatError``. The layouts are those of
Microsoft's "PE Format" specification; where fields conflict, the Windows loader's choice counts.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right

from torch_abi_audit.formats.bounded import outside, window
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.model.binary import Readable

_IMAGE_FILE_DLL = 0x2000
_ARCHES = {
    0x014C: "i686",
    0x01C4: "armv7l",
    0x0200: "ia64",
    0x5064: "riscv64",
    0x6264: "loongarch64",
    0x8664: "x86_64",
    0xAA64: "arm64",
}
_OLDER_SIGNATURES = (b"NE", b"LE", b"LX")
_PAGE = 0x1000
_STRIDE = 0x100000
"""Most bytes in one read of a table, and in one name."""


@dataclass(frozen=True, slots=True)
class Region:
    """A range of addresses, filled from the file; the loader zeroes the rest."""

    start: int
    """RVA of the first byte."""
    filled: int
    """Bytes that come from the file."""
    extent: int
    """Bytes in memory, a multiple of the page size."""
    offset: int
    """File offset of the first byte."""


@dataclass(frozen=True, slots=True)
class Image:
    """The headers of one DLL, and reads by RVA (address relative to the image base)."""

    source: Readable
    machine: int
    bits: int
    base: int
    headers_size: int
    image_size: int
    directories: tuple[int, ...]
    """The RVA of each data directory."""
    sizes: tuple[int, ...]
    """The bytes that each data directory states."""
    regions: tuple[Region, ...]
    starts: tuple[int, ...]
    sections: tuple[bytes, ...]
    """Names of the sections, at most eight bytes each."""
    spans: tuple[tuple[int, int], ...]
    """File offset and size of each of these sections, without what only fills up the file."""

    @property
    def arch(self) -> str:
        """The architecture, spelled as in wheel tags."""
        return _ARCHES.get(self.machine, f"machine-{self.machine}")

    def directory(self, index: int) -> int:
        """The RVA of a data directory; 0 if there is none (the loader ignores the size)."""
        return self.directories[index] if index < len(self.directories) else 0

    def region(self, rva: int, what: str) -> Region:
        """The region with file bytes at ``rva``.

        Raises:
            FormatError: no region has any.
        """
        at = bisect_right(self.starts, rva) - 1
        if at < 0 or rva - self.starts[at] >= self.regions[at].filled:
            raise FormatError(f"{what} at RVA {rva:#x} is not in the data of any section")
        return self.regions[at]

    def take(self, rva: int, length: int, what: str) -> bytes:
        """Exactly ``length`` bytes at ``rva``.

        Raises:
            FormatError: the range is not within the file bytes of one region.
        """
        region = self.region(rva, what)
        at = rva - region.start
        if at + length > region.filled:
            raise FormatError(f"{what} at RVA {rva:#x} runs past the end of its section")
        return window(self.source, region.offset + at, length, what)

    def rows(self, rva: int, width: int, what: str) -> Iterator[bytes]:
        """A table of ``width``-byte rows that ends with a row of zeros, in growing pieces.

        Raises:
            FormatError: the section ends before the table does.
        """
        region = self.region(rva, what)
        at, length = rva - region.start, 128 * width
        while at + width <= region.filled:
            length = min(length, (region.filled - at) // width * width)
            yield window(self.source, region.offset + at, length, what)
            at, length = at + length, min(2 * length, _STRIDE)
        if at + width <= region.extent:
            rest = window(self.source, region.offset + at, max(0, region.filled - at), what)
            yield rest.ljust(2 * width, b"\0")
        raise FormatError(f"{what} at RVA {rva:#x} has no end in its section")

    def names(self, rvas: Iterable[int], what: str) -> dict[int, bytes]:
        """The NUL-terminated string at each RVA.

        Raises:
            FormatError: a name is empty or has no end, or together they are longer than the file.
        """
        names: dict[int, bytes] = {}
        room = self.source.size
        for start, blob, members in self.name_windows(rvas, what):
            find = blob.find
            for rva in members:
                at = rva - start
                end = find(b"\0", at)
                room -= end - at
                if end == at or room < 0:
                    raise FormatError(f"{what} at RVA {rva:#x} is empty or overlaps others")
                names[rva] = blob[at:end]
        return names

    def name_windows(
        self, rvas: Iterable[int], what: str
    ) -> Iterator[tuple[int, bytes, Sequence[int]]]:
        """Windows with the strings at sorted RVAs: the first RVA, the bytes, and the RVAs in them.

        Raises:
            FormatError: a name has no end.
        """
        ordered = sorted(rvas)
        done = 0
        while done < len(ordered):
            start = ordered[done]
            region = self.region(start, what)
            room = region.filled - (start - region.start)
            upto = bisect_left(ordered, start + min(room, _STRIDE), done)
            last = ordered[upto - 1] - start
            length = last + 256
            blob = self.take(start, min(length, room), what)
            while blob.find(b"\0", last) < 0:
                if len(blob) == room < region.extent - (start - region.start):
                    blob += b"\0"  # the zeros that the loader appends end the string
                    break
                if len(blob) == room or len(blob) - last > _STRIDE:
                    raise FormatError(f"{what} at RVA {start + last:#x} has no end")
                length = last + 2 * (length - last)
                blob = self.take(start, min(length, room), what)
            yield start, blob, ordered[done:upto]
            done = upto


def open_image(source: Readable, *, programs: bool = False) -> Image | NotALibrary:
    """The headers of a DLL; for another kind of file, that kind.

    Args:
        source: The file.
        programs: Whether the headers of a program are read, too.

    Raises:
        FormatError: the file is not a PE image, or a header or a section lies outside it.
    """
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
        raise FormatError(f"the file has no PE signature at byte {start}")
    coff = window(source, start + 4, 20, "COFF header")
    machine, section_count, optional_size, flags = struct.unpack("<HH12xHH", coff)
    if not flags & _IMAGE_FILE_DLL and not programs:
        return NotALibrary("executable")
    optional = window(source, start + 24, optional_size, "optional header")
    magic = int.from_bytes(optional[:2], "little")
    if magic not in (0x10B, 0x20B):
        raise FormatError(f"unknown kind of optional header: {magic:#x}")
    wide = magic == 0x20B
    fixed = 112 if wide else 96
    if optional_size < fixed:
        raise FormatError(f"optional header of {optional_size} bytes is too short")
    (base,) = struct.unpack_from("<Q" if wide else "<I", optional, 24 if wide else 28)
    image_size, headers_size = struct.unpack_from("<II", optional, 56)
    (count,) = struct.unpack_from("<I", optional, fixed - 4)
    count = min(count, 16, (optional_size - fixed) // 8)
    table = struct.unpack_from("<" + "II" * count, optional, fixed)
    directories, sizes = table[::2], table[1::2]
    sections = window(source, start + 24 + optional_size, 40 * section_count, "section table")
    regions = _regions(source, sections, headers_size)
    return Image(
        source=source,
        machine=machine,
        bits=64 if wide else 32,
        base=base,
        headers_size=headers_size,
        image_size=image_size,
        directories=directories,
        sizes=sizes,
        regions=regions,
        starts=tuple(region.start for region in regions),
        sections=tuple(name.rstrip(b"\0") for (name,) in struct.iter_unpack("<8s32x", sections)),
        spans=tuple(
            (offset, min(size or filled, filled))
            for size, filled, offset in struct.iter_unpack("<8xI4xII16x", sections)
        ),
    )


def _regions(source: Readable, table: bytes, headers_size: int) -> tuple[Region, ...]:
    """The headers and the sections, sorted by address, as the loader maps them."""
    regions = [Region(0, headers_size, _pages(headers_size), 0)]
    for size, start, filled, offset in struct.iter_unpack("<8xIIII16x", table):
        extent = _pages(size or filled)
        if extent:
            regions.append(Region(start, min(filled, extent) if offset else 0, extent, offset))
    for region in regions:
        if region.offset + region.filled > source.size:
            raise FormatError(outside(region.offset, region.filled, source.size, "section"))
    if sum(region.filled for region in regions) > 2 * source.size:
        raise FormatError("the sections overlap: together they exceed the file's size")
    return tuple(sorted(regions, key=lambda each: each.start))


def _pages(size: int) -> int:
    return -(-size // _PAGE) * _PAGE
