"""``--fix`` in a project, from a compiled wheel to the patch and the file."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

SHIM = "torch_call_dispatcher"  # since torch 2.10
PROJECT = """\
# the demo
[build-system]
requires = ["setuptools", "torch"]

[project]
name = "Demo"
dependencies = [
    "numpy",  # arrays
    "torch >= 2.7, < 3",  # the one
]

[project.optional-dependencies]
dev = ["torch", "pytest"]
"""
PATCH = """\
--- pyproject.toml
+++ pyproject.toml
@@ -6,7 +6,7 @@
 name = "Demo"
 dependencies = [
     "numpy",  # arrays
-    "torch >= 2.7, < 3",  # the one
+    "torch >= 2.10, < 3",  # the one
 ]
BLANK
 [project.optional-dependencies]
""".replace("BLANK", " ")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fix") / "_C.abi3.so"
    return gcc(source([SHIM], exports=["PyInit__C"]), path, "-nostdlib")


@pytest.fixture
def wheel(tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A wheel of the project ``demo``, beside its empty directory, in which the test stands."""
    name = "demo-1.0-cp310-abi3-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.write(library, "demo/_C.abi3.so")
        archive.writestr(
            "demo-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: torch<3,>=2.7\n",
        )
        archive.writestr("demo-1.0.dist-info/RECORD", "")
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    monkeypatch.chdir(project)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return f"../{name}"


def write(text: str, name: str = "pyproject.toml") -> None:
    with open(name, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - newlines as given
        file.write(text)


def read() -> str:
    with open("pyproject.toml", encoding="utf-8", newline="") as file:  # noqa: PTH123 - likewise
        return file.read()


def test_a_patch_is_shown_and_then_applied(wheel: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(PROJECT)
    assert main(["--fix", wheel]) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (PATCH, "")
    assert read() == PROJECT
    assert main(["--fix", "--write", wheel]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        "torch-abi-audit: pyproject.toml: 'torch >= 2.7, < 3' is now 'torch >= 2.10, < 3'\n"
    )
    assert read() == PROJECT.replace("2.7", "2.10")
    assert main(["--fix", wheel]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "nothing to do: the requirement on torch fits the binaries" in shown.err


def test_a_library_that_cannot_be_read(wheel: str, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("demo/_D.abi3.so", b"")
    write(PROJECT)
    assert main([wheel, "--fix", "--write"]) == 2
    assert "demo/_D.abi3.so: what it needs is not known: empty file" in capsys.readouterr().err
    assert read() == PROJECT


def test_a_file_without_a_newline_at_its_end(
    wheel: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write('project.name = "demo"\r\nproject.dependencies = ["torch"]')
    assert main(["--fix", wheel]) == 1
    assert capsys.readouterr().out.splitlines()[-4:] == [
        '-project.dependencies = ["torch"]',
        "\\ No newline at end of file",
        '+project.dependencies = ["torch>=2.10"]',
        "\\ No newline at end of file",
    ]
    assert main(["-q", "--fix", "--write", wheel]) == 0
    assert capsys.readouterr().err == ""
    assert read() == 'project.name = "demo"\r\nproject.dependencies = ["torch>=2.10"]'


def test_a_requirement_in_another_file(wheel: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = '[project]\nname = "demo"\ndynamic = ["dependencies"]\n'
    write(text)
    write("[options]\ninstall_requires =\n    numpy\n    torch>=2.7\n", "setup.cfg")
    assert main(["--fix", "--write", wheel]) == 1
    assert capsys.readouterr().err == (
        "torch-abi-audit: error: setup.cfg:4: 'torch>=2.7' should be 'torch>=2.10'\n"
    )
    assert read() == text
    write("[options]\ninstall_requires =\n    torch>=2.10\n", "setup.cfg")
    assert main(["--fix", wheel]) == 0
    write("[options]\n", "setup.cfg")
    assert main(["--fix", wheel]) == 1
    assert "add 'torch>=2.10' where they are declared" in capsys.readouterr().err


def test_a_decision_for_somebody(wheel: str, capsys: pytest.CaptureFixture[str]) -> None:
    write('[project]\nname = "demo"\ndependencies = [\n  "torch==2.9.0",\n]\n')
    assert main(["--fix", wheel]) == 1
    assert capsys.readouterr().err == (
        "torch-abi-audit: error: pyproject.toml:4: torch==2.9.0: the binaries fit none of the "
        "releases that it admits\n"
    )


def test_another_project(wheel: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--fix", wheel]) == 2
    assert "no pyproject.toml with a name in this directory or above it" in capsys.readouterr().err
    write('[project]\nname = "other"\n')
    assert main(["--fix", wheel]) == 2
    assert capsys.readouterr().err == (
        "torch-abi-audit: error: pyproject.toml is the project 'other', but the targets are "
        "distributions of demo\n"
    )
    write('[project\nname = "other"\n')
    assert main(["--fix", wheel]) == 2
    assert "error: pyproject.toml: " in capsys.readouterr().err


def test_a_target_without_metadata(
    wheel: str, library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wheel
    write(PROJECT)
    assert main(["--fix", str(library)]) == 2
    assert "has no metadata, so it is not known what it requires" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--fix", "--json", "x.whl"], "--fix prints a patch: --json cannot be used with it"),
        (["--fix", "--check", "all", "x.whl"], "--check cannot be used with it"),
        (["--fix", "--env"], "--env cannot be used with it"),
        (["--write", "x.whl"], "--write applies only to --fix"),
    ],
)
def test_what_cannot_be_combined(
    words: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert error in capsys.readouterr().err
