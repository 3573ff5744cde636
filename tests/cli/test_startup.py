"""Modules that a common run must not import: each costs as much as reading a small library."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.installs import install
from tests.support.toolchain import gcc

if TYPE_CHECKING:
    from pathlib import Path

FORBIDDEN = (
    *("argparse", "array", "collections", "contextlib", "dataclasses", "enum", "functools"),
    *("importlib", "inspect", "json", "operator", "pathlib", "pickle", "re", "signal", "tomllib"),
    *("types", "typing", "warnings", "packaging", "pycxxfilt", "rich", "tomlkit"),
)

_RUN = """
import sys
before = set(sys.modules)
from torch_abi_audit.cli import main
main(sys.argv[1:])
print(*set(sys.modules) - before)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site-packages directory with one distribution that has one extension module."""
    site = tmp_path_factory.mktemp("site")
    source = "extern int PyLong_FromLong(long);\nint PyInit__C(void) { return PyLong_FromLong(1); }"
    library = gcc(source, site / "demo/_C.abi3.so").read_bytes()
    install(site, "demo", {"demo/_C.abi3.so": library, "demo/__init__.py": ""})
    return site


@pytest.mark.parametrize("target", ["demo/_C.abi3.so", "demo", "."])
def test_the_common_run_imports_none_of_the_slow_modules(site: Path, target: str) -> None:
    loaded = _loaded(str(site / target), cwd=site)
    assert "torch_abi_audit.report.audit.table" in loaded
    assert sorted(loaded.intersection(FORBIDDEN)) == []


def test_nor_does_the_audit_of_a_library_by_itself(tmp_path: Path) -> None:
    gcc("int f(void) { return 1; }", tmp_path / "x.so")
    loaded = _loaded("x.so", cwd=tmp_path)
    assert "torch_abi_audit.report.audit.table" in loaded
    assert sorted(loaded.intersection(FORBIDDEN)) == []


def test_neither_does_the_audit_of_an_installed_name(site: Path, tmp_path: Path) -> None:
    loaded = _loaded("demo", cwd=tmp_path, path=site)
    assert "torch_abi_audit.report.audit.table" in loaded
    assert sorted(loaded.intersection(FORBIDDEN)) == []


def test_nor_what_answers_for_gpus(site: Path) -> None:
    loaded = _loaded("demo", cwd=site)
    apart = ("gpus", "knowledge.gpu", "knowledge.cuda_toolkits", "knowledge.torch_gpus")
    rooms = tuple(f"torch_abi_audit.{name}" for name in (*apart, "report.gpus", "judges.gpus"))
    assert [name for name in loaded if name.startswith(rooms)] == []


def _loaded(target: str, *, cwd: Path, path: Path | None = None) -> set[str]:
    """The modules that a run imports, except those of the interpreter and its site-packages."""
    script = _RUN
    if path is not None:  # without what is installed here, editable projects among it
        script = "import sys\nsys.path = [p for p in sys.path if 'site-packages' not in p]\n"
        script += f"sys.path.append({str(path)!r})\n{_RUN}"
    done = subprocess.run(
        [sys.executable, "-c", script, target], capture_output=True, text=True, check=True, cwd=cwd
    )
    assert "Package: " in done.stdout
    assert done.stderr == ""
    return set(done.stdout.splitlines()[-1].split())
