"""``port`` of sources: whole outputs, patches and what is written, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from importlib.resources import files
from typing import TYPE_CHECKING

import jsonschema
import pytest

from tests.support.snapshots import matches
from tests.support.sources import source
from tests.support.toolchain import gcc

if TYPE_CHECKING:
    from pathlib import Path

CHECK = "_ZN3c106detail14torchCheckFailEPKcS2_jS2_"
MODULE = "_ZN5torch7Library17set_python_moduleEPKcS2_"
SETUP = """\
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="ops",
    ext_modules=[
        CUDAExtension(
            "ops._C",
            ["csrc/ops.cpp", "csrc/kernel.cu"],
            extra_compile_args={"cxx": ["-O3"], "nvcc": ["-O3"]},
        )
    ],
    cmdclass={"build_ext": BuildExtension},
)
"""
OPS = """\
#include <torch/extension.h>

#include <vector>

// adds a number
at::Tensor add_one(const at::Tensor& x) {
  TORCH_CHECK(x.scalar_type() == at::kFloat, "float only");
  at::Tensor y = x.contiguous();
  const float* in = y.data_ptr<float>();
  return y;
}

TORCH_LIBRARY(ops, m) {
  m.def("add_one(Tensor x) -> Tensor");
}

TORCH_LIBRARY_IMPL(ops, CPU, m) {
  m.impl("add_one", &add_one);
}
"""
KERNEL = """\
#include <ATen/cuda/CUDAContext.h>\r
\r
void launch() {\r
  cudaStream_t stream = at::cuda::getCurrentCUDAStream();\r
}\r
"""


def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "torch_abi_audit", *map(str, words)],
        capture_output=True,
        check=False,
        cwd=cwd,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "100"},
    )


def written(root: Path, **more: str) -> Path:
    """A project with sources and a build file."""
    named = {"setup.py": SETUP, "csrc/ops.cpp": OPS, "csrc/kernel.cu": KERNEL, **more}
    for name, text in named.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return root


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("source") / "ops")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("port-source.txt", ()),
        ("port-source-verbose.txt", ("-v",)),
        ("port-source.md", ("--markdown",)),
        ("port-source.json", ("--json",)),
    ],
)
def test_whole_plans(project: Path, name: str, words: tuple[str, ...]) -> None:
    done = run("port", "--source", project, *words)
    assert (done.returncode, done.stderr) == (0, "")
    matches(name, done.stdout, root=project)


def test_the_document_keeps_to_the_schema(project: Path) -> None:
    schema = json.loads((files("torch_abi_audit.report") / "port.schema.json").read_text("utf-8"))
    document = json.loads(run("port", "--source", project, "--json").stdout)
    jsonschema.Draft202012Validator(schema).validate(document)
    for key in ("source_use", "source_file", "build_finding", "step", "source"):
        properties = schema["$defs"][key]["properties"]
        assert [*properties] == schema["$defs"][key]["required"]
    view = document["source"]
    assert {*view} == {*schema["$defs"]["source"]["properties"]}
    assert {*view["files"][0]["uses"][0]} == {*schema["$defs"]["source_use"]["properties"]}
    assert {*view["build_files"][0]} == {*schema["$defs"]["build_finding"]["properties"]}


# --- patches -------------------------------------------------------------------------------------


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(one.relative_to(root)): one.read_bytes() for one in root.rglob("*") if one.is_file()
    }


def test_a_patch_changes_nothing_and_applies(tmp_path: Path) -> None:
    project = written(tmp_path / "ops")
    before = tree(project)
    done = run("port", "--source", project, "--diff")
    assert done.returncode == 0
    matches("port-source.diff", done.stdout)
    matches("port-source-diff.err", done.stderr)
    assert tree(project) == before
    patch = subprocess.run(
        [sys.executable, "-m", "torch_abi_audit", "port", "--source", str(project), "--diff"],
        capture_output=True,
        check=True,
    ).stdout
    results = []
    for command in (["patch", "-p1", "--binary"], ["git", "apply", "--whitespace=nowarn", "-"]):
        copy = written(tmp_path / command[0])
        subprocess.run(command, cwd=copy, input=patch, check=True, capture_output=True)
        results.append(tree(copy))
    done = run("port", "--source", project, "--write")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("torch-abi-audit: ")
    assert " made; left to do by hand: " in done.stderr
    assert results == [tree(project), tree(project)]
    assert tree(project) != before
    assert tree(project)["csrc/kernel.cu"].count(b"\r\n") == tree(project)["csrc/kernel.cu"].count(
        b"\n"
    )


def test_after_writing_there_is_nothing_left_to_write(tmp_path: Path) -> None:
    project = written(tmp_path / "ops")
    assert run("port", project, "--write", "-q").stderr == ""
    after = tree(project)
    again = run("port", "--source", project, "--diff")
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr.startswith("torch-abi-audit: 0 changes in 0 files shown; ")
    assert run("port", "--source", project, "--write").returncode == 0
    assert tree(project) == after


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_nothing_outside_of_the_directory_is_written(tmp_path: Path) -> None:
    project = written(tmp_path / "ops")
    outside = tmp_path / "outside.cpp"
    outside.write_text(OPS)
    (project / "csrc" / "link.cpp").symlink_to(outside)
    done = run("port", "--source", project, "--write")
    assert done.returncode == 0
    assert outside.read_text() == OPS
    told = run("port", "--source", project)
    assert "skipped: csrc/link.cpp (a link to a place outside)" in told.stdout


# --- which sources -------------------------------------------------------------------------------


def test_a_target_that_is_source_is_read_as_source(project: Path) -> None:
    for words in ((project,), (project / "csrc",), (project / "csrc" / "ops.cpp",)):
        done = run("port", *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert "  Torch ABI:     UNSTABLE\n" in done.stdout
        assert "in 1 source can" in done.stdout or "in 2 sources can" in done.stdout
    whole = run("port", project, "--json")
    assert whole.stdout == run("port", "--source", project, "--json").stdout


def test_several_sources_share_a_plan(project: Path) -> None:
    done = run(
        *("port", "--source", project / "csrc" / "ops.cpp"),
        *("--source", project / "setup.py", "--json"),
    )
    document = json.loads(done.stdout)
    assert [one["name"] for one in document["source"]["files"]] == ["csrc/ops.cpp"]
    assert [one["name"] for one in document["source"]["build_files"]][:1] == ["setup.py"]


def test_without_a_build_file_the_plan_says_so(project: Path) -> None:
    assert "no build file there: give the directory of setup.py" in " ".join(
        run("port", "--source", project / "csrc").stdout.split()
    )


@pytest.mark.parametrize("name", ["notes.md", "empty"])
def test_a_path_that_holds_neither_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.md").write_text("hello\n")
    (tmp_path / "empty").mkdir()
    done = run("port", tmp_path / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds neither a compiled library nor a C++ or CUDA source: give" in done.stderr
    done = run("port", "--source", tmp_path / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("torch-abi-audit: error: ")


def test_a_source_distribution_is_to_be_unpacked(project: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "ops-1.0.tar.gz", "w:gz") as archive:
        archive.add(project, "ops-1.0")
    done = run("port", tmp_path / "ops-1.0.tar.gz")
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds no compiled library, and sources in an archive are not read" in done.stderr


def test_a_source_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    project = written(tmp_path / "ops", **{"csrc/bad.cpp": "a\0b"})
    done = run("port", "--source", project)
    assert done.returncode == 2
    assert "error: csrc/bad.cpp: not a text" in done.stdout
    assert "1 of 3 sources could not be read" in done.stdout


@pytest.mark.parametrize("verb", ["audit", "compat", "repair"])
def test_other_verbs_do_not_judge_sources(project: Path, verb: str) -> None:
    done = run(verb, project / "csrc" / "ops.cpp")
    assert (done.returncode, done.stdout.count("Package")) == (2, 0)
    assert "ops.cpp is a source, and this reads compiled libraries: torch-abi-audit port" in (
        done.stderr
    )


@pytest.mark.parametrize("verb", ["audit", "compat"])
def test_a_directory_of_sources_is_noted(project: Path, verb: str) -> None:
    done = run(verb, project)
    assert "Note: it holds sources but no compiled library: torch-abi-audit port" in done.stdout


# --- joined with a binary ------------------------------------------------------------------------


def test_a_binary_and_its_sources_are_one_plan(project: Path, tmp_path: Path) -> None:
    library = gcc(source((CHECK, MODULE)), tmp_path / "ops.so")
    done = run("port", "--source", project, library, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    alone = json.loads(run("port", library, "--json").stdout)
    plan = json.loads(done.stdout)
    apis = [one["api"] for one in plan["apis"]]
    assert len(apis) == len({*apis})
    for one in alone["apis"]:
        (now,) = [each for each in plan["apis"] if each["api"] == one["api"]]
        assert now["symbols"] == one["symbols"]
        assert now["files"] == one["files"]
    (check,) = [one for one in plan["apis"] if one["api"] == "TORCH_CHECK"]
    assert [(site["source"], site["line"]) for site in check["sites"]] == [("csrc/ops.cpp", 7)]
    assert check["uses_in_own_source"] == 1
    (constant,) = [one for one in plan["apis"] if one["api"] == "at::kFloat"]
    assert constant["symbols"] == []
    assert (plan["coverage"], plan["unstable_symbols"]) == (
        alone["coverage"],
        alone["unstable_symbols"],
    )
    text = run("port", "--source", project, library).stdout
    assert " uses in 2 sources can be replaced for torch 2.10: " in " ".join(text.split())


# --- wrong use -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--diff"], "--diff needs --source PATH"),
        (["--write"], "--write needs --source PATH"),
        (["--source", "{src}", "--env"], "--source and --env cannot be used together"),
        (["--source", "{src}", "{lib}", "{lib}"], "--source takes one TARGET beside it"),
        (["--source", "{src}", "--diff", "--json"], "--json cannot be used with it"),
        (["--source", "{src}", "--write", "-o", "x"], "-o cannot be used with it"),
        (["{lib}", "--write"], "only sources can be changed, and none were given"),
        (["{lib}", "--diff"], "only sources can be changed, and none were given"),
        (["--source", "{src}", "{src}"], "holds sources as well: give it with --source"),
        (["--source", "{src}/gone"], "cannot read "),
        ([], "nothing to inspect: give a TARGET"),
    ],
)
def test_wrong_use(project: Path, tmp_path: Path, words: list[str], sentence: str) -> None:
    library = gcc(source((CHECK,)), tmp_path / "ops.so")
    before = tree(project)
    done = run("port", *(word.format(src=project, lib=library) for word in words), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert tree(project) == before
