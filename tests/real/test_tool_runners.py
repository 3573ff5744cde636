"""``uv`` itself runs the program: which environment an audit is about."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import torch_abi_audit
from tests.support.installs import install
from tests.support.sources import source
from tests.support.toolchain import gcc
from tests.support.wheels import fetch
from torch_abi_audit.sources.installed import interpreters

if TYPE_CHECKING:
    from collections.abc import Sequence

    Done = subprocess.CompletedProcess[str]

UV = "uv==0.13.9"
OWN = "holds only this program and what it requires: select the one to audit with --python PATH"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="runs a build of uv for Linux"
)


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("uv")
    with zipfile.ZipFile(fetch(UV, "manylinux_2_17_x86_64")) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/scripts/uv"))
        program = Path(archive.extract(name, where))
    program.chmod(0o755)
    return program


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as a wheel without requirements: an audit of an environment needs none."""
    path = tmp_path_factory.mktemp("wheel") / "torch_abi_audit-0.1.0-py3-none-any.whl"
    home = Path(torch_abi_audit.__file__).parent
    info = "torch_abi_audit-0.1.0.dist-info"
    texts = {
        "METADATA": "Metadata-Version: 2.1\nName: torch-abi-audit\nVersion: 0.1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": "[console_scripts]\ntorch-abi-audit = torch_abi_audit.cli:program\n",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in home.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, f"{home.name}/{file.relative_to(home)}")
        for name, text in texts.items():
            archive.writestr(f"{info}/{name}", text)
        lines = [*archive.namelist(), f"{info}/RECORD"]
        archive.writestr(f"{info}/RECORD", "".join(f"{line},,\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, uv: Path) -> Path:
    """A project with a package in the ``.venv`` that uv made."""
    where = tmp_path_factory.mktemp("project")
    command = [str(uv), "venv", "-q", "--offline", "--python", sys.executable, str(where / ".venv")]
    subprocess.run(command, check=True)
    (site,) = interpreters.interpreter(str(where / ".venv")).sites
    library = gcc(source(["_PyObject_GetDictPtr"]), where / "built.so").read_bytes()
    install(Path(site), "mypkg", {"mypkg/_C.abi3.so": library, "mypkg/__init__.py": ""})
    return where


def run(
    uv: Path, words: Sequence[object], cache: Path, cwd: Path, *tail: str, **environment: str
) -> Done:
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("UV_", "PIP_", "PYTHON", "VIRTUAL_ENV", "CONDA"))
    }
    command = [uv, *words, "torch-abi-audit", "--env", "--all", *tail]
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=kept | {"UV_CACHE_DIR": str(cache)} | environment,
    )


def tool_run(wheel: Path, *more: object) -> list[object]:
    common = ["-q", "--offline", "--no-index", "--no-config", "--python", sys.executable]
    return ["tool", "run", *common, *more, "--from", wheel]


def test_its_own_throw_away_environment_is_no_answer(uv: Path, wheel: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for words in (tool_run(wheel), tool_run(wheel, "--isolated")):
        done = run(uv, words, tmp_path / "SOMEWHERE", empty, "--check", "all")
        assert done.returncode == 2, done.stderr
        assert OWN in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize("cwd", ["project", "elsewhere"])
def test_the_environment_of_the_project_is_meant(
    cwd: str, uv: Path, wheel: Path, project: Path, tmp_path: Path
) -> None:
    there = project / ".venv"
    below = project / "deep" / "down"
    below.mkdir(parents=True, exist_ok=True)
    place, set_ = (below, {}) if cwd == "project" else (tmp_path, {"VIRTUAL_ENV": str(there)})
    done = run(uv, tool_run(wheel), tmp_path / "cache", place, "--check", "abi3", **set_)
    assert done.returncode == 1, done.stderr
    assert f"environment {there} (select another with --python)" in done.stderr
    assert "mypkg: 1 library outside of the CPython Stable ABI" in done.stderr
    by_option = run(uv, tool_run(wheel), tmp_path / "cache", tmp_path, "--python", str(there))
    assert (by_option.returncode, by_option.stderr) == (0, "")
    assert "mypkg" in by_option.stdout


def test_uv_run_adds_the_program_to_the_environment_of_the_project(
    uv: Path, wheel: Path, project: Path, tmp_path: Path
) -> None:
    words = ["run", "-q", "--offline", "--no-index", "--no-config", "--no-project"]
    done = run(uv, [*words, "--with", wheel], tmp_path / "cache", project, "--check", "abi3")
    assert done.returncode == 1, done.stderr
    assert f"environment {project / '.venv'} " in done.stderr


def test_an_installed_tool(uv: Path, wheel: Path, tmp_path: Path) -> None:
    homes = {name: str(tmp_path / name) for name in ("UV_TOOL_DIR", "UV_TOOL_BIN_DIR")}
    command = ["tool", "install", "-q", "--offline", "--no-index", "--no-config"]
    subprocess.run(
        [str(uv), *command, "--python", sys.executable, str(wheel)],
        check=True,
        env=os.environ | homes | {"UV_CACHE_DIR": str(tmp_path / "cache")},
    )
    program = shutil.which("torch-abi-audit", path=homes["UV_TOOL_BIN_DIR"])
    assert program is not None
    kept = {key: each for key, each in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(
        [program, "--env"], capture_output=True, text=True, check=False, cwd=tmp_path, env=kept
    )
    assert done.returncode == 2
    assert OWN in done.stderr
