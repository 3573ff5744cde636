"""Offload bundles: containers of clang with the same HIP code for several AMD GPUs.

A section holds bundles one after the other, each at a multiple of the page size, or of eight bytes
if it is compressed. All numbers are little-endian. A bundle is a table, and the code::

    24 bytes magic, u64 number of entries; for each: u64 offset in the bundle, u64 size,
    u64 length of the identifier, and the identifier

The identifier is the kind (``hip``, ``hipv4``, ``host``), the target triple and the target id:
``hipv4-amdgcn-amd-amdhsa--gfx90a:xnack-``. A compressed bundle has a header before all that::

    4 bytes magic, u16 version, u16 method (0 zlib, 1 zstd), the size of the file (not in version 1)
    and when unpacked (u32, in version 3 u64), u64 hash

Layouts: https://clang.llvm.org/docs/ClangOffloadBundler.html, and ``OffloadBundle.h`` of LLVM. Of
a compressed bundle only the beginning is unpacked, which has the table.
"""

from __future__ import annotations

import re
import zlib
from struct import Struct
from typing import NamedTuple

from torch_abi_audit.formats.device_code.padding import after_zeros
from torch_abi_audit.formats.device_code.unpacking import zstd
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.formats.device_code.unpacking import Unpacker
    from torch_abi_audit.model.binary import Readable


MAGIC, PACKED_MAGIC = b"__CLANG_OFFLOAD_BUNDLE__", b"CCOB"
_COUNT = Struct("<24xQ")
_ENTRY = Struct("<QQQ")
_PACKED_HEADERS = {1: Struct("<8xI8x"), 2: Struct("<8xII8x"), 3: Struct("<8xQQ8x")}
_TARGET = re.compile(r"-(gfx[0-9a-f]+(?:-[0-9a-z]+)*(?::[a-z]+[-+])*)$")
_LOOK = 4096
_PAGE = 4096
_MOST_ENTRIES, _MOST_BUNDLES, _LONGEST_NAME = 1 << 10, 1 << 13, 1 << 10
_MOST_TABLE = 1 << 16
"""Most bytes of a table that are read or unpacked."""
_MOST_PACKED = 1 << 20
"""Most bytes read to unpack a table: zstd packs pieces of 128 KB."""


class Bundle(NamedTuple):
    """One bundle."""

    offset: int
    """Where it begins in the file."""
    targets: tuple[str, ...]
    """The target ids of its entries for AMD GPUs: ``gfx90a:xnack-``."""
    others: tuple[str, ...]
    """The identifiers of entries for something else but the host."""
    size: int
    """Bytes in the file."""
    problem: str | None = None
    """Why its table could not be read."""


def bundles(source: Readable, start: int, size: int) -> Iterator[Bundle]:
    """Every bundle in a range of a file.

    A table that cannot be read is told in ``problem``, if the bundles after it can still be found.

    Raises:
        FormatError: what stands at some place of the range is not a bundle, or runs past the range:
            nothing behind it can be found.
    """
    at, end = start, start + size
    if end > source.size:
        raise FormatError(f"AMD GPU code should end at byte {end} of a file of {source.size} bytes")
    for _ in range(_MOST_BUNDLES):
        at = after_zeros(source, at, end, "AMD GPU code")
        if end - at < 4:
            return
        head = source.read_at(at, min(_LOOK, end - at))
        if head.startswith(PACKED_MAGIC):
            found, at = _packed(source, head, at, start, end)
        elif head.startswith(MAGIC):
            found, at = _plain(source, head, at, end)
        else:
            raise FormatError(f"no offload bundle at byte {at}: {head[:4].hex()} stands there")
        yield found
    raise FormatError(f"more than {_MOST_BUNDLES} offload bundles")


def _plain(source: Readable, head: bytes, at: int, end: int) -> tuple[Bundle, int]:
    """The bundle at ``at``, and where its code ends."""
    rows = _table(head, at)
    if rows is None:
        rows = _table(source.read_at(at, min(_MOST_TABLE, end - at)), at)
    if rows is None:
        raise FormatError(f"the table of the offload bundle at byte {at} is cut short")
    table = _COUNT.size + sum(_ENTRY.size + len(name) for _, _, name in rows)
    size = max([table, *(offset + length for offset, length, _ in rows if length)])
    if at + size > end:
        raise FormatError(
            f"the offload bundle at byte {at} should end at byte {at + size}, but its section "
            f"ends at {end}"
        )
    return _bundle(at, rows, size), at + size


def _packed(source: Readable, head: bytes, at: int, start: int, end: int) -> tuple[Bundle, int]:
    """The compressed bundle at ``at``, and where it ends."""
    if len(head) < 32:
        raise FormatError(f"the compressed offload bundle at byte {at} is cut short")
    version, method = Struct("<4xHH").unpack_from(head)
    shape = _PACKED_HEADERS.get(version)
    if shape is None:
        raise FormatError(f"the compressed offload bundle at byte {at} has version {version}")
    if version == 1:
        stop = _next_packed(source, at, start, end)
    else:
        size: int = shape.unpack_from(head)[0]
        stop = at + size
        if size < shape.size or stop > end:
            raise FormatError(
                f"the compressed offload bundle at byte {at} should end at byte {stop}, but its "
                f"section ends at {end}"
            )
    try:
        rows = _unpacked_table(source, at, at + shape.size, stop, method)
    except FormatError as error:
        return Bundle(at, (), (), stop - at, str(error)), stop
    return _bundle(at, rows, stop - at), stop


def _next_packed(source: Readable, at: int, start: int, end: int) -> int:
    """Where the next bundle begins, which version 1 does not tell; all are at multiples of pages.

    Raises:
        FormatError: the rest of the range is too long to look through.
    """
    first = start + ((at - start) // _PAGE + 1) * _PAGE
    if (end - first) // _PAGE > _MOST_BUNDLES:
        raise FormatError(f"the end of the compressed offload bundle at byte {at} is unknown")
    for page in range(first, end, _PAGE):
        head = source.read_at(page, 8)
        if head.startswith(PACKED_MAGIC) and head[4] == 1 and head[6] < 2:
            return page
    return end


def _unpacked_table(
    source: Readable, at: int, begin: int, end: int, method: int
) -> list[tuple[int, int, str]]:
    """The table of the compressed bundle at ``at``, whose data stands at ``begin`` to ``end``."""
    unpacker, broken = _unpacker(method, at)
    text = b""
    rows: list[tuple[int, int, str]] | None = None
    limit = min(end, begin + _MOST_PACKED)
    while rows is None and begin < limit and len(text) < _MOST_TABLE:
        piece = source.read_at(begin, min(_LOOK << 3, limit - begin))
        begin += len(piece)
        try:
            text += unpacker.decompress(piece, _MOST_TABLE - len(text))
        except broken as error:
            raise FormatError(
                f"the compressed offload bundle at byte {at} is damaged: {error}"
            ) from error
        if len(text) >= _COUNT.size and not text.startswith(MAGIC):
            raise FormatError(f"the compressed offload bundle at byte {at} has none within")
        rows = _table(text, at)
        if not piece:
            break
    if rows is None:
        raise FormatError(f"the table of the compressed offload bundle at byte {at} has no end")
    return rows


def _unpacker(method: int, at: int) -> tuple[Unpacker, tuple[type[Exception], ...]]:
    """What unpacks a bundle, and the errors that it raises."""
    if method == 0:
        return zlib.decompressobj(), (zlib.error,)
    if method != 1:
        raise FormatError(
            f"the compressed offload bundle at byte {at} is packed by the unknown method {method}"
        )
    try:
        return zstd()
    except FormatError as error:
        raise FormatError(f"the table of the offload bundle at byte {at}: {error}") from error


def _table(head: bytes, at: int) -> list[tuple[int, int, str]] | None:
    """Offset, size and identifier of each entry; None if the table goes on behind ``head``.

    Raises:
        FormatError: the table cannot be right.
    """
    if len(head) < _COUNT.size:
        return None
    (count,) = _COUNT.unpack_from(head)
    if count > _MOST_ENTRIES:
        raise FormatError(f"the offload bundle at byte {at} has {count} entries")
    rows: list[tuple[int, int, str]] = []
    place = _COUNT.size
    for _ in range(count):
        if place + _ENTRY.size > len(head):
            return None
        offset, size, length = _ENTRY.unpack_from(head, place)
        if length > _LONGEST_NAME:
            raise FormatError(
                f"the offload bundle at byte {at} has an identifier of {length} bytes"
            )
        place += _ENTRY.size + length
        if place > len(head):
            return None
        rows.append((offset, size, head[place - length : place].decode("latin-1")))
    return rows


def _bundle(at: int, rows: list[tuple[int, int, str]], size: int) -> Bundle:
    targets: list[str] = []
    others: list[str] = []
    for _, length, name in rows:
        if name.startswith("host") or length == 0:
            continue
        target = target_of(name)
        if target is not None:
            targets.append(target)
        else:
            others.append(re.sub(r"[^!-~]", "?", name))
    return Bundle(at, tuple(dict.fromkeys(targets)), tuple(others), size)


def target_of(name: str) -> str | None:
    """The target id of an AMD GPU at the end of an identifier; None if there is none."""
    found = _TARGET.search(name)
    return found[1] if found else None
