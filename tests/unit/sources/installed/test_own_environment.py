from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.installs import install
from torch_abi_audit.sources.installed import own_environment

if TYPE_CHECKING:
    from pathlib import Path

UV = "home = /usr/bin\nuv = 0.13.9\nversion_info = 3.11.7\n"
"""As ``uv tool run`` and ``uv venv`` write it."""
PLAIN = "home = /usr/bin\nversion = 3.11.7\n"


def environment(where: Path, configuration: str = PLAIN, *files: str) -> Path:
    where.mkdir(parents=True)
    (where / "pyvenv.cfg").write_text(configuration)
    for name in files:
        (where / name).touch()
    return where


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A working directory without an environment."""
    where = tmp_path / "project" / "deep"
    where.mkdir(parents=True)
    return where


RUNNERS = [
    ("pipx/venvs/torch-abi-audit", PLAIN, ()),
    ("home/.cache/653e43c8712ef23", UV, ("pipx_metadata.json",)),
    ("share/uv/tools/torch-abi-audit", UV, ()),
    ("elsewhere/torch-abi-audit", UV, ("uv-receipt.toml",)),
    (".cache/uv/archive-v0/LHradLSQ1m8eq8Fl", UV, ()),
    ("SOMEWHERE/archive-v0/LHradLSQ1m8eq8Fl", UV, ()),
    ("SOMEWHERE/archive-v1/LHradLSQ1m8eq8Fl", UV, ()),
    ("SOMEWHERE/environments-v2/torch-abi-audit-1a2b", UV, ()),
    ("SOMEWHERE/builds-v0/.tmpQbzFM4", UV, ()),
]
ORDINARY = [
    ("project/.venv", UV, ()),
    ("project/archive-v0/.venv/x/y", UV, ()),
    ("project/archive-v0/env", PLAIN, ()),
    ("project/archive-vague/env", UV, ()),
    ("uv/project/env", UV, ()),
]


@pytest.mark.parametrize(("place", "configuration", "files"), RUNNERS)
def test_an_environment_that_a_runner_made(
    place: str,
    configuration: str,
    files: tuple[str, ...],
    tmp_path: Path,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = environment(tmp_path / place, configuration, *files)
    there = str(environment(tmp_path / "there"))
    monkeypatch.setattr(sys, "prefix", str(own))
    assert own_environment.is_of_a_runner()
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        assert own_environment.meant({name: there}, str(here)) == there
        assert own_environment.meant({name: str(own)}, str(here)) is None
        assert own_environment.meant({name: str(tmp_path / "gone")}, str(here)) is None
    assert own_environment.meant({}, str(here)) is None
    beside = str(environment(here.parent / ".venv"))
    assert own_environment.meant({}, str(here)) == beside
    assert own_environment.meant({"VIRTUAL_ENV": there}, str(here)) == there


@pytest.mark.parametrize(("place", "configuration", "files"), ORDINARY)
def test_an_environment_that_a_user_made(
    place: str,
    configuration: str,
    files: tuple[str, ...],
    tmp_path: Path,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = environment(tmp_path / place, configuration, *files)
    there = str(environment(tmp_path / "there"))
    monkeypatch.setattr(sys, "prefix", str(own))
    assert not own_environment.is_of_a_runner()
    assert own_environment.meant({"VIRTUAL_ENV": there}, str(here)) is None


def test_the_cache_of_uv_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = r"C:\Users\me\AppData\Local\uv\cache\archive-v0\LHradLSQ1m8eq8Fl"
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(own_environment, "configuration", lambda _: {"uv": "0.13.9"})
    assert own_environment.is_of_a_runner()


def test_the_environment_that_uv_run_extends(
    tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``uv run --with`` activates its own, which adds to the project's."""
    project = str(environment(tmp_path / "project" / ".venv"))
    own = tmp_path / "cache" / "builds-v0" / ".tmpQbzFM4"
    environment(own, f"{UV}extends-environment = {project}\n")
    monkeypatch.setattr(sys, "prefix", str(own))
    assert own_environment.meant({"VIRTUAL_ENV": str(own)}, str(here)) == project


def test_a_python_without_an_environment_is_of_no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert not own_environment.is_of_a_runner()


def test_what_is_installed_beside_the_program(tmp_path: Path) -> None:
    def put(name: str, *requires: str) -> None:
        lines = [f"Name: {name}", *(f"Requires-Dist: {one}" for one in requires), ""]
        metadata = {"METADATA": "\n".join(lines)}
        install(tmp_path, name, {f"{name}/__init__.py": ""}, metadata=metadata)

    only = own_environment.holds_only_the_program
    assert not only([str(tmp_path)])
    put("torch_abi_audit", "requests>=2.31", "rich>=13.0", "absent; python_version < '3.14'")
    put("requests", "urllib3<3,>=1.26", "PySocks!=1.5.7; extra == 'socks'")
    put("urllib3")
    put("pip")
    assert only([str(tmp_path)])
    assert only([str(tmp_path), str(tmp_path)])
    assert not only([str(tmp_path), str(tmp_path / "gone")])
    put("numpy")
    assert not only([str(tmp_path)])
