"""Builds containers of device code byte by byte: fat binaries, offload bundles, cubins."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PTX, CUBIN, LTO_IR = 1, 2, 8
SPECIFIC, FAMILY = 1 << 20, 1 << 21
ZSTD, LZ4 = 0x8000, 0x2000
_FLAGS = 0x11  # 64 bits, Linux
_LARGE = 6000


def cubin(number: int, *, release: int | None = 128, letter: str = "", sections: int = 20) -> bytes:
    """The ELF header of a cubin; without a ``release``, in the form that CUDA 13 writes."""
    if release is None:
        ident = b"\x7fELF\x02\x01\x01\x41\x08" + bytes(7)
        version, flags = 1, 0x06000004 | number << 8 | (8 if letter == "a" else 0)
    else:
        ident = b"\x7fELF\x02\x01\x01\x33\x07" + bytes(7)
        version, flags = release, number << 16 | 0x500 | number | (0x800 if letter == "a" else 0)
    return ident + struct.pack(
        "<HHIQQQIHHHHHH", 2, 190, version, 0, 0, 64, flags, 64, 56, 3, 64, sections, 1
    )


def entry(
    kind: int,
    number: int,
    *,
    version: tuple[int, int] = (8, 7),
    flags: int = 0,
    size: int = _LARGE,
    plain: int = 0,
    payload: bytes = b"",
    header: int = 64,
) -> bytes:
    """An entry: of ``size`` bytes, compressed if ``plain`` says how many those were before."""
    payload = payload or (cubin(number) if kind == CUBIN and not plain else b"")
    padded = -(-max(size, len(payload)) // 8) * 8
    head = struct.pack(
        "<HHIQIIHHIIIQQQ",
        *(kind, 0x101, header, padded, size if plain else 0, 0, version[1], version[0]),
        *(number, 0, 0, flags | _FLAGS, 0, plain),
    )
    return head.ljust(header, b"\xee") + payload.ljust(padded, b"\xdd")


def fatbin(*entries: bytes, size: int | None = None) -> bytes:
    """A fat binary; ``size`` is what it claims to be the size of its entries."""
    body = b"".join(entries)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body) if size is None else size) + body


def sm(*numbers: int) -> list[bytes]:
    """Cubins for architectures."""
    return [entry(CUBIN, number) for number in numbers]


def bundle(*targets: str, size: int = 500, align: int = 4096) -> bytes:
    """An offload bundle with code for targets, such as ``hipv4-amdgcn-amd-amdhsa--gfx942``."""
    names = [target.encode() for target in ("host-x86_64-unknown-linux--", *targets)]
    table = struct.pack("<24sQ", b"__CLANG_OFFLOAD_BUNDLE__", len(names))
    at = align
    for number, name in enumerate(names):
        length = size if number else 0
        table += struct.pack("<QQQ", at, length, len(name)) + name
        end = at + length if targets else len(table)
        at += -(-length // 4096) * 4096
    assert len(table) <= align
    return (table.ljust(align, b"\0") if targets else table).ljust(end, b"\xcc")


def hip(*targets: str) -> bytes:
    """An offload bundle of HIP code for target ids, such as ``gfx942:xnack-``."""
    return bundle(*(f"hipv4-amdgcn-amd-amdhsa--{target}" for target in targets))


def packed(plain: bytes, version: int = 2, *, method: int = 0, data: bytes | None = None) -> bytes:
    """A compressed offload bundle; ``method`` 1 is zstd."""
    if data is None:
        if method == 1:
            from backports import zstd

            data = zstd.compress(plain)
        else:
            data = zlib.compress(plain)
    hash_ = b"hash" * 2
    shapes = {1: ("<4sHHI8s", 0), 2: ("<4sHHII8s", 1), 3: ("<4sHHQQ8s", 1)}
    shape, sized = shapes[version]
    total = [struct.calcsize(shape) + len(data)] * sized
    return struct.pack(shape, b"CCOB", version, method, *total, len(plain), hash_) + data


def padded(parts: Sequence[bytes], align: int) -> bytes:
    """Containers one after the other, each at a multiple of ``align``."""
    whole = b""
    for part in parts:
        whole += bytes(-len(whole) % align) + part
    return whole


def record(address: int, *, linked: bool = False, hip: bool = False) -> bytes:
    """The record by which a library registers a container at an address."""
    magic = 0x48495046 if hip else 0x466243B1
    return struct.pack("<IIQQ", magic, 2 if linked else 1, address, 0)


def image(
    kind: int, architecture: str, *, size: int = 100, triple: str = "amdgcn-amd-amdhsa"
) -> bytes:
    """An offload binary of LLVM; the kinds are 1 object, 2 bitcode, 3 cubin, 5 PTX."""
    words = [b"triple", triple.encode(), b"arch", architecture.encode()]
    pairs, text_at = 32 + 40, 32 + 40 + 32
    offsets, text = [], b"\0"
    for word in words:
        offsets.append(text_at + len(text))
        text += word + b"\0"
    at = text_at + -(-len(text) // 8) * 8
    body = struct.pack("<HHIQQQQ", kind, 4, 0, pairs, 2, at, size) + struct.pack("<4Q", *offsets)
    whole = body + text.ljust(at - text_at, b"\0") + b"\xaa" * size
    whole += bytes(-len(whole) % 8)
    return struct.pack("<4sIQQQ", b"\x10\xff\x10\xad", 1, 32 + len(whole), 32, 40) + whole
