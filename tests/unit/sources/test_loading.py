"""Files that stay open for a simulated process, which may have more of them than a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources import loading

if TYPE_CHECKING:
    from pathlib import Path


def test_more_files_than_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_MOST_OPEN", 4)
    monkeypatch.setattr(loading, "_open", {})
    files = []
    for number in range(20):
        path = tmp_path / str(number)
        path.write_bytes(b"%03d" % number)
        files.append(loading.open_library(str(path)))
        assert len(loading._open) <= 4
    for _ in range(2):
        assert [int(file.read_at(0, 3)) for file in files] == list(range(20))
    assert len(loading._open) == 4


def test_a_file_that_was_replaced_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_MOST_OPEN", 1)
    monkeypatch.setattr(loading, "_open", {})
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    first = loading.open_library(str(one))
    second = loading.open_library(str(other))
    one.rename(tmp_path / "moved")
    with pytest.raises(FormatError, match="can no longer be read"):
        first.read_at(0, 1)
    one.write_bytes(b"3")
    with pytest.raises(FormatError, match="was replaced"):
        first.read_at(0, 1)
    assert second.read_at(0, 1) == b"2"


def test_a_path_that_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        loading.open_library(f"{tmp_path}/a\0b")
    assert not loading.is_directory("a\0b")
    assert loading.contents("a\0b", 1) is None
    assert loading.contents(str(tmp_path), 1) is None
