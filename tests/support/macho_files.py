"""Builds Mach-O files byte by byte, for forms that our linkers do not emit and for damage."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

ARM64, X86_64, I386, PPC, PPC64 = 0x0100000C, 0x01000007, 7, 18, 0x01000012
DYLIB, BUNDLE = 6, 8
TWOLEVEL = 0x80
LOAD, WEAK, REEXPORT, LAZY, UPWARD = 0xC, 0x80000018, 0x8000001F, 0x20, 0x80000023
UNDEFINED, DEFINED, LOCAL, PRIVATE = 0x01, 0x0F, 0x0E, 0x1F
WEAK_REF, WEAK_DEF = 0x40, 0x80
_SYMTAB, _DYSYMTAB, _DYLD_INFO = 0x2, 0xB, 0x80000022
_TRIE, _CHAINED = 0x80000033, 0x80000034
_SEGMENT, _SEGMENT_64 = 0x1, 0x19


class Symbol(NamedTuple):
    name: bytes
    kind: int = UNDEFINED
    desc: int = 0


def command(tag: int, payload: bytes, order: str = "<") -> bytes:
    payload += bytes(-len(payload) % 8)
    return struct.pack(order + "II", tag, 8 + len(payload)) + payload


def dylib(name: str, tag: int = LOAD, order: str = "<") -> bytes:
    fields = struct.pack(order + "4I", 24, 2, 0x10000, 0x10000)
    return command(tag, fields + name.encode() + b"\0", order)


def dylib_use(name: str, flags: int) -> bytes:
    fields = struct.pack("<5I", 28, 0x1A741800, 0x10000, 0x10000, flags)
    return command(LOAD, fields + name.encode() + b"\0")


def text(tag: int, value: str) -> bytes:
    return command(tag, struct.pack("<I", 12) + value.encode() + b"\0")


def uleb(value: int, width: int = 0) -> bytes:
    """``value`` as ULEB128, padded to at least ``width`` bytes."""
    out = bytearray()
    while True:
        out.append(value & 0x7F | 0x80)
        value >>= 7
        if not value and len(out) >= width:
            out[-1] &= 0x7F
            return bytes(out)


def trie(names: Sequence[bytes]) -> bytes:
    """An export trie with a root and one leaf for each name."""
    at = 2 + sum(len(name) + 1 + 3 for name in names)
    edges, leaves = b"", b""
    for name in names:
        edges += name + b"\0" + uleb(at + len(leaves), 3)
        leaves += b"\x02\x00\x10\x00"  # payload of two bytes (flags, address), no edges
    return bytes([0, len(names)]) + edges + leaves


def binds(*symbols: tuple[bytes, int, int]) -> bytes:
    """Bind opcodes for (name, ordinal, flags), in the order in which ld64 writes them."""
    out = b""
    for name, ordinal, flags in symbols:
        if ordinal < 0:
            out += bytes([0x30 | ordinal & 0xF])
        else:
            out += bytes([0x10 | ordinal]) if ordinal < 16 else b"\x20" + uleb(ordinal)
        out += bytes([0x40 | flags]) + name + b"\0\x51\x71" + uleb(8) + b"\x90"
    return out + b"\0"


def lazy_binds(*symbols: tuple[bytes, int, int]) -> bytes:
    return b"".join(binds(symbol) for symbol in symbols)


def chained(*symbols: tuple[bytes, int, bool], kind: int = 1, packing: int = 0) -> bytes:
    """Chained fixups that import (name, ordinal, weak) in one of the three formats."""
    table, names = b"", b"\0"
    for name, ordinal, weak in symbols:
        if kind == 3:
            value = ordinal & 0xFFFF | weak << 16 | len(names) << 32
            table += struct.pack("<QQ", value, 0)
        else:
            value = ordinal & 0xFF | weak << 8 | len(names) << 9
            table += struct.pack("<I", value) + (bytes(4) if kind == 2 else b"")
        names += name + b"\0"
    header = (0, 28, 28, 28 + len(table), len(symbols), kind, packing)
    return struct.pack("<7I", *header) + table + names


def image(
    *,
    cpu: int = ARM64,
    subtype: int = 0,
    kind: int = DYLIB,
    flags: int = TWOLEVEL,
    wide: bool = True,
    order: str = "<",
    commands: Sequence[bytes] = (),
    symbols: Sequence[Symbol] = (),
    dysymtab: bool = True,
    bind: bytes = b"",
    weak_bind: bytes = b"",
    lazy_bind: bytes = b"",
    info_exports: bytes = b"",
    exports: bytes = b"",
    fixups: bytes = b"",
) -> bytes:
    """One Mach-O image: a header, load commands, and the tables in a __LINKEDIT segment.

    With ``dysymtab``, ``symbols`` must be in the order locals, defined, undefined.
    """
    info = (bind, weak_bind, lazy_bind, info_exports)
    entry = order + ("IBBHQ" if wide else "IBBHI")
    strings, table = b" \0", b""
    for name, n_type, desc in symbols:
        table += struct.pack(entry, len(strings), n_type, 1 if n_type & 0xE else 0, desc, 0)
        strings += name + b"\0"
    count = len(commands) + 1 + bool(symbols) * (1 + dysymtab) + any(info)
    count += bool(exports) + bool(fixups)
    size = sum(map(len, commands)) + (72 if wide else 56)
    size += bool(symbols) * (24 + 80 * dysymtab) + 48 * any(info)
    size += 16 * (bool(exports) + bool(fixups))
    start = (32 if wide else 28) + size
    body = bytearray()

    def place(data: bytes) -> tuple[int, int]:
        body.extend(bytes(-len(body) % 8))
        body.extend(data)
        return (start + len(body) - len(data), len(data)) if data else (0, 0)

    out = b"".join(commands)
    if symbols:
        at, _ = place(table)
        fields = struct.pack(order + "4I", at, len(symbols), *place(strings))
        out += command(_SYMTAB, fields, order)
    if symbols and dysymtab:
        local = sum(not one.kind & 1 for one in symbols)
        undefined = sum(one.kind & 1 and not one.kind & 0xE for one in symbols)
        split = len(symbols) - undefined
        groups = (0, local, local, split - local, split, undefined)
        out += command(_DYSYMTAB, struct.pack(order + "6I", *groups) + bytes(48), order)
    if any(info):
        extents = [value for data in info for value in place(data)]
        out += command(_DYLD_INFO, struct.pack(order + "10I", 0, 0, *extents), order)
    for tag, data in ((_TRIE, exports), (_CHAINED, fixups)):
        if data:
            out += command(tag, struct.pack(order + "II", *place(data)), order)
    segment = (b"__LINKEDIT", 0, len(body), start, len(body), 1, 1, 0, 0)
    shape = order + ("16s4Q4I" if wide else "16s8I")
    out += command(_SEGMENT_64 if wide else _SEGMENT, struct.pack(shape, *segment), order)
    magic = 0xFEEDFACF if wide else 0xFEEDFACE
    head = struct.pack(order + "7I", magic, cpu, subtype, kind, count, len(out), flags)
    assert len(out) == size
    return head + bytes(4 * wide) + out + bytes(body)


def universal(*images: bytes, wide: bool = False) -> bytes:
    """A universal file of these images (fat, or fat64), aligned to 4096 bytes."""
    table, body = b"", b""
    for data in images:
        body += bytes(-len(body) % 4096)
        at = 4096 + len(body)
        cpu, subtype = struct.unpack_from("<II", data, 4) if len(data) >= 12 else (0, 0)
        shape = ">IIQQII" if wide else ">5I"
        fields = (cpu, subtype, at, len(data), 12, 0)
        table += struct.pack(shape, *fields[: 6 if wide else 5])
        body += data
    magic = b"\xca\xfe\xba\xbf" if wide else b"\xca\xfe\xba\xbe"
    head = magic + struct.pack(">I", len(images)) + table
    return head + bytes(4096 - len(head)) + body


def without_symbols(data: bytes) -> bytes:
    """A thin little-endian 64-bit image without symbols, as left by a tool that strips them all."""
    changed = bytearray(data)
    at = 32
    for _ in range(struct.unpack_from("<I", data, 16)[0]):
        tag, size = struct.unpack_from("<II", data, at)
        if tag == _SYMTAB:
            struct.pack_into("<I", changed, at + 12, 0)
        elif tag == _DYSYMTAB:
            struct.pack_into("<6I", changed, at + 8, *[0] * 6)
        at += size
    return bytes(changed)
