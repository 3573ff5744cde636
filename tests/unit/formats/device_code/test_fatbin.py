"""CUDA fat binaries, built byte by byte."""

from __future__ import annotations

import struct
from time import perf_counter

import pytest

from tests.support.fatbins import (
    CUBIN,
    FAMILY,
    PTX,
    SPECIFIC,
    ZSTD,
    entry,
    fatbin,
    padded,
    sm,
)
from torch_abi_audit.formats.device_code.fatbin import Fatbin, fatbins
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable


def read(data: bytes, start: int = 0) -> list[Fatbin]:
    return list(fatbins(BytesReadable(data), start, len(data) - start))


def architectures(data: bytes) -> list[list[str]]:
    return [[one.architecture for one in each.entries] for each in read(data)]


def test_entries_follow_each_other() -> None:
    first = fatbin(*sm(80, 90), entry(PTX, 90, version=(8, 4), size=999))
    found = read(first + fatbin(*sm(75)))
    assert [one.offset for one in found] == [0, len(first)]
    assert [one.architecture for one in found[0].entries] == ["80", "90", "90"]
    ptx = found[0].entries[2]
    assert (ptx.kind, ptx.version, ptx.size, ptx.plain_size) == (PTX, (8, 4), 1000, 1000)
    assert found[1].entries[0].kind == CUBIN


@pytest.mark.parametrize(
    ("flags", "architecture"), [(0, "100"), (SPECIFIC, "100a"), (FAMILY, "100f"), (1 << 24, "100")]
)
def test_letters_come_from_flags(flags: int, architecture: str) -> None:
    assert architectures(fatbin(entry(CUBIN, 100, flags=flags))) == [[architecture]]


@pytest.mark.parametrize("header", [64, 80, 96, 112, 128])
def test_headers_may_be_longer(header: int) -> None:
    data = fatbin(entry(CUBIN, 100, header=header), entry(CUBIN, 120, header=header))
    (found,) = read(data)
    assert [one.architecture for one in found.entries] == ["100", "120"]
    assert [one.cubin is not None for one in found.entries] == [True] * 2


@pytest.mark.parametrize("gap", [1, 5, 8, 24, 4095, 70_000])
def test_zeros_between_and_behind(gap: int) -> None:
    one = fatbin(*sm(80))
    assert architectures(one + bytes(gap) + one + bytes(gap)) == [["80"]] * 2


def test_a_range_within_a_file() -> None:
    data = b"something else" + padded([fatbin(*sm(80)), fatbin(*sm(90))], 16)
    assert len(read(data, 14)) == 2


def test_sizes_of_compressed_code() -> None:
    (found,) = read(fatbin(entry(CUBIN, 90, flags=ZSTD, size=100, plain=5000)))
    assert (found.entries[0].size, found.entries[0].plain_size) == (104, 5000)
    assert found.entries[0].cubin is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x50\xed\x55\xbb" + bytes(12), "no fat binary at byte 0: 50ed55bb stands there"),
        (struct.pack("<IHHQ", 0xBA55ED50, 2, 16, 0), "has version 2"),
        (struct.pack("<IHHQ", 0xBA55ED50, 1, 8, 0), "a header of 8 bytes"),
        (fatbin(*sm(80), size=1 << 60), "but its section ends at"),
        (fatbin(*sm(80))[:9], "is cut short"),
        (bytes(16) + b"\x50\xed\x55", "is cut short"),
        (bytes(2 << 20), "only zeros follow"),
    ],
)
def test_what_is_no_fat_binary(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(data)


def test_a_range_behind_the_end_of_the_file() -> None:
    with pytest.raises(FormatError, match="should end at byte 100 of a file of 50 bytes"):
        list(fatbins(BytesReadable(bytes(50)), 0, 100))


@pytest.mark.parametrize("size", [1 << 40, 6080, 7])
def test_a_broken_entry_leaves_the_others(size: int) -> None:
    broken = bytearray(fatbin(*sm(80, 90)))
    struct.pack_into("<Q", broken, 16 + 64 + 6000 + 8, size)
    found = read(fatbin(*sm(70)) + bytes(broken) + fatbin(*sm(75)))
    assert [[one.architecture for one in each.entries][:1] for each in found] == [
        ["70"],
        ["80"],
        ["75"],
    ]
    problem = found[1].problem
    assert problem is not None
    assert "fat binary" in problem
    assert found[0].problem is found[2].problem is None


def test_headers_of_no_size_do_not_stop_the_walk() -> None:
    broken = bytearray(fatbin(*sm(80)))
    struct.pack_into("<IQ", broken, 20, 0, 0)
    (found,) = read(bytes(broken))
    assert found.problem is not None
    assert "header of 0 bytes" in found.problem


def test_there_is_a_limit() -> None:
    start = perf_counter()
    with pytest.raises(FormatError, match="more than 131072 entries"):
        read(fatbin() * 140_000)
    assert perf_counter() - start < 5


class Counting(BytesReadable):
    """Counts what is read."""

    __slots__ = ("count",)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.count = 0

    def read_at(self, offset: int, length: int) -> bytes:
        data = super().read_at(offset, length)
        self.count += len(data)
        return data


def test_code_is_not_read() -> None:
    source = Counting(fatbin(*[entry(CUBIN, 90, size=1 << 20) for _ in range(10)]))
    assert len(next(iter(fatbins(source, 0, source.size))).entries) == 10
    assert source.count < 10 * 200 + 256
