"""Targets of every kind on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

import jsonschema
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


HISTORY = ("pypi:demo", "--history", "--platform", "linux_x86_64")


@pytest.fixture
def eventful(index: Index, tmp_path: Path) -> Index:
    """Releases of which some have no wheel that fits, and one a wheel that is none."""
    index.uploaded = {"demo-1.0-": "2025-12-31T23:59:59.1Z", "demo-0.": "2024-01-02T03:04:05Z"}
    for name in (
        *("demo-0.1.tar.gz", "demo-0.2.zip", "demo-0.3-py2.7-linux-x86_64.egg"),
        *("demo-1.2-cp39-abi3-win_amd64.whl", "demo-1.2-cp39-abi3-macosx_11_0_arm64.whl"),
        *(f"demo-1.3-cp39-abi3-{LINUX}.whl", f"demo-1.4-cp27-cp27m-{LINUX}.whl"),
        *(f"demo-1.5-cp39-abi3-{LINUX}.whl", f"demo-2.0rc1-cp39-abi3-{LINUX}.whl", "demo-x.zip"),
    ):
        (tmp_path / name).write_bytes(b"neither a zip file nor a wheel")
        index.add("demo", tmp_path / name)
    index.yanked = frozenset({f"demo-1.5-cp39-abi3-{LINUX}.whl"})
    return index


def test_a_history_is_a_table(eventful: Index, tmp_path: Path) -> None:
    done = run(eventful, tmp_path, *HISTORY)
    assert done.returncode == 2
    table, summary, *_ = done.stdout.split("\n\n")
    assert table.splitlines() == [
        "History: demo",
        "  RELEASE  DATE        TORCH   MIN-TORCH  CPYTHON  FINDINGS             LOADS-ON",
        "  -------  ----------  ------  ---------  -------  -------------------  --------",
        "  0.1 to 0.2 (2 releases)  2024-01-02  no wheel: only a source distribution",
        "  0.3      2024-01-02  no wheel: only eggs or installers",
        (
            "  1.0      2025-12-31  STABLE  2.10.0     n/a      1 error, 2 warnings  "
            "2.10.0 to 2.15.0 (stable: and later)"
        ),
        (
            "  1.1      -           STABLE  2.10.0     n/a      1 error, 2 warnings  "
            "2.10.0 to 2.15.0 (stable: and later)"
        ),
        "  1.2      -           no wheel: wheels only for macosx_arm64, win_amd64",
        (
            f"  1.3      -           could not be read: pypi:demo-1.3-cp39-abi3-{LINUX}.whl is "
            "not a zip archive, or it is cut short or damaged: File is not a zip file"
        ),
        "  1.4      -           no wheel: wheels only for other Pythons: cp27",
        "  1.5      -           no wheel: yanked",
    ]
    assert summary == ("Summary: 3 releases: 1 ERROR, 2 STABLE; findings: 2 errors, 4 warnings")
    verbose = run(eventful, tmp_path, *HISTORY, "-v").stdout
    assert verbose.startswith(table)
    assert verbose.count("Package: demo\n") == 2


def test_a_history_of_some_releases_on_every_platform(eventful: Index, tmp_path: Path) -> None:
    good = (tmp_path / "dist" / f"demo-1.1-cp39-abi3-{LINUX}.whl").read_bytes()
    for name in ("demo-1.2-cp39-abi3-win_amd64.whl", "demo-1.2-cp39-abi3-macosx_11_0_arm64.whl"):
        (tmp_path / name).write_bytes(good)
    done = run(eventful, tmp_path, "pypi:demo>1,<1.3", "--history", "--all-platforms")
    cells = [line.split("  ")[1] for line in done.stdout.splitlines()[3:6]]
    assert cells == ["1.1 (manylinux_x86_64)", "1.2 (macosx_arm64)", "1.2 (win_amd64)"]


def test_a_history_in_markdown_and_json(eventful: Index, tmp_path: Path) -> None:
    page = run(eventful, tmp_path, *HISTORY, "--format", "markdown").stdout
    assert page.splitlines()[2:7] == [
        "### History of demo",
        "",
        "| Release | Date | Torch | Min torch | CPython | Findings | Loads on |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        (
            "| 0.1 to 0.2 (2 releases) | 2024-01-02 |  |  |  |  "
            "| no wheel: only a source distribution |"
        ),
    ]
    assert "### Findings" not in page
    assert "<details>" not in page
    document = json.loads(run(eventful, tmp_path, *HISTORY, "--json").stdout)
    schema = json.loads((files("torch_abi_audit.report") / "report.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    versions = {one["version"]: one for one in document["history"]}
    assert list(versions) == ["0.1", "0.2", "0.3", "1.0", "1.1", "1.2", "1.3", "1.4", "1.5"]
    assert versions["1.0"] == {
        "project": "demo",
        "version": "1.0",
        "released": "2025-12-31",
        "platform": "manylinux_x86_64",
        "root": f"pypi:demo-1.0-cp39-abi3-{LINUX}.whl",
        "why": None,
        "broken": False,
    }
    assert versions["1.3"]["broken"]
    assert versions["0.2"]["why"] == "only a source distribution"
    roots = [one["root"] for one in document["packages"]]
    assert [one["root"] for one in versions.values() if one["root"]] == [roots[0], roots[1]]


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
