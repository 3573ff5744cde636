"""Damaged device code: told in its problem, and nothing takes long."""

from __future__ import annotations

import random
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from tests.support.fatbins import CUBIN, PTX, ZSTD, entry, fatbin, hip, packed, padded, sm
from torch_abi_audit.formats.device_code.collect import Ranges, collect
from torch_abi_audit.formats.device_code.files import of_file
from torch_abi_audit.sources.files.readable import BytesReadable

if TYPE_CHECKING:
    from torch_abi_audit.model.device_code import DeviceCode

LIMIT = 2.0
CUDA = padded(
    [
        fatbin(*[entry(CUBIN, number, size=200) for number in (75, 80, 90)]),
        fatbin(entry(CUBIN, 100, header=112, size=300), entry(PTX, 90, size=64, plain=900)),
        fatbin(entry(CUBIN, 90, flags=ZSTD, size=128, plain=5000)),
    ],
    8,
)
RELOCATABLE = padded([fatbin(*sm(80), entry(PTX, 80, size=200))] * 2, 8)
HIP = padded(
    [hip("gfx942", "gfx90a"), packed(hip("gfx1100")), packed(hip("gfx906"), 3, method=1)], 4096
)
DATA = CUDA + RELOCATABLE + HIP
RANGES = Ranges(
    ((0, len(CUDA)),),
    ((len(CUDA), len(RELOCATABLE)),),
    ((len(CUDA) + len(RELOCATABLE), len(HIP)),),
)
WHOLE = {
    *("sm_75", "sm_80", "sm_90", "sm_100", "compute_80", "compute_90"),
    *("gfx942", "gfx90a", "gfx1100", "gfx906"),
}


def survives(data: bytes) -> DeviceCode:
    start = perf_counter()
    found = collect(BytesReadable(data), RANGES)
    for name in (CUDA, HIP):
        at = DATA.index(name)
        of_file(BytesReadable(data[at : at + len(name)]))
    assert perf_counter() - start < LIMIT
    return found


def test_undamaged() -> None:
    found = survives(DATA)
    assert {*found.targets} == WHOLE
    assert found.problem is None


def test_what_is_cut_off_is_told() -> None:
    for size in range(0, len(DATA), 61):
        assert survives(DATA[:size]).problem is not None


def places() -> list[int]:
    """The bytes of headers: damage elsewhere is in code, which is not read."""
    around: set[int] = set()
    for magic in (b"\x50\xed\x55\xba", b"\x02\0\x01\x01", b"\x01\0\x01\x01", b"CCOB", b"__CLANG"):
        at = DATA.find(magic)
        while at >= 0:
            around.update(range(at, min(at + 180, len(DATA))))
            at = DATA.find(magic, at + 1)
    return sorted(around)


@pytest.mark.slow
def test_flipped_bits() -> None:
    chance = random.Random(30)
    where = places()
    told = 0
    for _ in range(3000):
        data = bytearray(DATA)
        for _ in range(chance.choice((1, 2, 8))):
            data[chance.choice(where)] ^= 1 << chance.randrange(8)
        found = survives(bytes(data))
        told += found.problem is not None
    assert told > 500


@pytest.mark.slow
def test_extreme_words() -> None:
    chance = random.Random(31)
    where = places()
    told = 0
    for _ in range(3000):
        data = bytearray(DATA)
        at = chance.choice(where) & ~3
        value = chance.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, len(DATA), 16, 64))
        width = chance.choice((4, 8))
        data[at : at + width] = value.to_bytes(8, "little")[:4] * (width // 4)
        told += survives(bytes(data[: len(DATA)])).problem is not None
    assert told > 500


@pytest.mark.slow
def test_lost_code_is_never_silent() -> None:
    """Every size field, when it is wrong, is told, or leaves what is behind it."""
    for at in places():
        data = bytearray(DATA)
        data[at] ^= 0xFF
        found = survives(bytes(data))
        if found.problem is None:
            assert len(found.targets) >= len(WHOLE) - 2
