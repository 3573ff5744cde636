from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.sources.files.project import Mention, manifests, mentions, replace

if TYPE_CHECKING:
    from pathlib import Path


def test_manifests_from_here_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "packages" / "demo"
    inner.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    for directory in (inner, tmp_path / "repository", tmp_path):
        (directory / "pyproject.toml").write_text(directory.name, encoding="utf-8")
    assert [one.text for one in manifests(str(inner))] == ["demo", "repository"]


def test_a_file_is_replaced_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "real.toml"
    path.write_bytes("\ufeff# ü\r\nname = 1\r\n".encode())
    path.chmod(0o640)
    link = tmp_path / "pyproject.toml"
    link.symlink_to(path.name)
    (file,) = manifests(str(tmp_path))
    assert file.text == "# ü\r\nname = 1\r\n"
    replace(file, file.text.replace("1", "2"))
    assert path.read_bytes() == "\ufeff# ü\r\nname = 2\r\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["pyproject.toml", "real.toml"]


def test_what_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not UTF-8 text"):
        next(manifests(str(tmp_path)))


def test_lines_that_require_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "setup.cfg").write_text(
        "[options]\ninstall_requires =\n  numpy\n  torch>=2.9 # the one\n  torchvision\n",
        encoding="utf-8",
    )
    (tmp_path / "setup.py").write_text(
        "import torch\nsetup(name='torch-demo', install_requires=['torch >= 2', \"torchaudio\"])\n",
        encoding="utf-8",
    )
    (tmp_path / "deps").mkdir()
    (tmp_path / "deps" / "run.txt").write_text(
        "# torch\ntorch-geometric\ntorch\n", encoding="utf-8"
    )
    assert mentions(".", ["deps/run.txt", "absent.txt"]) == (
        Mention("deps/run.txt", 3, "torch"),
        Mention("setup.cfg", 4, "torch>=2.9"),
        Mention("setup.py", 2, "torch >= 2"),
    )
