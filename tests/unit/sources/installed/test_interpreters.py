from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.installs import install
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.installed import interpreters


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("other") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(where)], check=True)
    return where


def test_an_environment_is_asked_for_its_paths(venv: Path) -> None:
    by_directory = interpreters.interpreter(str(venv))
    by_program = interpreters.interpreter(str(venv / "bin" / "python"))
    assert by_directory == by_program
    assert len(by_directory.sites) == 1
    assert by_directory.sites[0].startswith(str(venv))
    assert by_directory.sites[0] in by_directory.path
    assert os.path.realpath(by_directory.prefix) == os.path.realpath(venv)


def test_it_is_asked_in_isolated_mode(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (venv / "json.py").write_text("raise SystemExit('imported')")
    monkeypatch.setenv("PYTHONPATH", str(venv))
    monkeypatch.chdir(venv)
    assert str(venv) not in interpreters.interpreter(str(venv)).path


@pytest.mark.parametrize("place", ["empty", "no/such/python", "true"])
def test_what_is_no_interpreter(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TargetError):
        interpreters.interpreter("/bin/true" if place == "true" else str(tmp_path / place))


@pytest.mark.slow
def test_the_command_looks_there(venv: Path) -> None:
    (site,) = interpreters.interpreter(str(venv)).sites
    install(Path(site), "over_there", {"over_there/__init__.py": "raise SystemExit"})
    command = [sys.executable, "-m", "torch_abi_audit"]
    named = subprocess.run(
        [*command, "--python", str(venv), "over_there"], capture_output=True, text=True, check=False
    )
    assert named.returncode == 0, named.stderr
    assert f"Root: {site}/over_there" in named.stdout
    without = subprocess.run([*command, "over_there"], capture_output=True, text=True, check=False)
    assert without.returncode == 2
    whole = subprocess.run(
        [*command, "--python", str(venv / "bin" / "python")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"no compiled libraries found in {site}" in whole.stdout
