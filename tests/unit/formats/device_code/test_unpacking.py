"""LZ4 blocks and zstd: what was packed, and what is damaged."""

from __future__ import annotations

import random
from contextlib import suppress
from time import perf_counter

import pytest
from backports import zstd

from torch_abi_audit.formats.device_code.unpacking import unpacked_lz4, unpacked_zstd
from torch_abi_audit.model.errors import FormatError


@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        (b"\x50hello", b"hello"),
        (b"\xf0\x00" + b"a" * 15, b"a" * 15),
        (b"\xf0\xff\x03" + b"b" * 273, b"b" * 273),
        (b"\x34abc\x03\x00\x50.....", b"abcabcabcab....."),
        (b"\x1fx\x01\x00\xff\x00\x10y", b"x" * 275 + b"y"),
        (b"\x40abcd\x02\x00\x10e", b"abcdcdcde"),
        (b"\x10a\x01\x00\x04\x01\x00\x10b", b"a" * 13 + b"b"),
    ],
)
def test_lz4(packed: bytes, plain: bytes) -> None:
    assert unpacked_lz4(packed, len(plain)) == plain
    assert unpacked_lz4(packed + b"padding", len(plain)) == plain
    for size in range(len(plain)):
        assert unpacked_lz4(packed, size) == plain[:size]


@pytest.mark.parametrize(
    "packed",
    [b"", b"\x1fx\x01\x00\xff", b"\x10a\x01", b"\x10a\x02\x00\x10b", b"\x10a\x00\x00\x10b"],
)
def test_damaged_lz4(packed: bytes) -> None:
    with pytest.raises(FormatError, match="packed data is"):
        unpacked_lz4(packed, 1000)


def test_lz4_takes_no_more_than_is_asked_for() -> None:
    start = perf_counter()
    assert len(unpacked_lz4(b"\x1fx\x01\x00" + b"\xff" * 100_000 + b"\x00", 1 << 15)) == 1 << 15
    chance = random.Random(4)
    for _ in range(200):
        with suppress(FormatError):
            assert len(unpacked_lz4(chance.randbytes(1 << 12), 1 << 15)) <= 1 << 15
    assert perf_counter() - start < 2.0


def test_zstd() -> None:
    plain = b"text of a cubin" * 100
    assert unpacked_zstd(zstd.compress(plain), 64) == plain[:64]
    with pytest.raises(FormatError, match="packed data is damaged"):
        unpacked_zstd(b"no zstd", 64)
