"""What is at a path, positioned reads of files that are not kept open, and ``pyvenv.cfg``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.sources.files.place import NOTHING, Place, is_directory, place, real_path
from torch_abi_audit.sources.files.readable import PathReadable
from torch_abi_audit.sources.installed.virtual_environment import configuration

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_one_by_whatever_path(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    (tmp_path / "link").symlink_to(file)
    (tmp_path / "hard").hardlink_to(file)
    status = file.stat()
    for name in ("file", "link", "hard"):
        assert place(str(tmp_path / name)) == Place((status.st_dev, status.st_ino))
    assert real_path(str(tmp_path / "link")) == str(file.resolve())


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert place(str(tmp_path)) == Place(other=True)
    for name in (str(tmp_path / "none"), str(tmp_path / "dangling"), "a\0b", ""):
        assert place(name) == NOTHING
    assert is_directory(str(tmp_path))
    assert not is_directory(str(tmp_path / "none"))
    assert real_path("a\0b") == "a\0b"


def test_a_file_is_read_without_being_kept_open(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    source = PathReadable(str(file))
    assert (source.size, source.read_at(3, 4), source.read_at(8, 9)) == (10, b"3456", b"89")
    file.unlink()
    with pytest.raises(FileNotFoundError):
        source.read_at(0, 1)
    with pytest.raises(OSError, match="regular"):
        PathReadable(str(tmp_path))


def test_the_home_of_a_virtual_environment(tmp_path: Path) -> None:
    assert configuration(str(tmp_path)) == {}
    text = "home = C:\\Python311\nversion_info=3.11\nnothing\n"
    (tmp_path / "pyvenv.cfg").write_text(text)
    assert configuration(str(tmp_path)) == {"home": "C:\\Python311", "version_info": "3.11"}
