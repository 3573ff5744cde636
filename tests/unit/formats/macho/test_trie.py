"""ULEB128 numbers and the export trie of Mach-O images."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.macho_files import trie, uleb
from torch_abi_audit.formats.macho.trie import Export, lookup, trie_names, uleb128
from torch_abi_audit.model.errors import FormatError

NAMES = st.lists(st.binary(min_size=1, max_size=40).filter(lambda name: 0 not in name), unique=True)


@given(st.integers(0, 2**64 - 1), st.binary(max_size=4), st.binary(max_size=4))
def test_uleb128_reads_what_it_says_and_where_it_ends(
    value: int, before: bytes, after: bytes
) -> None:
    number = uleb(value)
    blob = before + number + after
    assert uleb128(blob, len(before)) == (value, len(before) + len(number))


@pytest.mark.parametrize(
    ("blob", "value"), [(b"\0", 0), (b"\x7f", 127), (b"\x80\x01", 128), (b"\x83\x80\x00", 3)]
)
def test_uleb128_values(blob: bytes, value: int) -> None:
    assert uleb128(blob, 0) == (value, len(blob))


@pytest.mark.parametrize("blob", [b"", b"\x80", b"\xff" * 9, b"\xff" * 10 + b"\0", uleb(2**64)])
def test_uleb128_is_bounded(blob: bytes) -> None:
    with pytest.raises(FormatError, match="ULEB128"):
        uleb128(blob, 0)


@given(NAMES)
def test_every_name_is_found_once(names: list[bytes]) -> None:
    assert sorted(trie_names(trie(names[:255]))) == sorted(names[:255])


def test_nested_prefixes_and_long_payloads() -> None:
    payload = bytes(200)
    inner = uleb(len(payload)) + payload + b"\x01" + b"c\0" + uleb(18, 2)
    blob = b"\0\x01_ab\0" + uleb(12, 2) + bytes(4) + inner
    leaf = len(blob)
    blob = blob.replace(b"c\0" + uleb(18, 2), b"c\0" + uleb(leaf, 2)) + b"\x01\0\0"
    assert sorted(trie_names(blob)) == [b"_ab", b"_abc"]


def test_no_bytes_are_no_names() -> None:
    assert list(trie_names(b"")) == []


def test_branches_that_do_not_lead_there_are_not_walked() -> None:
    names = [b"_PyInit_x", b"_other", b"_PyInit_y"]
    asked: list[bytes] = []

    def leads(path: bytes) -> bool:
        asked.append(path)
        return path == b"_other"

    assert list(trie_names(trie(names), leads)) == [b"_other"]
    assert sorted(asked) == sorted(names)


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"\0\x01_a\0\0", "twice"),
        (b"\0\x01_a\0\x06\0\x01b\0\0", "twice"),
        (b"\0\x02_a\0\x0a_b\0\x0a\0\0", "twice"),
        (b"\0\x01_a", "unterminated"),
        (b"\0\x01_a\0", "runs past"),
        (b"\0\x01_a\0\x63", "runs past"),
        (b"\0\x01_a\0\xff\xff", "ULEB128"),
        (b"\x7f\0\0", "runs past"),
        (b"\0", "runs past"),
        (b"\0\x02_a\0\x06\0\0", "twice|leaves"),
    ],
)
def test_damage_is_refused(blob: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        list(trie_names(blob))


def test_a_trie_that_spells_far_more_than_it_holds_is_refused_in_bounded_time() -> None:
    depth, edge = 20_000, b"x" * 255
    blob = bytearray()
    for _ in range(depth):
        blob += b"\x01\0\x01" + edge + b"\0"
        blob += uleb(len(blob) + 4, 4)
    started = time.monotonic()
    with pytest.raises(FormatError, match="proportion"):
        for _ in trie_names(bytes(blob)):
            pass
    assert time.monotonic() - started < 5


@given(NAMES, NAMES)
def test_lookup_finds_what_is_there_and_nothing_else(
    names: list[bytes], others: list[bytes]
) -> None:
    blob = trie(names[:255])
    asked = [
        *names[:255],
        *others,
        *(name[:-1] for name in names),
        *(name + b"x" for name in names),
    ]
    assert set(lookup(blob, asked)) == set(asked) & set(names[:255])


def test_lookup_tells_where_a_re_exported_symbol_is() -> None:
    payloads = {b"_own": b"\x00\x10", b"_same": b"\x08\x02\0", b"_old": b"\x08\x81\x02_new\0"}
    at = 2 + sum(len(name) + 1 + 1 for name in payloads)
    edges, leaves = b"", b""
    for name, payload in payloads.items():
        edges += name + b"\0" + uleb(at + len(leaves))
        leaves += uleb(len(payload)) + payload + b"\0"
    assert lookup(b"\0\x03" + edges + leaves, [*payloads, b"_none"]) == {
        b"_own": Export(None, b"_own"),
        b"_same": Export(2, b"_same"),
        b"_old": Export(257, b"_new"),
    }


@given(st.binary(max_size=80), st.lists(st.binary(max_size=4), max_size=4))
def test_lookup_in_damaged_bytes_ends(blob: bytes, names: list[bytes]) -> None:
    try:
        found = lookup(blob, names)
    except FormatError:
        return
    assert set(found) <= set(names)


def test_lookup_in_a_circle_ends() -> None:
    with pytest.raises(FormatError, match="twice"):
        lookup(b"\0\x01a\0\0", [b"aaaa"])
