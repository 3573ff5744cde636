"""One member of a zip archive, read in place.

A stored member is read in place. A deflated one is inflated into memory, or above ``MEMORY_LIMIT``
into an unnamed temporary file. Size and CRC must match the declared ones, and nothing is inflated
beyond the declared size.
"""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager

from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files.readable import BytesReadable, FileReadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from torch_abi_audit.model.binary import Readable

    Opener = Callable[[], AbstractContextManager[Readable]]

MEMORY_LIMIT = 64 << 20
SIZE_LIMIT = 8 << 30
RATIO_LIMIT = 1000

_CHUNK = 1 << 20
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True, slots=True)
class Member:
    """Position and size of a member in its archive, as the central directory states them."""

    raw_name: bytes
    """The member's name, which the local header must repeat."""
    header_offset: int
    end: int
    """Offset of the next member or the central directory: this member's data must end before it."""
    method: int
    packed: int
    """Compressed size in bytes."""
    size: int
    """Unpacked size in bytes."""
    crc: int


class _Slice:
    """A stored member: a range of its archive."""

    __slots__ = ("_archive", "_size", "_start")

    def __init__(self, archive: Readable, start: int, size: int) -> None:
        self._archive = archive
        self._start = start
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self._size - offset))
        return self._archive.read_at(self._start + offset, length)


def refusal(member: Member) -> str | None:
    """Why a member must not be unpacked, judged by its declared sizes; None if it may be."""
    if member.method not in {_STORED, _DEFLATED}:
        return f"the member's compression method {member.method} is not supported"
    if member.size > SIZE_LIMIT:
        return (
            f"the member declares {member.size} bytes: more than {SIZE_LIMIT >> 30} GiB, the limit"
        )
    if member.size > MEMORY_LIMIT and member.size > RATIO_LIMIT * member.packed:
        return (
            f"the member declares that {member.packed} bytes unpack to {member.size}: "
            "implausibly compressed"
        )
    if member.method == _STORED and member.size != member.packed:
        return f"the member is stored in {member.packed} bytes but declares {member.size}"
    return None


def head(archive: Readable, member: Member, length: int) -> bytes:
    """The first ``length`` bytes of a member, without unpacking the rest.

    Raises:
        FormatError: the member is damaged, or must not be unpacked.
    """
    start = _start(archive, member)
    if member.method == _STORED:
        return archive.read_at(start, min(length, member.size))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = b""
    at = start
    while len(unpacked) < min(length, member.size) and at < start + member.packed:
        packed = archive.read_at(at, min(length + 1024, start + member.packed - at))
        if not packed:
            break
        at += len(packed)
        unpacked += _inflate(inflater, packed, length - len(unpacked))
    if len(unpacked) < min(length, member.size):
        raise FormatError("the member's compressed data is cut short")
    return unpacked


@contextmanager
def open_member(archive_opener: Opener, member: Member) -> Iterator[Readable]:
    """A member of an archive, unpacked and verified, for positioned reads.

    Raises:
        OSError: the archive cannot be read, or no temporary file can be written.
        FormatError: the member is damaged, or must not be unpacked.
    """
    with archive_opener() as archive:
        start = _start(archive, member)
        if member.method == _STORED:
            _verify(member, _stored(archive, start, member))
            yield _Slice(archive, start, member.size)
        elif member.size <= MEMORY_LIMIT:
            yield BytesReadable(b"".join(_verified(member, _inflated(archive, start, member))))
        else:
            from tempfile import TemporaryFile  # few members are that large

            with TemporaryFile(prefix="torch-abi-audit-") as spill:
                for piece in _verified(member, _inflated(archive, start, member)):
                    spill.write(piece)
                spill.flush()
                yield FileReadable(spill.fileno())


def _start(archive: Readable, member: Member) -> int:
    """Offset of the member's data, behind a local header that matches the central directory."""
    reason = refusal(member)
    if reason is not None:
        raise FormatError(reason)
    header = archive.read_at(member.header_offset, _LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        raise FormatError("the member's local header lies outside the archive")
    signature, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    name_at = member.header_offset + _LOCAL_HEADER.size
    if signature != b"PK\x03\x04":
        raise FormatError(f"the archive has no local header at byte {member.header_offset}")
    if archive.read_at(name_at, name_length) != member.raw_name:
        raise FormatError("the member's local header states a different name")
    start: int = name_at + name_length + extra_length
    if start + member.packed > min(member.end, archive.size):
        raise FormatError("the member's data is cut short, or overlaps what follows it")
    return start


def _stored(archive: Readable, start: int, member: Member) -> Iterator[bytes]:
    for at in range(0, member.size, _CHUNK):
        yield archive.read_at(start + at, min(_CHUNK, member.size - at))


def _inflated(archive: Readable, start: int, member: Member) -> Iterator[bytes]:
    """The unpacked member in pieces; at most one byte more than it declares."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    left = member.size + 1
    for at in range(0, member.packed, _CHUNK):
        packed = archive.read_at(start + at, min(_CHUNK, member.packed - at))
        while left:
            limit = min(left, 4 * _CHUNK)
            piece = _inflate(inflater, packed, limit)
            left -= len(piece)
            yield piece
            packed = inflater.unconsumed_tail
            if len(piece) < limit:
                break
        if inflater.eof or not left:
            return
    raise FormatError("the member's compressed data is cut short")


def _inflate(inflater: zlib._Decompress, packed: bytes, limit: int) -> bytes:
    try:
        return inflater.decompress(packed, limit)
    except zlib.error as error:
        raise FormatError(f"the member's compressed data is damaged: {error}") from error


def _verified(member: Member, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, checked against the size and CRC that the archive declares.

    Raises:
        FormatError: size or CRC differ; raised after the last piece.
    """
    crc = size = 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
        size += len(piece)
        yield piece
    if size != member.size:
        raise FormatError(f"the member does not unpack to the {member.size} bytes it declares")
    if crc != member.crc:
        raise FormatError("the member's checksum does not match")


def _verify(member: Member, pieces: Iterator[bytes]) -> None:
    for _ in _verified(member, pieces):
        pass
