"""Every example of the table of replacements, built with the headers of torch 2.13.0 and run there.

``tools/generate_replacements.py`` proves them one by one, with the headers of more releases.
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest

from tests.support import torch_headers
from tests.support.torch_cpu import cpu_torch
from tools.example_builder import compile_library, stand_in, write_stub
from tools.replacement_source import Example, read, together
from tools.torch_runtimes import libraries_of, run_under
from torch_abi_audit.knowledge import replacements
from torch_abi_audit.model.releases import release_key

ROOT = Path(__file__).parents[2]
RELEASE = "2.13.0"


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return torch_headers.headers(RELEASE, tmp_path_factory.mktemp("headers"))


def _examples() -> list[list[Example]]:
    """The examples that the headers of 2.13 have, each list for one library."""
    known = {one.api: one for one in replacements.rows()}
    groups: dict[tuple[object, ...], list[Example]] = {}
    for row in read(ROOT / "tools" / "replacements.toml").rows:
        proven = known[row.name]
        for number, (example, fact) in enumerate(
            [(row.example, proven), (row.fallback, proven.fallback)]
        ):
            if example is None or fact is None or fact.since is None:
                continue
            if release_key(fact.since) > release_key(RELEASE):
                continue
            runs = not example.cannot_run
            alone = (row.name, number) if example.alone else None
            key = (example.header, example.also, example.define, example.cuda, runs, alone)
            groups.setdefault(key, []).append(example)
    return list(groups.values())


@pytest.fixture(scope="module")
def linked(
    headers: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Path, list[Example], str]]:
    """Each list of examples as a library, with what the compiler or linker said against it."""
    root = tmp_path_factory.mktemp("linked")
    stand_in(root)
    built = []
    for number, group in enumerate(_examples()):
        library = root / f"{number}.so"
        macros = group[0].macros(RELEASE)
        built.append(
            (library, group, compile_library(together(group), macros, [headers], root, library))
        )
    return built


def test_the_examples_of_the_table_link(
    linked: list[tuple[Path, list[Example], str]], headers: Path
) -> None:
    """With the header that the table shows, and with nothing of torch but C shims."""
    assert sum(len(group) for _, group, _ in linked) > 90
    assert [(group[0].header, error) for _, group, error in linked if error] == []
    nothing = Example("f", "torch/headeronly/macros/Macros.h", code="extern void f(); f();")
    library, _, _ = linked[0]
    error = compile_library(
        nothing.text, nothing.macros(RELEASE), [headers], library.parent, library.parent / "no.so"
    )
    assert "undefined reference" in error


def test_the_examples_of_the_table_run(
    linked: list[tuple[Path, list[Example], str]], headers: Path
) -> None:
    wrong = Example("f", "torch/headeronly/macros/Macros.h", run="CHECK(1 == 2);")
    root = linked[0][0].parent
    library = root / "wrong.so"
    assert compile_library(wrong.text, wrong.macros(RELEASE), [headers], root, library) == ""
    jobs, codes = [(library, "prove_run_0")], [wrong.run]
    for library, group, _ in linked:
        if not group[0].cannot_run:
            jobs += [(library, f"prove_run_{place}") for place, _ in enumerate(group)]
            codes += [one.run or one.code or one.file for one in group]
    assert len(jobs) > 70
    outcomes = run_under(cpu_torch(RELEASE) / "torch" / "lib", jobs)
    said = [(code, said) for code, said in zip(codes, outcomes, strict=True) if said]
    assert said == [("CHECK(1 == 2);", "throws: 1 == 2")]


def test_stubs_take_the_place_of_cudas_libraries(tmp_path: Path) -> None:
    libraries = tmp_path / "2.99.0" / "torch" / "lib"
    libraries.mkdir(parents=True)
    runtime = libraries / "libcudart.so.12"
    write_stub(runtime, runtime.name, [b"cudaGetDeviceCount"], runtime.name)
    code = (
        'extern "C" int cudaGetDeviceCount(); extern "C" int f() { return cudaGetDeviceCount(); }'
    )
    command = ["g++", "-shared", "-fPIC", "-x", "c++", "-", "-x", "none", str(runtime)]
    command += ["-o", str(libraries / "libtorch_cpu.so"), "-Wl,-rpath,$ORIGIN"]
    subprocess.run(command, input=code, text=True, check=True)
    runtime.unlink()
    with pytest.raises(OSError, match=runtime.name):
        ctypes.CDLL(str(libraries / "libtorch_cpu.so"))
    assert libraries_of("2.99.0", tmp_path) == libraries
    assert ctypes.CDLL(str(libraries / "libtorch_cpu.so")).f() == 100
