"""Offload bundles of clang, built byte by byte."""

from __future__ import annotations

import struct
import sys
from time import perf_counter

import pytest

from tests.support.fatbins import bundle, hip, packed, padded
from torch_abi_audit.formats.device_code.bundle import Bundle, bundles
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable

MANY = tuple(f"gfx{number}" for number in range(900, 950))


def read(data: bytes, start: int = 0) -> list[Bundle]:
    return list(bundles(BytesReadable(data), start, len(data) - start))


def test_targets_in_the_order_of_the_table() -> None:
    (found,) = read(hip("gfx942:sramecc+:xnack-", "gfx1100", "gfx11-generic", "gfx9-4-generic"))
    assert found.targets == ("gfx942:sramecc+:xnack-", "gfx1100", "gfx11-generic", "gfx9-4-generic")
    assert found.problem is None
    assert not found.others


@pytest.mark.parametrize(
    "name",
    [
        "hip-amdgcn-amd-amdhsa-gfx906",
        "hip-amdgcn-amd-amdhsa--gfx906",
        "hipv4-amdgcn-amd-amdhsa--gfx906",
        "openmp-amdgcn-amd-amdhsa--gfx906",
        "hipv4-amdgcn-amd-amdhsa-unknown-gfx906",
    ],
)
def test_forms_of_identifiers(name: str) -> None:
    assert read(bundle(name))[0].targets == ("gfx906",)


def test_code_for_something_else_is_told() -> None:
    (found,) = read(bundle("hip-spirv64-amd-amdhsa--amdgcnspirv", "sycl-\x1b[31m-x"))
    assert found.targets == ()
    assert found.others == ("hip-spirv64-amd-amdhsa--amdgcnspirv", "sycl-?[31m-x")


def test_bundles_follow_each_other() -> None:
    data = padded([hip("gfx90a"), hip("gfx942", "gfx950"), hip()], 4096)
    found = read(data + bytes(5000))
    assert [one.targets for one in found] == [("gfx90a",), ("gfx942", "gfx950"), ()]
    assert [one.offset % 4096 for one in found] == [0, 0, 0]


def test_an_entry_without_code_is_no_target() -> None:
    data = bytearray(hip("gfx90a", "gfx942"))
    at = data.index(b"hipv4") - 24
    struct.pack_into("<Q", data, at + 8, 0)
    assert read(bytes(data))[0].targets == ("gfx942",)


@pytest.mark.parametrize("method", [0, 1])
@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("align", [8, 4096])
def test_compressed(version: int, method: int, align: int) -> None:
    if version == 1:
        align = 4096  # there, only that tells where the next one begins
    parts = [packed(hip(*MANY), version, method=method), packed(hip("gfx942"), version)]
    data = b"before" + padded([*parts, hip("gfx90a")][: 2 if version == 1 else 3], align)
    found = read(data, 6)
    assert [one.problem for one in found] == [None] * len(found)
    assert [one.targets for one in found] == [MANY, ("gfx942",), ("gfx90a",)][: len(found)]
    assert len(found) == (2 if version == 1 else 3)


def test_a_table_longer_than_one_piece() -> None:
    long = tuple(f"gfx{number}" + ":xnack+" * 20 for number in range(100, 400))
    whole = bundle(*(f"hip-amdgcn-amd-amdhsa--{one}" for one in long), align=1 << 17)
    for data in (whole, packed(whole, method=1)):
        assert read(data)[0].targets == long


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (packed(hip("gfx942"), data=b"no zlib"), "is damaged"),
        (packed(hip("gfx942"), method=1, data=b"no zstd"), "is damaged"),
        (packed(hip("gfx942"), method=7, data=b""), "the unknown method 7"),
        (packed(b"text" * 100), "has none within"),
        (packed(hip("gfx942")[:40]), "has no end"),
        (packed(b""), "has no end"),
    ],
)
def test_compressed_bundles_that_cannot_be_unpacked(data: bytes, problem: str) -> None:
    found = read(padded([data, hip("gfx90a")], 8))
    assert problem in (found[0].problem or "")
    assert found[1].targets == ("gfx90a",)


def test_without_zstd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    (found,) = read(packed(hip("gfx942"), method=1))
    assert "install backports.zstd" in (found.problem or "")


def _count(data: bytes, number: int) -> bytes:
    return data[:24] + struct.pack("<Q", number) + data[32:]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"__CLANG_OFFLOAD", "no offload bundle at byte 0"),
        (b"__CLANG_OFFLOAD_BUNDLE__", "is cut short"),
        (_count(hip("gfx942"), 1 << 40), "has 1099511627776 entries"),
        (_count(hip("gfx942")[:200], 9), "is cut short|has an identifier"),
        (hip("gfx942")[:-1], "but its section ends at"),
        (packed(hip("gfx942"))[:-1], "but its section ends at"),
        (b"CCOB\x02\0\0\0" + bytes(40), "should end at byte 0"),
        (b"CCOB\x09\0\0\0" + bytes(40), "has version 9"),
        (b"CCOB\x02\0", "is cut short"),
        (bytes(2 << 20), "only zeros follow"),
    ],
)
def test_what_is_no_bundle(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(data)


def test_there_is_a_limit() -> None:
    start = perf_counter()
    with pytest.raises(FormatError, match="more than 8192 offload bundles"):
        read(struct.pack("<24sQ", b"__CLANG_OFFLOAD_BUNDLE__", 0) * 10_000)
    assert perf_counter() - start < 5


def test_what_unpacks_to_very_much_is_left() -> None:
    bomb = packed(_count(hip("gfx942"), 1000) + bytes(40 << 20))
    start = perf_counter()
    read(bomb)
    assert perf_counter() - start < 2


@pytest.mark.slow
def test_many_that_unpack_to_much_take_seconds_at_most() -> None:
    bomb = packed(_count(hip("gfx942"), 1000) + bytes(1 << 20))
    data = padded([bomb], 8) * 8000
    start = perf_counter()
    assert all(one.problem or not one.targets for one in read(data))
    assert perf_counter() - start < 20
