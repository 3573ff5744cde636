"""The export index's file format: it survives a round trip, and damage is always an error."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torch_abi_audit.knowledge import export_file
from torch_abi_audit.knowledge.export_file import (
    ExportFile,
    Exports,
    IndexedRelease,
    IndexFileError,
    pack,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: 0 not in name)
LIBRARIES = st.sampled_from(["libc10.so", "libtorch_cpu.so", "libtorch_cuda.so"])
CONTENTS = st.dictionaries(
    NAMES, st.dictionaries(LIBRARIES, st.integers(1, 7), min_size=1), min_size=1, max_size=60
)


def release(version: str, cuda: str | None = None) -> IndexedRelease:
    return IndexedRelease(version, f"torch-{version}.whl", cuda, (), None, ("libc10.so",))


RELEASES = [release("2.9.0", "12.8"), release("2.9.1", "12.8"), release("2.10.0")]
EXPORTS = {
    b"_ZN3c103fooEi": {"libc10.so": 0b011},
    b"_ZN3c103fooEj": {"libc10.so": 0b100},
    b"_ZN5torch3barEv": {"libtorch_cpu.so": 0b111, "libtorch_cuda.so": 0b001},
}


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_file, "_BLOCK_TEXT", 32)


def test_releases_come_back_as_they_were() -> None:
    file = ExportFile(pack("linux_x86_64", RELEASES, EXPORTS))

    assert file.platform == "linux_x86_64"
    assert file.releases == tuple(RELEASES)
    assert [one.cuda_major for one in file.releases] == [12, 12, None]


@pytest.mark.slow
@given(contents=CONTENTS, strangers=st.lists(NAMES, max_size=20), block=st.integers(1, 200))
def test_what_is_packed_is_found_and_nothing_else(
    contents: dict[bytes, dict[str, int]], strangers: list[bytes], block: int
) -> None:
    with mock.patch.object(export_file, "_BLOCK_TEXT", block):
        file = ExportFile(pack("p", RELEASES, contents))

    found = file.lookup([*strangers, *contents])

    assert {name: dict(each.by_library) for name, each in found.items()} == contents
    assert [name for name, _ in file.names()] == sorted(contents)


@pytest.mark.slow
@given(contents=CONTENTS, prefix=st.binary(max_size=2), block=st.integers(1, 200))
def test_a_prefix_finds_all_that_begins_with_it(
    contents: dict[bytes, dict[str, int]], prefix: bytes, block: int
) -> None:
    with mock.patch.object(export_file, "_BLOCK_TEXT", block):
        file = ExportFile(pack("p", RELEASES, contents))

    found = [name for name, _ in file.starting_with(prefix)]

    assert found == sorted(name for name in contents if name.startswith(prefix))


def test_exports_say_which_library_of_which_release() -> None:
    exports = ExportFile(pack("p", RELEASES, EXPORTS)).lookup([b"_ZN5torch3barEv"])[
        b"_ZN5torch3barEv"
    ]

    assert exports == Exports((("libtorch_cpu.so", 0b111), ("libtorch_cuda.so", 0b001)))
    assert exports.releases == 0b111
    assert exports.libraries(0) == ("libtorch_cpu.so", "libtorch_cuda.so")
    assert exports.libraries(2) == ("libtorch_cpu.so",)
    assert export_file.NOWHERE.releases == 0


@pytest.mark.usefixtures("small_blocks")
def test_a_question_unpacks_only_the_blocks_that_it_falls_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = ExportFile(pack("p", RELEASES, EXPORTS))
    unpack = mock.Mock(wraps=export_file._unpack)
    monkeypatch.setattr(export_file, "_unpack", unpack)

    file.lookup([b"_ZN3c103fooEi", b"_ZN3c103fooEi"])
    file.lookup([b"_ZN3c103fooEi", b"A name before all others"])

    assert unpack.call_count == 1


def test_equal_contents_have_equal_bytes() -> None:
    turned = dict(reversed(EXPORTS.items()))

    assert pack("p", RELEASES, EXPORTS) == pack("p", RELEASES, turned)


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(IndexFileError, match="does not begin with the magic bytes"):
        ExportFile(b"PK\3\4" + bytes(40))


def test_a_later_format_is_refused_by_its_number() -> None:
    data = bytearray(pack("p", RELEASES, EXPORTS))
    struct.pack_into("<H", data, 8, 2)

    with pytest.raises(IndexFileError, match=r"format 2; this version reads format 1"):
        ExportFile(bytes(data))


@pytest.mark.usefixtures("small_blocks")
def test_a_file_cut_short_anywhere_is_refused() -> None:
    data = pack("p", RELEASES, EXPORTS)

    for length in range(len(data)):
        with pytest.raises(IndexFileError):
            ExportFile(data[:length])
    with pytest.raises(IndexFileError, match="instead of"):
        ExportFile(data + b"\0")


@pytest.mark.usefixtures("small_blocks")
def test_a_byte_changed_anywhere_is_noticed_or_changes_no_answer() -> None:
    data = pack("p", RELEASES, EXPORTS)
    answer = dict(ExportFile(data).names())

    noticed = 0
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :]
        try:
            assert dict(ExportFile(changed).names()) == answer
        except IndexFileError:
            noticed += 1
    assert noticed > len(data) * 9 // 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header: header.pop("releases"), "releases"),
        (lambda header: header["patterns"].append([[99, 1]]), "index out of range"),
        (lambda header: header["releases"][0].pop("cuda"), "cuda"),
        (lambda header: header.update(patterns=[]), "does not match its own counts"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(
    change: Callable[[dict[str, Any]], None], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pack("p", RELEASES, EXPORTS)
    start, length = export_file._START.size, export_file._START.unpack_from(data)[2]
    header = dict(export_file._header(data[start : start + length]))
    change(header)
    monkeypatch.setattr(export_file, "_header", lambda _: header)

    with pytest.raises(IndexFileError, match=message):
        dict(ExportFile(data).names())
