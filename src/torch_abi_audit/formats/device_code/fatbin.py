"""CUDA fat binaries: containers with the same code for several architectures.

A section holds fat binaries one after the other, each padded to eight bytes. All numbers are
little-endian, also on Windows and on Arm::

    u32 magic 0xBA55ED50, u16 version, u16 size of this header, u64 size of the entries

and an entry is a header, which newer toolkits made longer, and its payload::

     0  u16 kind          16  u32 compressed size       40  u64 flags
     2  u16 version       20  u32 offset of options     48  u64 reserved
     4  u32 header size   24  u16 minor, u16 major      56  u64 size when uncompressed
     8  u64 payload size  28  u32 architecture

The version in an entry is that of the PTX language for PTX, and that of the ELF format for cubins.
The header is that of ``fatbinary.h`` in CUDA toolkits up to 10; the layout of entries and the flags
for compression are described by https://github.com/n-eiling/cuda-fatbin-decompression and ZLUDA
(``cuda_types``), and were held against what nvcc 11 to 13 write and cuobjdump lists. The flags for
architecture-specific (bit 20) and family-specific code (bit 21) were found by compiling for them.
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.once import cached_property
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.formats.device_code.cubin import Cubin
    from torch_abi_audit.model.binary import Readable

    _Row = tuple[int, int, int, int, int, int, int, int, int]
    Key = tuple[tuple[int, int, int, int, int, str | None], ...]

MAGIC = 0xBA55ED50
PTX, CUBIN = 1, 2
_FAT = Struct("<IHHQ")
_ENTRY = Struct("<H2xIQI4xHHI8xQ8xQ")
"""Kind, size of the header, of the payload, and when compressed, minor, major, architecture, flags,
size when uncompressed."""
_LOOK = 192
"""Bytes read at each entry: its header, and the ELF header of most cubins."""
_GAP = 256
"""Most bytes between two fat binaries that are read with the second one."""
_ZSTD = 1 << 15
_ARCH_SPECIFIC, _FAMILY_SPECIFIC = 1 << 20, 1 << 21
_MOST_ENTRIES = 1 << 17


@dataclass(frozen=True, slots=True)
class Entry:
    """The code for one architecture."""

    kind: int
    """``PTX``, ``CUBIN``, or another number."""
    architecture: str
    """Such as ``90``, ``90a`` or ``100f``."""
    version: tuple[int, int]
    """Of the PTX language, for PTX."""
    size: int
    """Bytes of the payload in the file."""
    plain_size: int
    """Bytes of the payload when it is not compressed."""
    is_zstd: bool = False
    """Whether the payload is packed with zstd."""
    cubin: Cubin | None = None
    """The ELF header of a cubin that is not compressed."""
    offset: int = 0
    """Where the payload begins in the file."""


class Fatbin:
    """One fat binary.

    A large library has thousands of entries, so records of them are only made if they are asked
    for: most questions are answered for all fat binaries with the same ``key`` at once.
    """

    def __init__(
        self, offset: int, rows: list[tuple[_Row, int, bytes]], problem: str | None = None
    ) -> None:
        """Keep what was read.

        Args:
            offset: Where it begins in the file.
            rows: The fields of each entry, where its payload begins, and, if that is a cubin that
                is not compressed, its first bytes.
            problem: Why the rest of its entries could not be read.
        """
        self.offset, self.problem, self._rows = offset, problem, rows

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._rows)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Its entries, in their order."""
        return tuple([_entry(*row) for row in self._rows])

    @cached_property
    def key(self) -> Key:
        """What its entries say, but for sizes: kind, architecture, flags, version, toolkit."""
        return tuple(
            [
                (row[0], row[6], row[7], row[5], row[4], _toolkit(head) if head else None)
                for row, _, head in self._rows
            ]
        )

    @cached_property
    def size(self) -> int:
        """Bytes of all payloads."""
        return sum([row[2] for row, _, _ in self._rows])

    @cached_property
    def largest(self) -> int:
        """Bytes of the largest cubin when it is not compressed; 0 without one."""
        sizes = [row[8] if row[3] else row[2] for row, _, _ in self._rows if row[0] == CUBIN]
        return max(sizes, default=0)


def fatbins(source: Readable, start: int, size: int) -> Iterator[Fatbin]:
    """Every fat binary in a range of a file.

    Damage within a fat binary is told in its ``problem``, and those after it follow.

    Raises:
        FormatError: what stands at some place of the range is not a fat binary, or runs past the
            range: nothing behind it can be found.
    """
    at, end, left = start, start + size, _MOST_ENTRIES
    if end > source.size:
        raise FormatError(f"CUDA code should end at byte {end} of a file of {source.size} bytes")
    while end - at >= _FAT.size:
        head = source.read_at(at, min(_GAP + _FAT.size + _LOOK, end - at))
        text = head.lstrip(b"\0")  # padding, as no fat binary begins with a zero
        if len(text) < len(head) and len(text) < _FAT.size + _LOOK:
            from torch_abi_audit.formats.device_code.padding import after_zeros  # seldom so long

            at = after_zeros(source, at, end, "CUDA code")
            continue
        at += len(head) - len(text)
        found, after = _fatbin(source, text, at, end, left)
        left -= 1 + len(found)
        if left < 0:
            raise FormatError(f"more than {_MOST_ENTRIES} entries of CUDA code")
        yield found
        at = after
    if at < end and source.read_at(at, end - at).strip(b"\0"):
        raise FormatError(f"the fat binary at byte {at} is cut short")


def _fatbin(source: Readable, head: bytes, at: int, end: int, most: int) -> tuple[Fatbin, int]:
    """The fat binary at ``at``, which begins with ``head``, and where it ends."""
    if len(head) < _FAT.size:
        raise FormatError(f"the file ends within a fat binary at byte {at}")
    magic, version, header, size = _FAT.unpack_from(head)
    if magic != MAGIC:
        raise FormatError(f"no fat binary at byte {at}: {head[:4].hex()} stands there")
    if version != 1 or header < _FAT.size:
        raise FormatError(
            f"the fat binary at byte {at} has version {version} and a header of {header} bytes"
        )
    stop = at + header + size
    if stop > end:
        raise FormatError(
            f"the fat binary at byte {at} should end at byte {stop}, but its section ends at {end}"
        )
    rows: list[tuple[_Row, int, bytes]] = []
    place = at + header
    look = head[header:]
    while place < stop and len(rows) <= most:
        if len(look) < _ENTRY.size or place + _ENTRY.size > stop:
            return Fatbin(at, rows, f"the entry of a fat binary at byte {place} is cut short"), stop
        row: _Row = _ENTRY.unpack_from(look)
        above, size = row[1], row[2]
        after = place + above + size
        if above < _ENTRY.size or after > stop:
            problem = (
                f"the entry of a fat binary at byte {place} has a header of {above} bytes and "
                f"{size} bytes of code, but its fat binary ends at byte {stop}"
            )
            return Fatbin(at, rows, problem), stop
        plain = b"" if row[3] or row[0] != CUBIN else look[above : above + size]
        rows.append((row, place + above, plain))
        place = after
        look = source.read_at(place, _LOOK) if place < stop else b""
    return Fatbin(at, rows), stop


def _entry(row: _Row, offset: int, head: bytes) -> Entry:
    kind, _, size, packed, minor, major, number, flags, plain = row
    return Entry(
        kind,
        architecture(number, flags),
        (major, minor),
        size,
        plain if packed else size,
        bool(flags & _ZSTD),
        _cubin(head) if head else None,
        offset,
    )


def architecture(number: int, flags: int) -> str:
    """``90a`` for 90 and the flags of an entry."""
    return f"{number}{'a' if flags & _ARCH_SPECIFIC else 'f' if flags & _FAMILY_SPECIFIC else ''}"


def _toolkit(head: bytes) -> str | None:
    found = _cubin(head)
    return None if found is None else found.toolkit


def _cubin(head: bytes) -> Cubin | None:
    from torch_abi_audit.formats.device_code.cubin import header  # most are compressed

    return header(head)
