"""What other releases of glibc do differently; the messages are those of their sources."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.elf_graphs import PROGRAMS, environment
from tests.support.loader_oracle import agree, build_program, real
from tests.support.toolchain import gcc
from torch_abi_audit.doctor.elf import order, process, simulation
from torch_abi_audit.doctor.elf.system import system
from torch_abi_audit.doctor.process import Refusal
from torch_abi_audit.runtime.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch_abi_audit.doctor.elf.simulation import ElfProcess

    Start = Callable[[tuple[int, int]], ElfProcess]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the loader of Linux x86_64 is simulated",
)

OLD_SORTING = {"GLIBC_TUNABLES": "glibc.rtld.dynamic_sort=1"}
"""Lets glibc sort as before 2.35: https://sourceware.org/glibc/manual/latest/html_node/Tunables.html"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """A function that starts a program under a release of glibc."""
    monkeypatch.chdir(tmp_path)
    program = build_program(tmp_path / "program")

    def started(release: tuple[int, int]) -> ElfProcess:
        def other(interpreter: str, architecture: str) -> object:
            return replace(system(interpreter, architecture), release=release)

        monkeypatch.setattr(simulation, "system", other)
        return process(str(program), {})

    return started


def lib(
    path: Path, source: str, *flags: str, versions: str = "", needs: tuple[str, ...] = ()
) -> None:
    options = ["-nostdlib", f"-Wl,-soname,{path.name}", "-Wl,-rpath,$ORIGIN", *flags]
    if versions:
        script = path.with_name(f"{path.name}.map")
        script.parent.mkdir(exist_ok=True)
        script.write_text(versions)
        options.append(f"-Wl,--version-script={script}")
    gcc(source, path, *options, "-x", "none", *(str(path.parent / each) for each in needs))


def older_library(home: Path) -> None:
    """``a/libx.so`` needs ``more`` of a version; ``a/liby.so`` has the version without it."""
    versions = "V_1 { global: *; };"
    lib(home / "stub" / "liby.so", "int more(void) { return 1; }", versions=versions)
    lib(home / "a" / "liby.so", "int other(void) { return 1; }", versions=versions)
    user = "extern int more(void); int x(void) { return more(); }"
    lib(home / "a" / "libx.so", user, needs=("../stub/liby.so",))


@pytest.mark.parametrize(
    ("release", "text"),
    [
        ((2, 17), "symbol more, version V_1 not defined in file liby.so with link time reference"),
        ((2, 28), "symbol more version V_1 not defined in file liby.so with link time reference"),
        ((2, 30), "undefined symbol: more, version V_1"),
        ((2, 42), "undefined symbol: more, version V_1"),
    ],
)
def test_the_words_for_a_symbol_that_its_library_lacks(
    release: tuple[int, int], text: str, start: Start, tmp_path: Path
) -> None:
    older_library(tmp_path)
    failure = start(release).open("a/libx.so")
    assert failure is not None
    assert failure.text == f"a/libx.so: {text}"
    assert (failure.symbol, failure.version, failure.library) == ("more", "V_1", "liby.so")
    assert failure.copy is not None


def test_older_loaders_do_not_look_further_than_the_library_of_the_version(
    start: Start, tmp_path: Path
) -> None:
    older_library(tmp_path)
    lib(tmp_path / "a" / "libz.so", "int more(void) { return 1; }", versions="V_1 { global: *; };")
    before, after = start((2, 29)), start((2, 30))
    for one in (before, after):
        assert one.open("a/liby.so", everywhere=True) is None
        assert one.open("a/libz.so", everywhere=True) is None
    assert before.open("a/libx.so") is not None
    assert after.open("a/libx.so") is None


@pytest.mark.parametrize(
    ("release", "line"), [((2, 28), 111), ((2, 34), 105), ((2, 38), 107), ((2, 40), 106)]
)
def test_a_library_without_versions_ends_the_program_before_2_41(
    release: tuple[int, int], line: int, start: Start, tmp_path: Path
) -> None:
    older_library(tmp_path)
    lib(tmp_path / "a" / "liby.so", "int more(void) { return 1; }")
    failure = start(release).open("a/libx.so")
    assert failure is not None
    assert failure.fatal
    assert failure.text.startswith(
        f"Inconsistency detected by ld.so: dl-lookup.c: {line}: check_match: Assertion `"
    )
    assert start((2, 41)).open("a/libx.so") is None


def test_an_executable_stack_is_refused_since_2_41(start: Start, tmp_path: Path) -> None:
    lib(tmp_path / "a" / "libx.so", "", "-Wl,-z,execstack")
    assert start((2, 40)).open("a/libx.so") is None
    failure = start((2, 41)).open("a/libx.so")
    assert failure is not None
    assert failure.kind is Refusal.EXECUTABLE_STACK
    assert failure.text == (
        "a/libx.so: cannot enable executable stack as shared object requires: Invalid argument"
    )


def test_a_program_is_refused_since_2_30(start: Start, tmp_path: Path) -> None:
    build_program(tmp_path / "other", "-pie")
    assert start((2, 29)).open("./other") is None
    assert start((2, 30)).open("./other") is not None


@pytest.mark.parametrize("seed", range(100, 112))
def test_the_older_sorting(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "_DEPTH_FIRST", (3, 0))
    home = tmp_path / "home"
    todo = environment(seed, home)
    monkeypatch.chdir(home)
    program = build_program(tmp_path / "program", *PROGRAMS[todo.program])
    expected = real(program, todo.steps, {**todo.variables, **OLD_SORTING}, home)
    agree(process(str(program), todo.variables), todo.steps, expected)


def test_the_older_sorting_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two libraries that need each other: which is relocated first differs."""
    for name, needs in (("liby.so", ()), ("libz.so", ("liby.so",)), ("liby.so", ("libz.so",))):
        source = f"extern int none_{name[3]}; int *{name[3]} = &none_{name[3]};"
        lib(tmp_path / name, source, "-Wl,--no-as-needed", needs=needs)
    lib(tmp_path / "libx.so", "", "-Wl,--no-as-needed", needs=("libz.so", "liby.so"))
    monkeypatch.chdir(tmp_path)
    program = build_program(tmp_path / "program")
    answers = set()
    for first, variables in (((2, 35), {}), ((3, 0), OLD_SORTING)):
        monkeypatch.setattr(order, "_DEPTH_FIRST", first)
        expected = real(program, ["-./libx.so"], variables, tmp_path)
        agree(process(str(program), {}), ["-./libx.so"], expected)
        answers.add(expected[-1].answer)
    assert len(answers) == 2


def test_the_machine_has_the_oracle() -> None:
    listing = subprocess.run(
        ["/lib64/ld-linux-x86-64.so.2", "--list-tunables"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "glibc.rtld.dynamic_sort" in listing
