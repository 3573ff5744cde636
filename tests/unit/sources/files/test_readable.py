"""Positioned reads of files: leaving the context closes the file."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from pathlib import Path


def test_reads_by_position_and_closes_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    with open_readable(path) as file:
        assert (file.size, file.is_regular) == (10, True)
        assert (file.read_at(8, 5), file.read_at(2, 3)) == (b"89", b"234")
    with pytest.raises(OSError, match="Bad file descriptor") as refused:
        file.read_at(0, 1)
    assert refused.value.errno == errno.EBADF


def test_closes_when_the_body_fails_and_lets_the_failure_out(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"0")
    with pytest.raises(ZeroDivisionError), open_readable(tmp_path / "x") as file:
        raise ZeroDivisionError
    with pytest.raises(OSError, match="Bad file descriptor"):
        file.read_at(0, 1)


def test_says_that_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_readable(tmp_path / "absent")
