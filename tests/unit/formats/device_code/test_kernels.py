"""Which fat binaries have kernels: by sizes, and by what is read where those leave it open."""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING

import pytest
from backports import zstd

from tests.support.fatbins import CUBIN, LZ4, PTX, ZSTD, cubin, entry, fatbin, sm
from torch_abi_audit.formats.device_code import kernels
from torch_abi_audit.formats.device_code.fatbin import Fatbin, fatbins
from torch_abi_audit.formats.device_code.kernels import (
    has_kernels,
    seems_to_have_kernels,
    with_kernels,
)
from torch_abi_audit.sources.files.readable import BytesReadable

if TYPE_CHECKING:
    from torch_abi_audit.formats.device_code.fatbin import Entry
    from torch_abi_audit.model.binary import Readable


def read(data: bytes) -> list[Fatbin]:
    return list(fatbins(BytesReadable(data), 0, len(data)))


@pytest.mark.parametrize(
    ("number", "release", "size", "sections", "has_kernels"),
    [
        # as ptxas writes them for nothing, for a variable, and for an empty kernel
        (52, 118, 904, 5, False),
        (70, 118, 992, 6, False),
        (75, None, 1464, 10, False),
        (90, None, 1736, 11, False),
        (100, None, 2248, 15, False),
        (110, None, 2520, 15, False),
        (50, 118, 1864, 9, True),
        (75, 118, 2408, 11, True),
        (90, 118, 2416, 10, True),
        (75, None, 2856, 14, True),
        (90, None, 3432, 15, True),
        (100, None, 4840, 22, True),
        # as the device linker of CUDA 13 does, if it was called by long names
        (75, None, 1888, 10, False),
        (90, None, 1976, 11, False),
    ],
)
def test_cubins_without_kernels(
    number: int, release: int | None, size: int, sections: int, *, has_kernels: bool
) -> None:
    payload = cubin(number, release=release, sections=sections)
    entries = [entry(CUBIN, number, size=size, payload=payload)]
    if release is None:
        entries.append(entry(CUBIN, number, size=200, plain=size, flags=ZSTD))
    if size not in (1888, 1976):
        entries.append(entry(CUBIN, number, size=200, plain=size, flags=LZ4))
    (found,) = read(fatbin(*entries))
    assert {seems_to_have_kernels(one) for one in found.entries} == {has_kernels}


def test_small_kernels_of_old_toolkits() -> None:
    (found,) = read(fatbin(entry(CUBIN, 50, size=512, plain=1400, flags=LZ4)))  # CUDA 9.0
    assert seems_to_have_kernels(found.entries[0])


@pytest.mark.parametrize(
    ("plain", "has_kernels"), [(55, False), (64, False), (82, False), (96, True)]
)
def test_ptx_without_kernels(plain: int, *, has_kernels: bool) -> None:
    (found,) = read(fatbin(entry(PTX, 90, size=50, plain=plain, flags=ZSTD)))
    assert seems_to_have_kernels(found.entries[0]) is has_kernels


# --- read ----------------------------------------------------------------------------------------

SECTION = struct.Struct("<IIQQQQIIQQ")
NOTE = 0
CODE = 6
"""Flags of sections: of what is only noted; of machine code, which is loaded and executable."""


def image(number: int, *flags: int, release: int | None = None, notes: int = 3000) -> bytes:
    """A cubin with sections of these flags, after a note of some length."""
    head = bytearray(cubin(number, release=release, sections=20 + len(flags)))
    struct.pack_into("<Q", head, 40, 64 + notes)
    table = [SECTION.pack(0, 1, each, 0, 0, 0, 0, 0, 1, 0) for each in (*[NOTE] * 20, *flags)]
    return bytes(head) + b"-L/a/path/".ljust(notes, b"/") + b"".join(table)


def as_lz4(plain: bytes) -> bytes:
    """A block of LZ4 that has literals alone."""
    long = len(plain) - 15
    return b"\xf0" + b"\xff" * (long // 255) + bytes((long % 255,)) + plain


def held(number: int, plain: bytes, how: str) -> bytes:
    """An entry that holds a cubin."""
    if how == "plain":
        return entry(CUBIN, number, payload=plain, size=0)
    data = zstd.compress(plain) if how == "zstd" else as_lz4(plain)
    flags = ZSTD if how == "zstd" else LZ4
    return entry(CUBIN, number, payload=data, size=len(data), plain=len(plain), flags=flags)


WAYS = pytest.mark.parametrize("how", ["plain", "zstd", "lz4"])


def left(*made: bytes) -> list[int]:
    """The numbers of the fat binaries that have kernels."""
    data = b"".join(made)
    found = read(data)
    kept = with_kernels(BytesReadable(data), found)
    return [number for number, one in enumerate(found) if one in kept]


@WAYS
def test_long_notes_are_no_kernels(how: str) -> None:
    stub = fatbin(*(held(number, image(number), how) for number in (80, 90)))
    kernel = fatbin(*(held(number, image(number, CODE), how) for number in (80, 90)))
    assert left(stub) == []
    assert left(kernel) == [0]
    assert left(stub, fatbin(*sm(80, 90), entry(PTX, 90))) == [1]
    for data, expected in ((stub, False), (kernel, True)):
        assert has_kernels(BytesReadable(data), read(data)[0]) is expected


@WAYS
def test_a_kernel_for_the_last_architecture_alone(how: str) -> None:
    some = fatbin(held(80, image(80), how), held(90, image(90, CODE), how))
    assert left(some) == [0]


def test_only_what_decides_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    look = kernels._has_code

    def noted(source: Readable, one: Entry) -> bool:
        asked.append(one.architecture)
        return look(source, one)

    monkeypatch.setattr(kernels, "_has_code", noted)
    large = fatbin(entry(CUBIN, 80, size=40_000))
    stub, kernel = (fatbin(held(80, image(80, *flags), "zstd")) for flags in ((), (CODE,)))
    assert left(*[kernel] * 5, large, *[stub] * 5) == [*range(11)]
    assert asked == []
    assert left(stub, *[kernel] * 5, stub) == [*range(1, 7)]
    assert asked == ["80", "80"]
    asked.clear()
    assert left(*[stub] * 1000) == [*range(kernels._MOST_READ, 1000)]
    assert len(asked) == kernels._MOST_READ


@pytest.mark.parametrize("how", ["zstd", "lz4"])
def test_what_cannot_be_read_counts(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ZSTD if how == "zstd" else LZ4
    assert left(fatbin(entry(CUBIN, 80, size=400, plain=4000, flags=flags))) == [0]
    assert left(fatbin(held(80, b"something else" * 300, how))) == [0]
    assert left(fatbin(held(80, image(80)[:-1], how))) == [0]
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    assert left(fatbin(held(80, image(80), how))) == ([0] if how == "zstd" else [])
