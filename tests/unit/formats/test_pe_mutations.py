"""Damaged DLLs: the reader returns a result or raises ``FormatError``, within a short time."""

from __future__ import annotations

import random
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import pe_files
from torch_abi_audit.formats.pe import library as pe
from torch_abi_audit.model.binary import Binary, NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable

SEEDS = [
    pe_files.dll(
        bits=bits,
        imports={b"python3.dll": [b"PyLong_FromLong", 7], b"c10.dll": [b"f", b"g" * 300]},
        delayed={b"torch_cpu.dll": [b"aoti_torch_delete"]},
        exported=[b"PyInit_ext", b"a", b"b"],
        own_name=b"ext.pyd",
        in_headers=in_headers,
        delay_by_address=bits == 32,
    )
    for bits in (32, 64)
    for in_headers in (False, True)
]
EDGES = [0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def outcome(data: bytes) -> str:
    """How reading ends; any exception but ``FormatError`` is a failure of the test."""
    source = BytesReadable(data)
    begun = time.perf_counter()
    try:
        binary = pe.read(source)
        if isinstance(binary, Binary):
            pe.exports(source, binary)
        ended = "not a library" if isinstance(binary, NotALibrary) else "read"
    except FormatError:
        ended = "damaged"
    assert time.perf_counter() - begun < 2
    return ended


def mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed))
        match chance.randrange(5):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                changed[at] = chance.randrange(256)
            case 2:
                at = min(at & ~3, len(changed) - 4)
                struct.pack_into("<I", changed, at, chance.choice([*EDGES, chance.getrandbits(32)]))
            case 3:
                end = min(len(changed), at + chance.choice([4, 64, 512]))
                changed[at:end] = bytes(end - at)
            case _:
                other = chance.randrange(len(changed) - 8)
                at = min(at, len(changed) - 8)
                changed[at : at + 8] = changed[other : other + 8]
    if chance.random() < 0.2:
        del changed[chance.randrange(len(changed)) + 1 :]
    return bytes(changed)


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_mutations(seed: int) -> None:
    chance = random.Random(seed)
    headers = SEEDS[seed][: pe_files.BODY]
    endings = {"read": 0, "damaged": 0, "not a library": 0}
    for turn in range(3000):
        data = mutated(SEEDS[seed], chance)
        if turn % 2:  # the same, with the damage below the headers alone
            data = headers + data[pe_files.BODY :]
        endings[outcome(data)] += 1
    assert min(endings["read"], endings["damaged"]) > 300


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    patches=st.lists(st.tuples(st.integers(0, 0x7FF), st.sampled_from(EDGES)), max_size=6),
    cut=st.none() | st.integers(0, 0x800),
)
def test_patches(seed: bytes, patches: list[tuple[int, int]], cut: int | None) -> None:
    changed = bytearray(seed)
    for at, value in patches:
        struct.pack_into("<I", changed, min(at, len(changed) - 4), value)
    outcome(bytes(changed[:cut]))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=512))
def test_noise_behind_a_valid_start(noise: bytes) -> None:
    outcome(noise)
    outcome(b"MZ" + noise)
    outcome(SEEDS[0][: pe_files.COFF] + noise)
    outcome(
        SEEDS[0][: pe_files.BODY] + noise.ljust(len(SEEDS[0]) - pe_files.BODY, noise[:1] or b"\0")
    )
