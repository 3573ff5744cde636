"""``port`` and ``explain`` on the command line: complete outputs, exit codes, saved reports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.resources import files
from typing import TYPE_CHECKING

import jsonschema
import pytest

from tests.support.snapshots import matches
from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit.knowledge import replacements
from torch_abi_audit.model.releases import short

if TYPE_CHECKING:
    from pathlib import Path

CHECK = "_ZN3c106detail14torchCheckFailEPKcS2_jS2_"
EMPTY = (
    "_ZN2at4_ops19empty_memory_format4callEN3c108ArrayRefINS2_6SymIntEEESt8optionalINS2_10ScalarType"
    "EES6_INS2_6LayoutEES6_INS2_6DeviceEES6_IbES6_INS2_12MemoryFormatEE"
)
MUL = "_ZN2at4_ops10mul_Tensor4callERKNS_6TensorES4_"
MODULE = "_ZN5torch7Library17set_python_moduleEPKcS2_"
CLASS = "_ZN3c109ClassType9addMethodEPN5torch3jit8FunctionE"
GONE = "_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_ib"


def run(*words: str | Path, columns: int = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "torch_abi_audit", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": str(columns)},
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pkg") / "pkg"
    gcc(source((CHECK, EMPTY, MUL, MODULE, CLASS)), root / "old.so")
    gcc(source((CHECK, "torch_call_dispatcher", "torch_from_blob")), root / "half.so")
    gcc(source(("aoti_torch_get_dim",)), root / "new.so")
    return root


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("port.txt", ()),
        ("port-verbose.txt", ("-v",)),
        ("port-target.txt", ("--target", "2.13")),
        ("port.md", ("--markdown",)),
        ("port.json", ("--json",)),
    ],
)
def test_whole_plans(package: Path, name: str, words: tuple[str, ...]) -> None:
    done = run("port", package, *words)
    assert (done.returncode, done.stderr) == (0, "")
    matches(name, done.stdout, root=package)


def test_the_first_screen_keeps_to_its_width_and_length(package: Path) -> None:
    root = str(package)
    for columns in (60, 80, 120):
        plain = run("port", package, "--color", "never", columns=columns).stdout
        painted = run("port", package, "--color", "always", columns=columns).stdout
        assert "\x1b[" in painted
        assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain
        lines = [line for line in plain.splitlines() if root not in line]
        assert max(map(len, lines)) <= columns
        assert columns < 80 or len(lines) < 24
        options = lines[1].partition(":")[2].split()
        assert options == ["-DTORCH_TARGET_VERSION=0x020a000000000000"]


def test_several_plans_begin_with_a_line_each_and_errors_first(
    package: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.so").write_bytes(b"\x7fELF")
    done = run("port", package / "new.so", package / "old.so", tmp_path / "cut.so")
    head = done.stdout.split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in head[1:]] == ["ERROR", "UNSTABLE", "STABLE"]
    assert head[2].split()[1:3] == ["80%", "old.so"]
    assert [one for one in done.stdout.splitlines() if one.startswith("Port: ")] == [
        "Port: new.so",
        "Port: old.so",
        "Port: cut.so",
    ]


def test_documents_keep_to_the_schema(package: Path, tmp_path: Path) -> None:
    schema = json.loads((files("torch_abi_audit.report") / "port.schema.json").read_text("utf-8"))
    (tmp_path / "cut.so").write_bytes(b"\x7fELF")
    saved = tmp_path / "saved.json"
    saved.write_text(run("port", package, "--json").stdout)
    for words in ((package,), (package, "--since", saved), (package / "old.so", tmp_path)):
        document = json.loads(run("port", *words, "--json").stdout)
        jsonschema.Draft202012Validator(schema).validate(document)
    plan = json.loads(saved.read_text())
    for key in schema["$defs"]["plan"]["required"]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({name: plan[name] for name in plan if name != key}, schema)
    assert {*plan} - {"schema_version"} == {*schema["$defs"]["plan"]["properties"]}
    assert {*plan["apis"][0]} == {*schema["$defs"]["api"]["properties"]}
    assert {*plan["files"][0]} == {*schema["$defs"]["file"]["properties"]}


def test_what_went_away_since_a_plan_and_since_an_audit(package: Path, tmp_path: Path) -> None:
    later = tmp_path / "pkg"
    gcc(source((CHECK,)), later / "old.so")
    gcc(source(("torch_call_dispatcher",)), later / "half.so")
    gcc(source(("aoti_torch_get_dim",)), later / "new.so")
    for number, verb in enumerate((("port",), ())):
        saved = tmp_path / f"saved{number}.json"
        saved.write_text(run(*verb, package, "--json").stdout)
        done = run("port", later, "--since", saved)
        assert done.returncode == 0, done.stderr
        tail = done.stdout[done.stdout.index("  -- since the saved report --") :]
        matches("port-since.txt", tail)
    (tmp_path / "broken.json").write_text("{")
    done = run("port", later, "--since", tmp_path / "broken.json")
    assert done.returncode == 2
    assert "not a report saved with --json" in done.stderr


def test_several_targets_share_one_document(package: Path) -> None:
    done = run("port", package / "old.so", package / "new.so", "--json")
    plans = json.loads(done.stdout)["plans"]
    assert [(one["name"], one["verdict"]) for one in plans] == [
        ("old.so", "UNSTABLE"),
        ("new.so", "STABLE"),
    ]


def test_wrong_use_of_port(package: Path, tmp_path: Path) -> None:
    assert run("port", package, "--target", "new").returncode == 2
    assert run("port").returncode == 2
    missing = run("port", tmp_path / "none.so", package / "new.so")
    assert missing.returncode == 2
    assert "no such file" in missing.stderr
    assert "Port: new.so" in missing.stdout
    (tmp_path / "cut.so").write_bytes(b"\x7fELF")
    cut = run("port", tmp_path / "cut.so")
    assert cut.returncode == 2
    assert "\n  Error:         cut.so: the file is cut short or damaged: " in cut.stdout
    assert cut.stdout.index("Error:") < cut.stdout.index("Coverage:")
    listed = run("port", "-v", tmp_path / "cut.so").stdout
    assert "[ERROR   ] cut.so  (error: the file is cut short or damaged: " in listed
    assert "unknown: files could not be read" in cut.stdout
    plan = json.loads(run("port", tmp_path / "cut.so", "--json").stdout)
    assert (plan["verdict"], plan["coverage"], plan["classified"]) == ("ERROR", 0, 0)


@pytest.mark.parametrize("release", ["1.0", "2.8.1"])
def test_no_plan_for_a_torch_without_the_stable_abi(package: Path, release: str) -> None:
    done = run("port", package, "--torch", release)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--torch {release}: the stable ABI begins with torch 2.9, so no " in done.stderr
    assert run("port", package, "--torch", "2.9.1").returncode == 0


def test_a_target_beyond_the_known_releases_is_said_in_every_format(
    package: Path, tmp_path: Path
) -> None:
    newest = replacements.header_releases()[-1]
    minor = short(newest)
    (tmp_path / "a.cpp").write_text("#include <ATen/ATen.h>\nat::Tensor f(at::Tensor a);\n")
    note = f"no torch 9.1 is known: the plan is that for torch {minor}, the newest known release"
    for words in ((package,), ("--source", tmp_path)):
        assert note in " ".join(run("port", *words, "--torch", "9.1").stdout.split())
        assert note in run("port", *words, "--torch", "9.1", "--markdown").stdout
        given = json.loads(run("port", *words, "--torch", "9.1", "--json").stdout)
        known = json.loads(run("port", *words, "--torch", newest, "--json").stdout)
        assert given["notes"][0].startswith(note)
        assert given["coverage"] == known["coverage"]
        assert [one["class"] for one in given["apis"]] == [one["class"] for one in known["apis"]]
        assert known["notes"] == []
    patch = json.loads(run("port", package, "--torch", f"{minor}.7", "--json").stdout)
    assert patch["notes"] == []  # it has the headers of the minor release


def test_torch_itself_is_not_ported(tmp_path: Path) -> None:
    inside = tmp_path / "torch"
    gcc(source((CHECK, MUL)), inside / "lib" / "libtorch_cpu.so")
    gcc(source(("initModule",)), inside / "_C.cpython-312-x86_64-linux-gnu.so")
    wheel = tmp_path / "torch-2.13.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in (*inside.rglob("*.so"),):
            archive.write(file, str(file.relative_to(tmp_path)))
    for target in (inside, inside / "lib" / "libtorch_cpu.so", wheel):
        done = run("port", target)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{target} is torch itself, and there is nothing to port: " in done.stderr


def test_a_package_with_a_copy_of_libtorch_is_ported(tmp_path: Path) -> None:
    gcc(source((CHECK, MUL)), tmp_path / "pkg" / "lib" / "libtorch_cpu.so")
    gcc(source((CHECK,)), tmp_path / "pkg" / "_C.so")
    done = run("port", tmp_path / "pkg")
    assert (done.returncode, done.stderr) == (0, "")
    assert "TORCH_CHECK" in done.stdout


def test_an_environment_without_an_extension_of_torch(tmp_path: Path) -> None:
    done = run("port", "--site-packages", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no package there uses torch, torch itself aside" in done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("explain.txt", ("--torch", "2.10.0")),
        ("explain.md", ("--torch", "2.10.0", "--markdown")),
        ("explain.json", ("--torch", "2.10.0", "--json")),
    ],
)
def test_whole_explanations(name: str, words: tuple[str, ...]) -> None:
    done = run("explain", f"ImportError: /v/_C.so: undefined symbol: {GONE}", *words)
    assert (done.returncode, done.stderr) == (0, "")
    matches(name, done.stdout)
