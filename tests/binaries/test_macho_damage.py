"""Damaged Mach-O files: a result or a FormatError, within a short time and little memory."""

from __future__ import annotations

import random
import struct
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from tests.support.macho_files import (
    LOAD,
    WEAK,
    Symbol,
    binds,
    chained,
    dylib,
    image,
    lazy_binds,
    trie,
    universal,
)
from tests.support.toolchain import zig
from torch_abi_audit.formats.macho import library as macho
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 10_000
SECONDS = 2.0
MEMORY = 200 << 20
SOURCE = """
extern int foo(int);
extern int opt(int) __attribute__((weak_import));
extern int data; int *pointer = &data;
int PyInit_x(void) { return foo(1) + (opt ? opt(2) : 0); }
"""
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF8)
_LIBRARIES = [dylib("one", LOAD), dylib("two", WEAK)]
BUILT = {
    "chained": image(
        commands=_LIBRARIES,
        fixups=chained((b"_f", 1, False), (b"_g", 2, True), (b"_h", -3, False), kind=3),
        exports=trie([b"_h", b"_PyInit_x", b"_PyInit_y"]),
    ),
    "opcodes": image(
        commands=_LIBRARIES,
        symbols=[Symbol(b"_a", 0x0F), Symbol(b"_f", 1, 0x100), Symbol(b"_g", 1, 0x240)],
        bind=binds((b"_f", 1, 0), (b"_k", -2, 1)),
        lazy_bind=lazy_binds((b"_g", 2, 1), (b"_h", 300, 0))[:-5],
        info_exports=trie([b"_a", b"_PyInit_x"]),
    ),
    "symbols": image(
        wide=False,
        order=">",
        commands=[dylib("one", order=">")],
        symbols=[Symbol(b"_PyInit_x", 15)],
    ),
}
BUILT["fat"] = universal(BUILT["chained"], BUILT["symbols"])
BUILT["fat64"] = universal(BUILT["chained"], BUILT["symbols"], wide=True)


@pytest.fixture(scope="module", params=["zig", *BUILT])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    if request.param == "zig":
        out = tmp_path_factory.mktemp("damage") / "x.so"
        flags = ("-nostdlib", "-O1", "-g0", "-Wl,-undefined,dynamic_lookup")
        return zig(SOURCE, out, "aarch64-macos", *flags).read_bytes()
    return BUILT[request.param]


def mutations(data: bytes, seed: int) -> Iterator[bytes]:
    """Truncations, flipped bits, and words set to values that break arithmetic."""
    chance = random.Random(seed)
    # most of a file is code and padding that no reader looks at: aim where the bytes are not 0
    places = [at for at, byte in enumerate(data) if byte] or [0]
    head = places[: max(1, len(places) // 4)]
    for _ in range(ROUNDS):
        changed = bytearray(data)
        kind = chance.random()
        if kind < 0.15:
            yield data[: chance.choice(places)]
            continue
        for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
            at = chance.choice(head if chance.random() < 0.6 else places)
            if kind < 0.5:
                changed[at] ^= 1 << chance.randrange(8)
            elif kind < 0.8:
                value = chance.choice((*INTERESTING, chance.randrange(1 << 32), len(data)))
                where = min(at & ~3, max(0, len(data) - 4))
                struct.pack_into(chance.choice("<>") + "I", changed, where, value)
            else:
                changed[at] = chance.randrange(256)
        yield bytes(changed)


def outcome(data: bytes) -> str:
    source = BytesReadable(data)
    try:
        found = macho.read(source)
        if isinstance(found, tuple):
            for one in found:
                macho.exports(source, one)
            return "read"
    except FormatError:
        return "refused"
    return "not a library"


def test_damage_gives_a_result_or_a_format_error(sample: bytes) -> None:
    assert outcome(sample) in ("read", "refused")
    seen = set()
    slowest = 0.0
    for data in mutations(sample, seed=len(sample)):
        started = time.perf_counter()
        seen.add(outcome(data))
        slowest = max(slowest, time.perf_counter() - started)
    assert {"read", "refused"} <= seen
    assert slowest < SECONDS


@pytest.mark.parametrize("name", BUILT)
def test_the_samples_are_read_before_they_are_damaged(name: str) -> None:
    assert outcome(BUILT[name]) == "read"


@pytest.mark.parametrize("name", BUILT)
def test_every_truncation_is_refused(name: str) -> None:
    data = BUILT[name]
    for length in range(0, len(data), 1 + len(data) // 1500):
        with pytest.raises(FormatError):
            macho.read(BytesReadable(data[:length]))


class Sparse:
    """A source that claims to be huge, with zeros after its first bytes."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size = data, size

    def read_at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        part = self.data[offset : offset + length]
        return part + bytes(length - len(part))


def test_a_table_over_a_sparse_tail_costs_no_memory() -> None:
    count = 4 << 20
    data = bytearray(image(symbols=[Symbol(b"_f")], dysymtab=False))
    at = data.index(struct.pack("<II", 2, 24)) + 8
    struct.pack_into("<4I", data, at, len(data), count, len(data), 1 << 28)
    tracemalloc.start()
    try:
        found = macho.read(Sparse(bytes(data), 1 << 32))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(found, tuple)
    assert found[0].imports == ()
    assert peak < MEMORY


@pytest.mark.parametrize("what", ["trie", "binds"])
def test_the_worst_lists_are_refused_soon(what: str) -> None:
    if what == "trie":
        blob = bytearray()
        for _ in range(4000):  # each node exports a name one edge longer
            blob += b"\x01\0\x01" + b"_PyInit_" * 30 + b"\0"
            blob += (len(blob) + 4 & 0x7F | 0x80).to_bytes(1, "little")
            node = len(blob) + 3
            blob[-1] = node & 0x7F | 0x80
            blob += bytes([node >> 7 & 0x7F | 0x80, node >> 14 & 0x7F | 0x80, node >> 21 & 0x7F])
        data = image(exports=bytes(blob))
    else:
        data = image(bind=b"\x11\x40_f\0" + b"\x90" * (2 << 20) + b"\x40" * (2 << 20))
    started = time.perf_counter()
    assert outcome(data) == "refused"
    assert time.perf_counter() - started < SECONDS
