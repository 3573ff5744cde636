"""Damaged ELF files: the reader returns a result or raises a FormatError, within a short time."""

from __future__ import annotations

import os
import random
import struct
import tempfile
import tracemalloc
from pathlib import Path
from time import perf_counter

import pytest

from tests.support.toolchain import gcc
from torch_abi_audit import formats
from torch_abi_audit.formats.elf.definitions import Definitions
from torch_abi_audit.formats.elf.image import Image, open_image
from torch_abi_audit.formats.elf.undefined import undefined
from torch_abi_audit.formats.elf.versions import versions
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable, open_readable

SOURCE = """
#include <stdio.h>
extern int a(void); extern int b(void) __attribute__((weak)); extern int c;
int f(void) { return a() + (b ? b() : 0) + c + printf("x"); }
void *PyInit_x(void) { return 0; }
"""
NAMES = frozenset({b"f", b"PyInit_x", b"a", b"absent"})
LIMIT = 2.0  # seconds for one file of some 16 KB: a hundred times what it takes


@pytest.fixture(scope="module", params=["gnu", "sysv"])
def original(request: pytest.FixtureRequest) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "x.so"
        return gcc(SOURCE, out, f"-Wl,--hash-style={request.param}", "-s").read_bytes()


def survives(data: bytes) -> bool:
    """Whether the reader can read the file; any exception but ``FormatError`` fails the test."""
    source = BytesReadable(data)
    start = perf_counter()
    try:
        found = formats.read(source)
        if isinstance(found, NotALibrary):
            return False
        for binary in found:
            formats.exports(source, binary)
            formats.exported(source, binary, NAMES)
        image = open_image(source)
        if isinstance(image, Image):
            versions(image)
            undefined(image)
            Definitions(image).find(NAMES)
    except FormatError:
        return False
    finally:
        assert perf_counter() - start < LIMIT
    return True


def test_truncations(original: bytes) -> None:
    for size in range(0, len(original), 7):
        survives(original[:size])


@pytest.mark.slow
def test_flipped_bits(original: bytes) -> None:
    chance = random.Random(20)
    read = 0
    for _ in range(4000):
        data = bytearray(original)
        for _ in range(chance.choice((1, 2, 8))):
            # the tables stand in the first pages: damage there is what a reader sees
            data[chance.randrange(min(len(data), 4096))] ^= 1 << chance.randrange(8)
        read += survives(bytes(data))
    assert read > 100  # most of a file is not what a reader looks at


@pytest.mark.slow
def test_extreme_words(original: bytes) -> None:
    chance = random.Random(21)
    for _ in range(4000):
        data = bytearray(original)
        at = chance.randrange(min(len(data), 4096) - 8) & ~3
        value = chance.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, len(data), len(data) - 1))
        data[at : at + chance.choice((4, 8))] = value.to_bytes(8, "little")[:4]
        survives(bytes(data))


def test_a_huge_sparse_tail_costs_nothing(original: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sparse.so"
    path.write_bytes(original)
    with path.open("r+b") as file:
        file.truncate(2 << 30)
    with open_readable(path) as source:
        tracemalloc.start()
        formats.read(source)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.slow
def test_tables_as_large_as_a_sparse_file_cost_nothing(original: bytes, tmp_path: Path) -> None:
    tail, size = len(original), 3 << 30
    (headers,) = struct.unpack_from("<Q", original, 32)
    (count,) = struct.unpack_from("<H", original, 56)
    many = bytearray(original)
    struct.pack_into("<QQ", many, 32, tail, tail)  # program and section headers
    struct.pack_into("<H", many, 56, 0xFFFF)
    many += struct.pack("<44xI16x", 50_000_000)
    endless, open_ended = bytearray(original), bytearray(original)
    for at in range(headers, headers + 56 * count, 56):
        if struct.unpack_from("<I", original, at) == (2,):
            struct.pack_into("<Q", endless, at + 32, size - tail)
            struct.pack_into("<Q", open_ended, at + 8, tail)
            struct.pack_into("<Q", open_ended, at + 32, size - tail)
    open_ended += b"\x01" * (2 << 20)
    for data, message in (
        (many, "50000000 program headers"),
        (endless, None),
        (open_ended, "dynamic section does not end"),
    ):
        path = tmp_path / "sparse.so"
        path.write_bytes(data)
        os.truncate(path, size)
        with open_readable(path) as source:
            tracemalloc.start()
            if message is None:
                assert not isinstance(formats.read(source), NotALibrary)
            else:
                with pytest.raises(FormatError, match=message):
                    formats.read(source)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 32 << 20
