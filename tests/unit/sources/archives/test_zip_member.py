from __future__ import annotations

import os
import struct
import zipfile
import zlib
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.installs import ELF, contents, relatives, wheel
from tests.support.wheel_damage import LIBRARY, NOISE, central, data_of, errors, failure, patch
from torch_abi_audit.model.errors import AuditError, FormatError
from torch_abi_audit.sources import resolve
from torch_abi_audit.sources.archives import zip_member
from torch_abi_audit.sources.archives.wheel import wheel as opened
from torch_abi_audit.sources.files.readable import BytesReadable, open_readable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_stored_member_is_read_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(tmp_path, {})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as zipped:
        zipped.writestr("demo/_C.so", LIBRARY)
        zipped.writestr("demo/z.so", ELF)
    monkeypatch.setattr(zip_member, "BytesReadable", lambda _: pytest.fail("copied to memory"))
    candidate = opened(str(path)).candidates[0]
    with candidate.open() as source:
        assert source.size == len(LIBRARY)
        assert source.read_at(0, len(LIBRARY) + 100) == LIBRARY
        assert source.read_at(70, 10) == LIBRARY[70:80]
        assert source.read_at(len(LIBRARY), 10) == b""
        assert source.read_at(len(LIBRARY) + 5, 10) == b""


def test_a_large_member_is_spilled_to_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_member, "MEMORY_LIMIT", 1000)
    monkeypatch.setattr(zip_member, "BytesReadable", lambda _: pytest.fail("kept in memory"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))
    candidate = opened(str(wheel(tmp_path, {"demo/_C.so": LIBRARY}))).candidates[0]
    with candidate.open() as source:
        assert source.size == len(LIBRARY)
        assert source.read_at(0, source.size) == LIBRARY
        assert os.name == "nt" or list(spill.iterdir()) == []  # it has no name to open it by
    assert list(spill.iterdir()) == []


def test_inflating_in_many_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_member, "_CHUNK", 7)
    data = ELF + bytes(5000) + NOISE[:500] + b"ab" * 1000
    candidate = opened(str(wheel(tmp_path, {"demo/_C.so": data}))).candidates[0]
    assert contents(candidate) == data


def test_a_wrong_checksum(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/_C.so": LIBRARY})
    patch(path, central(path, "demo/_C.so") + 16, b"\0\0\0\0")
    assert "checksum" in failure(opened(str(path)))


def test_a_wrong_checksum_of_a_stored_member(tmp_path: Path) -> None:
    path = wheel(tmp_path, {})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as zipped:
        zipped.writestr("demo/_C.so", LIBRARY)
    start, _ = data_of(path, "demo/_C.so")
    patch(path, start + 1000, b"\xff\x00\xff")
    assert "checksum" in failure(opened(str(path)))


def test_damaged_compressed_data(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/_C.so": ELF + bytes(range(256)) * 300})
    start, size = data_of(path, "demo/_C.so")
    patch(path, start + size // 2, b"\xff" * (size // 2))
    assert "the member's compressed data is" in failure(opened(str(path)))
    patch(path, start, b"\xff" * size)
    found = opened(str(path))
    assert "damaged" in errors(found)["demo/_C.so"]
    assert found.candidates == ()


def test_packed_data_that_end_early(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/_C.so": LIBRARY})
    at = central(path, "demo/_C.so")
    _, size = data_of(path, "demo/_C.so")
    patch(path, at + 20, struct.pack("<I", size - 100))
    assert "cut short" in failure(opened(str(path)))
    patch(path, at + 20, struct.pack("<I", 10))
    assert "cut short" in errors(opened(str(path)))["demo/_C.so"]


@pytest.mark.parametrize("off_by", [-1, 1, -len(NOISE), 1 << 20])
def test_declared_and_actual_size_must_agree(tmp_path: Path, off_by: int) -> None:
    path = wheel(tmp_path, {"demo/_C.so": LIBRARY})
    at = central(path, "demo/_C.so")
    patch(path, at + 24, struct.pack("<I", len(LIBRARY) + off_by))
    assert "does not unpack to" in failure(opened(str(path)))


def test_nothing_is_inflated_far_beyond_the_declared_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(tmp_path, {"demo/_C.so": ELF + bytes(30 << 20)})
    patch(path, central(path, "demo/_C.so") + 24, struct.pack("<I", 1000))
    candidate = opened(str(path)).candidates[0]
    inflated = 0
    inflate = zip_member._inflate

    def counting(inflater: zlib._Decompress, packed: bytes, limit: int) -> bytes:
        nonlocal inflated
        piece = inflate(inflater, packed, limit)
        inflated += len(piece)
        return piece

    monkeypatch.setattr(zip_member, "_inflate", counting)
    with pytest.raises(FormatError), candidate.open():
        pass
    assert inflated == 1001


@pytest.mark.parametrize(
    ("size", "packed", "words"),
    [
        ((8 << 30) + 1, 1 << 31, "more than 8 GiB"),
        ((64 << 20) + 1, 60_000, "implausibly compressed"),
    ],
)
def test_bombs_are_refused_by_what_they_declare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, packed: int, words: str
) -> None:
    monkeypatch.setattr(zlib, "decompressobj", lambda *_: pytest.fail("inflated"))
    bomb = zip_member.Member(b"demo/_C.so", 0, 1 << 40, 8, packed, size, 0)
    assert words in str(zip_member.refusal(bomb))
    with (
        pytest.raises(FormatError, match=words),
        zip_member.open_member(partial(open_readable, wheel(tmp_path, {"demo/_C.so": ELF})), bomb),
    ):
        pass


def test_a_real_bomb(tmp_path: Path) -> None:
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped,
        zipped.open("demo/_C.so", "w") as bomb,
    ):
        bomb.write(ELF)
        for _ in range(65):
            bomb.write(bytes(1 << 20))
    assert path.stat().st_size < 100_000
    assert "implausibly compressed" in errors(opened(str(path)))["demo/_C.so"]


def test_a_member_that_contains_the_next(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/a.so": LIBRARY, "demo/b.so": LIBRARY})
    _, size = data_of(path, "demo/a.so")
    patch(path, central(path, "demo/a.so") + 20, struct.pack("<I", size + 40))
    found = opened(str(path))
    assert relatives(found) == ["demo/b.so"]
    assert "overlap" in errors(found)["demo/a.so"]


def test_a_local_header_that_disagrees(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/a.so": LIBRARY, "demo/b.so": LIBRARY})
    start, _ = data_of(path, "demo/a.so")
    patch(path, start - 1, b"x")
    assert "a different name" in errors(opened(str(path)))["demo/a.so"]
    patch(path, start - len("demo/a.so") - 30, b"no")
    assert "no local header" in errors(opened(str(path)))["demo/a.so"]


def test_a_local_header_beyond_the_end(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/a.so": LIBRARY})
    patch(path, central(path, "demo/a.so") + 42, struct.pack("<I", 0x7FFFFFFF))
    assert "outside the archive" in errors(opened(str(path)))["demo/a.so"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_methods_are_said(tmp_path: Path, method: int) -> None:
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", method) as zipped:
        zipped.writestr("demo/_C.so", LIBRARY)
    assert errors(opened(str(path)))["demo/_C.so"] == (
        f"the member's compression method {method} is not supported"
    )


def test_a_stored_member_of_two_sizes(tmp_path: Path) -> None:
    path = wheel(tmp_path, {})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as zipped:
        zipped.writestr("demo/_C.so", LIBRARY)
    patch(path, central(path, "demo/_C.so") + 24, struct.pack("<I", 10))
    assert "stored in" in errors(opened(str(path)))["demo/_C.so"]


def test_head_of_a_member_cut_in_its_header() -> None:
    bare = zip_member.Member(b"x", 0, 100, 8, 10, 10, 0)
    with pytest.raises(FormatError, match="outside the archive"):
        zip_member.head(BytesReadable(b"PK\x03\x04"), bare, 10)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    directory = tmp_path_factory.mktemp("mutations")
    path = wheel(directory, {"demo/a.so": LIBRARY[:2000], "demo/b.so": ELF, "demo/x.py": b""})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as zipped:
        zipped.writestr("demo/c.so", ELF)
    whole = path.read_bytes()

    def fresh() -> Path:
        path.write_bytes(whole)
        return path

    return fresh


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_no_mutation_ends_in_another_error(
    pristine: Callable[[], Path], data: st.DataObject
) -> None:
    path = pristine()
    size = path.stat().st_size
    for _ in range(data.draw(st.integers(1, 4))):
        patch(
            path, data.draw(st.integers(0, size - 1)), data.draw(st.binary(min_size=1, max_size=4))
        )
    originals = {"demo/a.so": LIBRARY[:2000], "demo/b.so": ELF, "demo/c.so": ELF}
    try:
        found = resolve(str(path))
        for candidate in found.candidates:
            if candidate.relative in originals:
                assert contents(candidate) == originals[candidate.relative]
            else:
                contents(candidate)
    except AuditError:
        pass
