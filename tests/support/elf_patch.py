"""Changes compiled 64-bit little-endian ELF files in place, as careless tools leave them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NEEDED, _STRTAB, _SYMTAB, _DEBUG = 1, 5, 6, 21
_SYMBOL = {"info": (4, "<B"), "other": (5, "<B"), "section": (6, "<H"), "value": (8, "<Q")}
_LOAD, _DYNAMIC, _GNU_STACK, _NOTE = 1, 2, 0x6474E551, 4
_VER_FLG_WEAK = 2


def without_needed(path: Path, name: str) -> Path:
    """Take a library from DT_NEEDED, and leave its symbol versions where they are.

    A file that was linked to the library and to a renamed copy then looks like the output of an old
    patchelf, which replaced the one by the other.
    """
    data = bytearray(path.read_bytes())
    segments = _segments(data)
    (at, size) = next((offset, size) for _, kind, offset, _, size in segments if kind == _DYNAMIC)
    entries = [(each, *struct.unpack_from("<qQ", data, each)) for each in range(at, at + size, 16)]
    address = next(value for _, tag, value in entries if tag == _STRTAB)
    strings = next(
        address - start + offset
        for _, kind, offset, start, length in segments
        if kind == _LOAD and start <= address < start + length
    )
    text = name.encode() + b"\0"
    (found,) = (
        each
        for each, tag, value in entries
        if tag == _NEEDED and data.startswith(text, strings + value)
    )
    struct.pack_into("<q", data, found, _DEBUG)
    path.write_bytes(data)
    return path


def without_stack_header(path: Path) -> Path:
    """Turn PT_GNU_STACK into an empty note: the file then says nothing about the stack."""
    data = bytearray(path.read_bytes())
    (at,) = (header for header, kind, *_ in _segments(data) if kind == _GNU_STACK)
    struct.pack_into("<I", data, at, _NOTE)
    path.write_bytes(data)
    return path


def with_weak_version(path: Path, version: str) -> Path:
    """Mark a needed version as weak, as linkers do where only weak symbols have it."""
    data = bytearray(path.read_bytes())
    key = struct.pack("<IH", _hash(version), 0)  # vna_hash and vna_flags
    assert data.count(key) == 1
    struct.pack_into("<H", data, data.index(key) + 4, _VER_FLG_WEAK)
    path.write_bytes(data)
    return path


def with_symbol(path: Path, name: str, **fields: int) -> Path:
    """Change fields of a dynamic symbol: ``info``, ``other``, ``section`` or ``value``."""
    data = bytearray(path.read_bytes())
    (at, size) = next(
        (offset, size) for _, kind, offset, _, size in _segments(data) if kind == _DYNAMIC
    )
    tags = dict(struct.unpack_from("<qQ", data, each) for each in range(at, at + size, 16))
    symbols, strings = tags[_SYMTAB], tags[_STRTAB]  # the first segment has equal addresses
    text = name.encode() + b"\0"
    for entry in range(symbols, strings, 24):
        (offset,) = struct.unpack_from("<I", data, entry)
        if offset and data.startswith(text, strings + offset):
            for field, value in fields.items():
                place, code = _SYMBOL[field]
                struct.pack_into(code, data, entry + place, value)
            path.write_bytes(data)
            return path
    raise AssertionError(f"{path} has no symbol {name}")


def _hash(name: str) -> int:
    """The hash of the System V gABI."""
    value = 0
    for character in name.encode():
        value = (value << 4) + character
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high
    return value


def _segments(data: bytearray) -> list[tuple[int, int, int, int, int]]:
    """Each program header: its place, then type, file offset, address and size in the file."""
    (first,) = struct.unpack_from("<Q", data, 32)
    (count,) = struct.unpack_from("<H", data, 56)
    headers = range(first, first + 56 * count, 56)
    return [(at, *struct.unpack_from("<I4xQQ8xQ", data, at)) for at in headers]
