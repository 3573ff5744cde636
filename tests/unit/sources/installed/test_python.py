"""The interpreter of an environment, asked and read without running what is installed there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.installed import python

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("python") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(where)], check=True)
    return where


def test_the_paths_are_those_of_the_interpreter(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    program = venv / "bin" / "python"
    asked = "import sys; print(*sys.path[1:], sep='\\n')"
    real = subprocess.run([program, "-c", asked], capture_output=True, text=True, check=True)
    found = python.asked(str(venv))
    assert list(found.path) == real.stdout.splitlines()
    assert found.executable == os.path.realpath(program)
    assert found.version[:2] == sys.version_info[:2]
    assert found.prefix == str(venv)
    assert python.asked(str(program)) == found


def test_directories_of_pth_files_are_added_and_their_code_is_not_run(venv: Path) -> None:
    (site,) = python.asked(str(venv)).sites
    added = venv / "more"
    added.mkdir()
    trap = venv / "trap"
    pth = venv / os.path.relpath(site, venv) / "more.pth"
    pth.write_text(f"# a note\nimport sys; open({str(trap)!r}, 'w')\n{added}\n{added}/gone\n")
    try:
        assert python.asked(str(venv)).path[-1] == str(added)
        assert not trap.exists()
    finally:
        pth.unlink()


def test_pythonpath_comes_first(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{venv}{os.pathsep}")
    assert python.asked(str(venv)).path[0] == str(venv)


def test_the_environment_around_a_directory(venv: Path) -> None:
    (site,) = python.asked(str(venv)).sites
    found = python.of_directory(site)
    assert found.prefix == str(venv)
    assert found.sites == (site,)


def test_an_interpreter_that_is_seen_is_as_one_that_is_asked(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for home in (str(venv), sys.base_prefix):
        found, real = python.seen(home), python.asked(home)
        assert found is not None
        assert (found.executable, found.prefix) == (real.executable, real.prefix)
        assert (found.version[:2], found.suffixes) == (real.version[:2], real.suffixes)
        assert {*real.path} - {*found.path} <= {*real.sites}  # what .pth files add


def test_the_interpreter_around_a_directory_is_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    program = tmp_path / "bin" / "python"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {trap}\n")
    program.chmod(0o755)
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    (site.parent / "os.py").touch()
    found = python.of_directory(str(site))
    assert (found.prefix, found.sites) == (str(tmp_path), (str(site),))
    assert not trap.exists()
    with pytest.raises(TargetError):
        python.asked(str(tmp_path))
    assert trap.exists()


@pytest.mark.parametrize(
    ("module", "version", "system", "suffixes"),
    [
        ("_C.cp312-win_amd64.pyd", (3, 12), "win32", (".cp312-win_amd64.pyd", ".pyd")),
        ("_C.cpython-310-darwin.so", (3, 10), "darwin", (".cpython-310-darwin.so", ".abi3.so")),
        (
            "_C.cpython-39-aarch64-linux-gnu.so",
            (3, 9),
            "linux",
            (".cpython-39-aarch64-linux-gnu.so", ".abi3.so"),
        ),
    ],
)
def test_torch_says_which_python_a_directory_is_for(
    module: str, version: tuple[int, int], system: str, suffixes: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / module).touch()
    found = python.of_directory(str(tmp_path))
    assert (found.version[:2], found.system) == (version, system)
    assert found.suffixes[:2] == suffixes
    assert bool(found.executable) is (system == sys.platform)


def test_what_is_no_environment(tmp_path: Path) -> None:
    for place in (str(tmp_path), str(tmp_path / "gone")):
        with pytest.raises(TargetError):
            python.asked(place)
    with pytest.raises(TargetError, match="is not a directory"):
        python.of_directory(str(tmp_path / "gone"))
