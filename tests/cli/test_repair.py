"""``repair`` on the command line: complete outputs, and what ``explain --with`` adds."""

from __future__ import annotations

import json
import os
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.support.installs import wheel
from tests.support.snapshots import matches
from tests.support.toolchain import gcc
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

NAME = "demo-1.0-cp311-abi3-linux_x86_64"
FAILED = 'Cannot repair wheel, because required library "libc10.so" could not be located'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a wheel: an extension linked to torch, CUDA's runtime and a library."""
    root = tmp_path_factory.mktemp("project")
    names = ("libc10.so", "libtorch_cpu.so", "libcudart.so.13", "libjpeg.so.8")
    for name in names:
        gcc("", root / "lib" / name, f"-Wl,-soname,{name}")
    links = ["-Wl,--no-as-needed", f"-L{root / 'lib'}", *(f"-l:{name}" for name in names)]
    library = gcc("int f(void) { return 0; }", root / "_C.abi3.so", *links)
    (root / "dist").mkdir()
    wheel(root / "dist", {"demo/_C.abi3.so": library.read_bytes()}, name=NAME)
    return root


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("repair.txt", ()),
        ("repair.json", ("--json",)),
        ("repair.md", ("--markdown",)),
        ("repair.toml", ("--format", "cibuildwheel")),
    ],
)
def test_whole_outputs(
    project: Path,
    name: str,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(project)
    assert main(["repair", f"dist/{NAME}.whl", *words]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    matches(name, printed.out.replace(str(project.resolve()), "/project"))
    if name.endswith("toml"):
        table = tomllib.loads(printed.out)["tool"]["cibuildwheel"]["linux"]
        assert "--exclude libc10.so" in table["repair-wheel-command"]


def test_the_wheel_is_named_as_it_was_typed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    for target in ("dist", "./dist/", f"./dist/{NAME}.whl"):
        assert main(["repair", target, "--json"]) == 0
        (one,) = json.loads(capsys.readouterr().out)["packages"]
        last = one["repairs"][0]["command"].rpartition(" ")[2]
        assert (os.path.normpath(last), last[:2] == "./") == (
            f"dist/{NAME}.whl",
            target[:2] == "./",
        )


def test_a_build_tree_and_a_library(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for target in (project, project / "_C.abi3.so"):
        assert main(["repair", str(target / "dist" / ".." if target.is_dir() else target)]) == 0
        assert "dist/*.whl\n" in capsys.readouterr().out


def test_explain_gives_the_command_of_the_wheel(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", FAILED, "--with", str(project / "dist" / f"{NAME}.whl")]) == 0
    out = capsys.readouterr().out
    assert "repair it with auditwheel 6.0 or later: auditwheel repair --exclude libc10.so" in out
    assert "--exclude libcudart.so.13 dist/*.whl" in out
    assert "auditwheel must find libjpeg.so.8" in out


def test_an_unknown_target_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repair", "./nowhere"]) == 2
    assert "no such file or directory: ./nowhere" in capsys.readouterr().err


def test_a_library_that_cannot_be_read_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "_C.so").touch()
    assert main(["repair", str(tmp_path)]) == 2
    assert "_C.so could not be read" in capsys.readouterr().out
