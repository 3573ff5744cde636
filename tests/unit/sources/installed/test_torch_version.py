"""The torch version in a word, and the version of an installed torch."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.installs import write
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.installed.torch_version import (
    TorchVersion,
    importable,
    named,
    place,
    stated,
)

if TYPE_CHECKING:
    from pathlib import Path

PUBLISHED = """\
from typing import Optional

__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip', 'xpu']
__version__ = '2.12.1+cu126'
debug = False
cuda: Optional[str] = '12.6'
git_version = '0123'
hip: Optional[str] = None
"""
FOUND = TorchVersion("2.12.1", "+cu126", "12.6")


@pytest.mark.parametrize(
    ("word", "version"),
    [
        ("2.13", TorchVersion("2.13.0", known_build=False)),
        ("2.13.1", TorchVersion("2.13.1", known_build=False)),
        ("torch==2.13.0", TorchVersion("2.13.0", known_build=False)),
        ("torch2.13", TorchVersion("2.13.0", known_build=False)),
        ("2.13.0+cpu", TorchVersion("2.13.0", "+cpu")),
        ("2.13.0+cu130", TorchVersion("2.13.0", "+cu130", "13.0")),
        ("2.4.0+cu92", TorchVersion("2.4.0", "+cu92", "9.2")),
        ("2.13.0+rocm6.2", TorchVersion("2.13.0", "+rocm6.2")),
        ("2.14.0a0+git0123", TorchVersion("2.14.0", "a0+git0123", known_build=False)),
        ("2.14.0.dev20260101+cu130", TorchVersion("2.14.0", ".dev20260101+cu130", "13.0")),
    ],
)
def test_a_word_that_names_one(word: str, version: TorchVersion) -> None:
    assert named(word) == version


@pytest.mark.parametrize("word", ["", "2", "banana", ">=2.10", "2.10,<2.12", "2.x", "torch"])
def test_a_word_that_names_none(word: str) -> None:
    assert named(word) is None


def test_an_installed_torch_and_a_wheel_of_it_say_the_same(tmp_path: Path) -> None:
    write(tmp_path / "site" / "torch" / "version.py", PUBLISHED)
    for path in (tmp_path / "site", tmp_path / "site" / "torch"):
        assert place(str(path)) == str(tmp_path / "site" / "torch")
        assert stated(place(str(path))) == FOUND
    with zipfile.ZipFile(tmp_path / "torch.whl", "w") as archive:
        archive.writestr("torch/version.py", PUBLISHED)
    assert stated(place(str(tmp_path / "torch.whl"))) == FOUND
    assert FOUND.text == "2.12.1+cu126"


def test_the_first_of_a_search_path_is_found(tmp_path: Path) -> None:
    write(tmp_path / "second" / "torch" / "version.py", PUBLISHED)
    write(tmp_path / "third" / "torch" / "version.py", "__version__ = '2.4.0'")
    (tmp_path / "first" / "torch").mkdir(parents=True)
    path = [str(tmp_path / each) for each in ("gone", "first", "second", "third")]
    assert importable(path) == FOUND
    assert importable(path[3:]) == TorchVersion("2.4.0")
    assert importable(path[:2]) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "is neither a torch directory nor a torch wheel"),
        ("cuda = '12.6'", "no __version__ in version.py"),
    ],
)
def test_what_is_no_torch(text: str | None, reason: str, tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    if text is not None:
        write(tmp_path / "torch" / "version.py", text)
    with pytest.raises(TargetError, match=reason):
        stated(str(tmp_path / "torch"))


def test_a_version_file_of_a_wheel_is_bounded(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "torch.whl", "w") as archive:
        archive.writestr("torch/version.py", PUBLISHED + "#" * (1 << 16))
    with pytest.raises(TargetError, match="too large"):
        stated(str(tmp_path / "torch.whl"))
