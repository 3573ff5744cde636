"""LLVM's offload binaries, built byte by byte."""

from __future__ import annotations

import random
import struct
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from tests.support.fatbins import image
from torch_abi_audit.formats.device_code.collect import Ranges, collect
from torch_abi_audit.formats.device_code.offload import Image, images
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable

if TYPE_CHECKING:
    from torch_abi_audit.model.device_code import DeviceCode

ALL = (
    image(1, "gfx90a:xnack-")
    + image(2, "gfx942")
    + bytes(16)
    + image(3, "sm_90a", triple="nvptx64-nvidia-cuda")
    + image(5, "sm_80", triple="nvptx64-nvidia-cuda")
    + image(1, "", triple="x86_64-unknown-linux-gnu")
)


def code(data: bytes) -> DeviceCode:
    return collect(BytesReadable(data), Ranges(offload=((0, len(data)),)))


def test_kinds_of_images() -> None:
    assert list(images(BytesReadable(ALL), 0, len(ALL))) == [
        Image("gfx90a:xnack-", "", 100),
        Image(None, "LLVM bitcode for gfx942", 100),
        Image("sm_90a", "", 100),
        Image("compute_80", "", 100),
        Image(None, "an image of kind 1 for x86_64-unknown-linux-gnu", 100),
    ]
    found = code(ALL)
    assert [one.targets for one in found.sets] == [("sm_90a", "compute_80", "gfx90a:xnack-")]
    assert found.others[0] == "LLVM bitcode for gfx942"
    assert found.problem is None


def test_sections_of_their_own() -> None:
    names = (("hip-amdgcn-amd-amdhsa--gfx942", 50), ("host-x86_64--", 1), ("sycl-spir64", 9))
    found = collect(BytesReadable(b""), Ranges(named=names))
    assert [(one.targets, one.size) for one in found.sets] == [(("gfx942",), 50)]
    assert found.others == ("code for sycl-spir64",)


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, 0x11, "no offload binary at byte 0"),
        (4, 2, "has version 2"),
        (8, 1 << 40, "and 1099511627776 bytes"),
        (8, 0, "and 0 bytes"),
        (16, 1 << 40, "lies outside of it"),
        (40, 1 << 40, "lie outside of it"),
        (48, 1 << 40, "lie outside of it"),
        (64, 1 << 40, "lie outside of it"),
        (80, 1 << 40, "lies outside its table"),
    ],
)
def test_damage_is_told(at: int, value: int, message: str) -> None:
    data = bytearray(image(1, "gfx942"))
    struct.pack_into("<I" if at < 8 else "<Q", data, at, value)
    with pytest.raises(FormatError, match=message):
        list(images(BytesReadable(bytes(data)), 0, len(data)))
    found = code(image(1, "gfx90a") + bytes(data))
    assert found.targets == ("gfx90a",)
    assert found.problem is not None


@pytest.mark.slow
def test_random_damage() -> None:
    chance = random.Random(33)
    for _ in range(3000):
        data = bytearray(ALL)
        at = chance.randrange(len(data) - 8)
        data[at : at + 4] = chance.choice((0, 1, 0xFFFFFFFF, len(data), 64)).to_bytes(4, "little")
        start = perf_counter()
        code(bytes(data[: chance.choice((len(ALL), at + 8))]))
        assert perf_counter() - start < 2
