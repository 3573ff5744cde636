"""Builds DLLs byte by byte, for forms that our linkers do not emit and for damage."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COFF = 0x44
OPTIONAL = 0x58
BODY = 0x400
"""File offset of the only section."""
RVA = 0x1000
"""Address of the only section in memory, relative to the image base."""


def directory(bits: int, index: int) -> int:
    """File offset of a data directory entry: 0 exports, 1 imports, 13 delay imports."""
    return OPTIONAL + (112 if bits == 64 else 96) + 8 * index


def section_header(bits: int) -> int:
    """File offset of the first section header."""
    return directory(bits, 16)


def dll(
    *,
    bits: int = 64,
    machine: int | None = None,
    flags: int = 0x2022,
    imports: Mapping[bytes, Sequence[bytes | int]] | None = None,
    delayed: Mapping[bytes, Sequence[bytes | int]] | None = None,
    exported: Sequence[bytes] = (),
    own_name: bytes = b"",
    lookup: bool = True,
    delay_by_address: bool = False,
    in_headers: bool = False,
) -> bytes:
    """A DLL with one section, or with no section and everything in the headers.

    ``lookup=False`` leaves the import lookup tables out, as old Borland linkers did;
    ``delay_by_address`` writes addresses instead of RVAs, as Visual C++ 6 did.
    """
    base = 0x10000000
    first = BODY if in_headers else RVA
    body = bytearray()

    def put(data: bytes) -> int:
        body.extend(bytes(-len(body) % 8))
        body.extend(data)
        return first + len(body) - len(data)

    def table(names: Sequence[bytes | int], add: int = 0) -> int:
        flag = 1 << (bits - 1)
        hints = [
            n | flag if isinstance(n, int) else put(b"\x2a\0" + n + b"\0") + add for n in names
        ]
        return put(struct.pack(f"<{len(hints) + 1}{'Q' if bits == 64 else 'I'}", *hints, 0))

    directories = [0] * 16
    if imports is not None:
        rows = b""
        for name, names in imports.items():
            thunks = table(names)
            rows += struct.pack("<5I", thunks if lookup else 0, 0, 0, put(name + b"\0"), thunks)
        directories[1] = put(rows + bytes(20))
    if delayed is not None:
        rows, add = b"", base if delay_by_address else 0
        for name, names in delayed.items():
            where = put(name + b"\0") + add, 0, 0, table(names, add) + add
            rows += struct.pack("<8I", 0 if delay_by_address else 1, *where, 0, 0, 0)
        directories[13] = put(rows + bytes(32))
    if exported or own_name:
        pointers = [put(name + b"\0") for name in exported]
        names_table = put(struct.pack(f"<{len(pointers)}I", *pointers))
        own = put(own_name + b"\0") if own_name else 0
        count = len(pointers)
        addresses = put(struct.pack(f"<{count}I", *[first] * count))
        indexes = put(struct.pack(f"<{count}H", *[index & 0xFFFF for index in range(count)]))
        fields = (0, 0, 0, own, 1, count, count, addresses, names_table, indexes)
        directories[0] = put(struct.pack("<10I", *fields))
    body.extend(bytes(-len(body) % 512))

    wide = bits == 64
    usual = 0x8664 if wide else 0x14C
    coff = struct.pack(
        "<HH12xHH", machine or usual, not in_headers, (112 if wide else 96) + 128, flags
    )
    headers = BODY + len(body) if in_headers else BODY
    optional = struct.pack("<H22x", 0x20B if wide else 0x10B)
    optional += struct.pack("<Q" if wide else "<4xI", base)
    optional += struct.pack("<II16xII", 0x1000, 0x200, RVA + len(body) + 0x1000, headers)
    optional += bytes((112 if wide else 96) - len(optional) - 4) + struct.pack("<I", 16)
    optional += b"".join(struct.pack("<II", rva, 64 if rva else 0) for rva in directories)
    section = struct.pack("<8s4I16x", b".rdata", len(body), RVA, len(body), BODY)
    head = b"MZ".ljust(60, b"\x7f") + struct.pack("<I", 0x40) + b"PE\0\0" + coff + optional
    return (head + (b"" if in_headers else section)).ljust(BODY, b"\0") + bytes(body)
