"""Targets of every kind on the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.index_server import Index, serving
from tests.support.installs import wheel
from tests.support.sources import source
from tests.support.toolchain import gcc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINUX = "manylinux_2_28_x86_64"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    built = gcc(
        source(["torch_call_dispatcher"]),
        tmp_path / "_C.so",
        *("-nostdlib", "-Wl,-rpath,/builds/lib"),
    )
    members = {"demo/_C.abi3.so": built.read_bytes(), "demo/_D.abi3.so": built.read_bytes()}
    with serving(Index()) as index:
        for version in ("1.0", "1.1"):
            name = f"demo-{version}-cp39-abi3-{LINUX}"
            (tmp_path / "dist").mkdir(exist_ok=True)
            index.add("demo", wheel(tmp_path / "dist", members, name=name))
        yield index


def run(index: Index, tmp_path: Path, *words: object) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    told = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index.url,
        "PIP_RETRIES": "0",
        "TORCH_ABI_AUDIT_CACHE": str(tmp_path / "cache"),
    }
    return subprocess.run(
        [sys.executable, "-m", "torch_abi_audit", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **told},
        cwd=tmp_path,
    )


def test_a_wheel_of_an_index(index: Index, tmp_path: Path) -> None:
    done = run(index, tmp_path, "pypi:demo", "--platform", LINUX)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Package: demo\n  Root: pypi:demo-1.1-cp39-abi3-{LINUX}.whl\n")
    # one line for each fact, worst first
    assert done.stdout.endswith(
        "  -- findings --\n"
        "    error   M302 torch-floor-too-low: `torch` admits torch 1.7.1 to 2.9.1, but the "
        "binaries need at least 2.10.0; declare `torch>=2.10`\n"
        "    warning L405 absolute-rpath: looks for libraries in /builds/lib: 2 libraries "
        "(demo/_C.abi3.so and demo/_D.abi3.so)\n"
    )


def test_every_release_and_a_summary(index: Index, tmp_path: Path) -> None:
    done = run(index, tmp_path, "pypi:demo", "--history", "--platform", "linux_x86_64")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Package: demo\n") == 2
    assert done.stdout.endswith("\nSummary: 2 packages: 2 STABLE; findings: 2 errors, 4 warnings\n")


def test_a_directory_of_wheels_beside_what_is_not_there(index: Index, tmp_path: Path) -> None:
    done = run(index, tmp_path, "dist", "pypi:other")
    assert done.returncode == 2
    assert "Summary: 3 packages: 1 ERROR, 2 STABLE; " in done.stdout
    assert done.stderr.startswith("torch-abi-audit: error: there is no project other on http://")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--history", "demo"], "--history applies only to pypi: targets"),
        (["--platform", "x", "demo"], "--platform applies only to pypi: targets"),
        (
            ["--python-version", "three", "pypi:demo"],
            "--python-version takes a version such as 3.12",
        ),
        (["--all-platforms", "--platform", "x", "pypi:demo"], "cannot be used together"),
        (["--python", "x", "--site-packages", "y"], "cannot be used together"),
    ],
)
def test_wrong_usage(index: Index, tmp_path: Path, words: list[str], sentence: str) -> None:
    done = run(index, tmp_path, *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert index.requests == []
