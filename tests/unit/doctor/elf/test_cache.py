"""``ld.so.cache``, built byte by byte after glibc's ``dl-cache.h``."""

from __future__ import annotations

import random
import struct

import pytest

from torch_abi_audit.doctor.elf.cache import Cache

X86_64, I686, AARCH64 = 0x303, 0x003, 0xA03
NAMED = 1 << 62
LEGACY = 1 << 63

Entry = tuple[str, str, int, int]


def cache(entries: list[Entry], directories: tuple[str, ...] = (), order: str = "<") -> bytes:
    """The bytes of a cache: name, path, flags and hwcap of each entry."""
    texts = b""
    start = 48 + 24 * len(entries)

    def text(value: str) -> int:
        nonlocal texts
        texts += value.encode() + b"\0"
        return start + len(texts) - len(value) - 1

    rows = [
        struct.pack(order + "iIIIQ", flags, text(name), text(path), 0, hwcap)
        for name, path, flags, hwcap in entries
    ]
    words = [text(each) for each in directories]
    texts += bytes(-(start + len(texts)) % 4)
    extension = start + len(texts)
    tail = struct.pack(order + "2I", 0xEAA42174, 2)
    tail += struct.pack(order + "4I", 0, 0, extension, 4)
    tail += struct.pack(order + "4I", 1, 0, extension + 40, 4 * len(words))
    tail += struct.pack(f"{order}{len(words)}I", *words)
    head = b"glibc-ld.so.cache1.1" + struct.pack(
        order + "IIB3xI12x", len(entries), len(texts), 2 if order == "<" else 3, extension
    )
    assert len(head) == 48
    return head + b"".join(rows) + texts + tail


def test_a_library_is_found_by_its_name() -> None:
    known = Cache(cache([("liba.so.1", "/lib/liba.so.1", X86_64, 0)]), "x86_64")
    assert known.find("liba.so.1", ()) == "/lib/liba.so.1"
    assert known.find("liba.so", ()) is None


def test_libraries_for_other_machines_are_left_out() -> None:
    entries = [
        ("liba.so", "/lib32/liba.so", I686, 0),
        ("liba.so", "/cross/liba.so", AARCH64, 0),
        ("liba.so", "/lib/liba.so", X86_64, 0),
    ]
    assert Cache(cache(entries), "x86_64").find("liba.so", ()) == "/lib/liba.so"
    assert Cache(cache(entries), "aarch64").find("liba.so", ()) == "/cross/liba.so"


def test_the_best_directory_for_the_processor_wins() -> None:
    entries = [
        ("liba.so", "/v2/liba.so", X86_64, NAMED | 2 << 32 | 0),
        ("liba.so", "/v3/liba.so", X86_64, NAMED | 3 << 32 | 1),
        ("liba.so", "/lib/liba.so", X86_64, 0),
    ]
    known = Cache(cache(entries, ("x86-64-v2", "x86-64-v3")), "x86_64")
    assert known.find("liba.so", ("x86-64-v3", "x86-64-v2")) == "/v3/liba.so"
    assert known.find("liba.so", ("x86-64-v2",)) == "/v2/liba.so"
    assert known.find("liba.so", ()) == "/lib/liba.so"


def test_entries_of_the_old_mechanism_and_of_unknown_directories_are_left_out() -> None:
    entries = [
        ("liba.so", "/tls/liba.so", X86_64, LEGACY),
        ("liba.so", "/v9/liba.so", X86_64, NAMED | 7),
    ]
    assert Cache(cache(entries), "x86_64").find("liba.so", ("x86-64-v2",)) is None


def test_the_new_format_after_the_old_one() -> None:
    new = cache([("liba.so", "/lib/liba.so", X86_64, 0)])
    for count in (0, 1, 2):
        old = b"ld.so-1.7.0\0" + struct.pack("<I", count) + bytes(12 * count)
        data = old + bytes(-len(old) % 8) + new
        assert Cache(data, "x86_64").find("liba.so", ()) == "/lib/liba.so"


def test_a_cache_of_the_other_byte_order() -> None:
    data = cache([("liba.so", "/lib/liba.so", 0x403, 0)], order=">")
    assert Cache(data, "s390x").find("liba.so", ()) == "/lib/liba.so"


@pytest.mark.parametrize("data", [b"", b"ld.so-1.7.0", b"glibc-ld.so.cache1.1", b"other" * 20])
def test_what_is_no_cache_has_no_libraries(data: bytes) -> None:
    assert Cache(data, "x86_64").find("liba.so", ()) is None


def test_a_damaged_cache_is_read_or_left() -> None:
    rng = random.Random(5)
    whole = cache(
        [(f"lib{n}.so", f"/lib/lib{n}.so", X86_64, NAMED * (n % 2)) for n in range(9)], ("v",)
    )
    for _ in range(3000):
        data = bytearray(whole[: rng.choice([len(whole), rng.randrange(len(whole))])])
        for _ in range(rng.choice([1, 4])):
            if data:
                data[rng.randrange(len(data))] = rng.choice([0, 1, 255, rng.randrange(256)])
        Cache(bytes(data), "x86_64").find("lib1.so", ("v",))
