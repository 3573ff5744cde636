"""The simulated loader of glibc against the real one: the same answers, the same open libraries."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.elf_graphs import PROGRAMS, environment
from tests.support.elf_patch import with_symbol
from tests.support.loader_oracle import agree, build_program, real
from tests.support.toolchain import gcc
from torch_abi_audit.doctor.elf import process
from torch_abi_audit.doctor.elf.system import system
from torch_abi_audit.doctor.process import Found, Refusal
from torch_abi_audit.model.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch_abi_audit.doctor.process import Process

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the loader of Linux x86_64 is asked",
)

LOADER = "/lib64/ld-linux-x86-64.so.2"
NO_LIBC = "-nostdlib"


class Home:
    """A directory with libraries under construction."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def program(self, *flags: str, needs: Sequence[str] = ()) -> Path:
        """Build the program that opens libraries, linked to files of this directory."""
        linked = [str(self.path / each) for each in needs]
        head = ["-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined"] if needs else []
        return build_program(self.path / "program", *flags, *head, "-x", "none", *linked)

    def lib(
        self,
        file: str,
        source: str = "",
        *flags: str,
        soname: str | None = None,
        needs: Sequence[str] = (),
        rpath: str = "",
        runpath: str = "",
        versions: str = "",
    ) -> Path:
        """Build a library: linked to files of this directory, with no C library unless asked."""
        name = file.rpartition("/")[2] if soname is None else soname
        options = [NO_LIBC] if "-lc" not in flags else []
        options += [each for each in flags if each != "-lc"]
        if name:
            options.append(f"-Wl,-soname,{name}")
        if rpath:
            options += [f"-Wl,-rpath,{rpath}", "-Wl,--disable-new-dtags"]
        if runpath:
            options += [f"-Wl,-rpath,{runpath}", "-Wl,--enable-new-dtags"]
        if versions:
            script = self.path / f"{file}.map"
            script.parent.mkdir(parents=True, exist_ok=True)
            script.write_text(versions)
            options.append(f"-Wl,--version-script={script}")
        options += ["-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", "-x", "none"]
        options += [str(self.path / each) for each in needs]
        return gcc(source, self.path / file, *options)


def fn(*names: str) -> str:
    """Functions that are defined."""
    return "".join(f"int {each}(void) {{ return 1; }}\n" for each in names)


def call(*names: str, by: str = "user") -> str:
    """A function that calls others."""
    heads = "".join(f"extern int {each}(void);\n" for each in names)
    return heads + f"int {by}(void) {{ return {' + '.join(f'{each}()' for each in names)}; }}\n"


class Case(NamedTuple):
    steps: Sequence[str]
    environ: Mapping[str, str] = {}
    program: Path | None = None


CASES: dict[str, Callable[[Home], Case]] = {}


def case(build: Callable[[Home], Case]) -> Callable[[Home], Case]:
    CASES[build.__name__] = build
    return build


# --- what is found, and where -----------------------------------------------------------------


@case
def found_through_the_runpath(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def found_through_the_rpath(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], rpath="${ORIGIN}/../b")
    return Case(["-a/libx.so"])


@case
def an_rpath_counts_for_what_is_needed_further_down(home: Home) -> Case:
    home.lib("b/libz.so", fn("z"))
    home.lib("b/liby.so", call("z", by="y"), needs=["b/libz.so"])
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], rpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def a_runpath_does_not(home: Home) -> Case:
    home.lib("b/libz.so", fn("z"))
    home.lib("b/liby.so", call("z", by="y"), needs=["b/libz.so"])
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def a_runpath_below_an_rpath_switches_it_off(home: Home) -> Case:
    home.lib("b/libz.so", fn("z"))
    home.lib("b/liby.so", call("z", by="y"), needs=["b/libz.so"], runpath="/nowhere")
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], rpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def a_wrong_rpath(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], rpath="$ORIGIN/b:/nowhere")
    return Case(["-a/libx.so"])


@case
def the_variable_comes_before_the_runpath(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("c/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"], {"LD_LIBRARY_PATH": f"{home.path}/none:{home.path}/c"})


@case
def the_rpath_comes_before_the_variable(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("c/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], rpath="$ORIGIN/../b")
    return Case(["-a/libx.so"], {"LD_LIBRARY_PATH": f"{home.path}/c"})


@case
def an_empty_entry_of_the_variable_is_the_current_directory(home: Home) -> Case:
    home.lib("liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["liby.so"])
    return Case(["-a/libx.so"], {"LD_LIBRARY_PATH": f"{home.path}/none:"})


@case
def relative_entries_and_semicolons(home: Home) -> Case:
    home.lib("c/liby.so", fn("y"))
    home.lib("d//libz.so", fn("z"))
    home.lib("a/libx.so", call("y", "z"), needs=["c/liby.so", "d/libz.so"])
    return Case(["-a/libx.so"], {"LD_LIBRARY_PATH": "c//;d"})


@case
def the_variable_knows_the_origin_of_the_program(home: Home) -> Case:
    home.lib("c/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["c/liby.so"])
    return Case(["-a/libx.so"], {"LD_LIBRARY_PATH": "$ORIGIN/c"})


@case
def names_without_a_slash_are_searched(home: Home) -> Case:
    home.lib("c/libx.so", fn("x"))
    return Case(["-libx.so", "-nothing.so"], {"LD_LIBRARY_PATH": "c"})


@case
def the_program_has_an_rpath(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"])
    program = home.program("-Wl,-rpath,$ORIGIN/b", "-Wl,--disable-new-dtags")
    return Case(["-a/libx.so", "-liby.so"], program=program)


@case
def the_program_has_a_runpath(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"])
    program = home.program("-Wl,-rpath,$ORIGIN/b", "-Wl,--enable-new-dtags")
    return Case(["-a/libx.so", "-liby.so", "-a/libx.so"], program=program)


@case
def libraries_of_the_system(home: Home) -> Case:
    home.lib("a/libx.so", "", needs=["/lib/x86_64-linux-gnu/libz.so.1"])
    return Case(["-a/libx.so", "-libstdc++.so.6", "-/usr/lib/x86_64-linux-gnu/libz.so.1"])


@case
def a_library_without_default_directories(home: Home) -> Case:
    home.lib("a/libx.so", "", "-Wl,-z,nodefaultlib", needs=["/lib/x86_64-linux-gnu/libz.so.1"])
    return Case(["-a/libx.so"])


@case
def directories_for_better_processors(home: Home) -> Case:
    for level in (2, 3, 4):
        home.lib(f"c/glibc-hwcaps/x86-64-v{level}/liby.so", fn("y"))
    home.lib("c/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["c/liby.so"], runpath="$ORIGIN/../c")
    return Case(["-a/libx.so"])


@case
def directories_of_the_older_kind(home: Home) -> Case:
    home.lib("c/tls/x86_64/liby.so", fn("y"))
    home.lib("c/x86_64/libz.so", fn("z"))
    home.lib("c/liby.so", fn("y"))
    home.lib("a/libx.so", call("y", "z"), needs=["c/liby.so", "c/x86_64/libz.so"])
    return Case(["-a/libx.so"], {"LD_LIBRARY_PATH": "c"})


@case
def needed_by_a_path(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"), soname="b/liby.so")
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"])
    return Case(["-a/libx.so"])


@case
def needed_by_a_path_below_the_origin(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"), soname="$ORIGIN/../b/liby.so")
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"])
    return Case(["-a/libx.so", "-b/liby.so"])


@case
def needed_below_lib_and_platform(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"), soname="$ORIGIN/../$LIB/${PLATFORM}/$LIBS/liby.so")
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"])
    home.lib("lib/x86_64-linux-gnu/x86_64/$LIBS/liby.so", fn("y"))
    return Case(["-a/libx.so"])


@case
def missing(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"])
    return Case(["-a/libx.so", "-a/none.so", "-none/libx.so"])


@case
def the_first_of_two_missing(home: Home) -> Case:
    home.lib("b/libz.so", fn("z"), soname="libz-1.so")
    home.lib("b/liby.so", call("z", by="y"), needs=["b/libz.so"])
    home.lib("b/libw.so", fn("w"), soname="libw-1.so")
    home.lib("a/libx.so", call("y", "w"), needs=["b/liby.so", "b/libw.so"], rpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


# --- copies -----------------------------------------------------------------------------------


@case
def two_copies_of_one_soname(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"), soname="libY.so.1")
    home.lib("c/liby.so", fn("y", "more"), soname="libY.so.1")
    home.lib("a/libx.so", call("more"), needs=["c/liby.so"], runpath="$ORIGIN/../c")
    return Case(["-b/liby.so", "-a/libx.so", "-c/liby.so", "-a/libx.so"])


@case
def a_soname_is_known_once_it_was_asked_for(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"), soname="libY.so.1")
    return Case(["-b/liby.so", "-libY.so.1", "-./b/liby.so", "-liby.so"])


@case
def links_to_one_file(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    (home.path / "b" / "libsoft.so").symlink_to("liby.so")
    (home.path / "b" / "libhard.so").hardlink_to(home.path / "b" / "liby.so")
    home.lib("a/libx.so", "", needs=["b/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-b/libsoft.so", "-b/libhard.so", "-b/liby.so", "-a/libx.so"])


@case
def the_origin_of_a_link_is_where_the_link_is(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN")
    (home.path / "b" / "libx.so").symlink_to("../a/libx.so")
    return Case(["-a/libx.so", "-b/libx.so"])


@case
def without_a_soname(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"), soname="")
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"])
    return Case([f"-{home.path}/b/liby.so", "-a/libx.so"])


@case
def a_name_learnt_in_a_failed_opening_stays(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"), soname="libY.so.1")
    (home.path / "c").mkdir()
    (home.path / "c" / "libalias.so").symlink_to("../b/liby.so")
    home.lib("stub/libalias.so", fn("y"))
    home.lib("a/libbad.so", call("none", "y"), needs=["stub/libalias.so"], runpath="$ORIGIN/../c")
    home.lib("a/libx.so", call("y"), needs=["stub/libalias.so"])
    return Case(["-b/liby.so", "-a/libx.so", "-a/libbad.so", "-a/libx.so"])


# --- preloading, scopes ------------------------------------------------------------------------


@case
def preloaded(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"))
    return Case(["-a/libx.so"], {"LD_PRELOAD": f"{home.path}/b/liby.so"})


@case
def preloaded_by_name_and_missing(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"])
    environ = {"LD_PRELOAD": "none.so liby.so:none/libx.so", "LD_LIBRARY_PATH": "b"}
    return Case(["-a/libx.so"], environ)


@case
def a_module_without_links(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"))
    return Case(["-b/liby.so", "-a/libx.so", "+b/liby.so", "-a/libx.so"])


@case
def offered_to_all(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"))
    return Case(["+b/liby.so", "-a/libx.so"])


@case
def what_an_offered_library_needs_is_offered_too(home: Home) -> Case:
    home.lib("b/libz.so", fn("z"))
    home.lib("b/liby.so", fn("y"), needs=["b/libz.so"], runpath="$ORIGIN")
    home.lib("a/libx.so", call("z"))
    return Case(["-a/libx.so", "+b/liby.so", "-a/libx.so"])


@case
def a_needed_library_is_in_the_scope_of_the_opened_one_only(home: Home) -> Case:
    home.lib("b/liby.so", call("w", by="y"))
    home.lib("b/libw.so", fn("w"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so", "b/libw.so"], runpath="$ORIGIN/../b")
    return Case(["-b/liby.so", "-a/libx.so", "-b/liby.so"])


@case
def offered_later(home: Home) -> Case:
    home.lib("b/libz.so", fn("z"))
    home.lib("b/liby.so", fn("y"), needs=["b/libz.so"], runpath="$ORIGIN")
    home.lib("a/libx.so", call("y"))
    home.lib("a/libw.so", call("z"))
    return Case(["-b/liby.so", "-a/libx.so", "+b/libz.so", "-a/libw.so", "-a/libx.so"])


@case
def a_failed_opening_offers_nothing(home: Home) -> Case:
    home.lib("b/liby.so", fn("y") + call("none", by="z"))
    home.lib("a/libx.so", call("y"))
    return Case(["+b/liby.so", "-a/libx.so"])


@case
def weak_names_may_be_missing(home: Home) -> Case:
    home.lib("a/libx.so", "extern int y(void) __attribute__((weak)); int x(void) {return y();}")
    return Case(["-a/libx.so"])


@case
def weak_definitions_count(home: Home) -> Case:
    home.lib("b/liby.so", "__attribute__((weak)) int y(void) { return 1; }")
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def hidden_definitions_do_not(home: Home) -> Case:
    home.lib("b/liby.so", '__attribute__((visibility("hidden"))) int y(void) { return 1; }')
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


SYMBOLS = {
    "hidden": {"other": 2},
    "internal": {"other": 1},
    "protected": {"other": 3},
    "local": {"info": 0x02},
    "weak": {"info": 0x22},
    "unique": {"info": 0xA2},
    "nameless": {"info": 0x13},
    "undefined": {"section": 0},
    "empty": {"value": 0},
    "absolute": {"value": 0, "section": 0xFFF1},
    "empty_variable": {"value": 0, "info": 0x16},
}


@case
def all_kinds_of_symbols(home: Home) -> Case:
    for name, fields in SYMBOLS.items():
        found = home.lib(f"b/lib{name}.so", fn("y"))
        home.lib(f"a/{name}.so", call("y"), needs=[f"b/lib{name}.so"], runpath="$ORIGIN/../b")
        with_symbol(found, "y", **fields)
    return Case([f"-a/{name}.so" for name in SYMBOLS])


@case
def protected_definitions_do(home: Home) -> Case:
    home.lib("b/liby.so", '__attribute__((visibility("protected"))) int y(void) { return 1; }')
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def bound_to_itself_first(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", fn("y") + call("y", "none"), "-Wl,-Bsymbolic", needs=["b/liby.so"])
    return Case(["-a/libx.so", "+b/liby.so", "-a/libx.so"])


@case
def thread_local_variables(home: Home) -> Case:
    home.lib("b/liby.so", "__thread int y;")
    home.lib("a/libx.so", "extern __thread int y; int x(void) { return y; }")
    return Case(["-a/libx.so", "+b/liby.so", "-a/libx.so"])


@case
def an_auxiliary_library(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), "-Wl,--auxiliary=liby.so", runpath="$ORIGIN/../b")
    home.lib("a/libw.so", fn("w"), "-Wl,--auxiliary=libnone.so")
    home.lib("a/libz.so", fn("z"), "-Wl,--filter=libnone.so")
    return Case(["-a/libx.so", "-a/libw.so", "-a/libz.so"])


@case
def a_filter_is_searched_first_and_relocated_later(home: Home) -> Case:
    home.lib("b/libown.so", fn("y") + call("none_y", by="z"))
    home.lib("a/libx.so", call("none_x"), "-Wl,--filter=libown.so", runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


# --- what is missing first ------------------------------------------------------------------------


@case
def data_before_functions(home: Home) -> Case:
    source = call("f1", "f2") + "extern int d1, d2; int *p = &d2; int *q(void) { return &d1; }"
    home.lib("a/libx.so", source)
    return Case(["-a/libx.so"])


@case
def dependencies_before_what_needs_them(home: Home) -> Case:
    home.lib("b/libz.so", call("none_z", by="z"))
    home.lib("b/liby.so", call("none_y", by="y"), needs=["b/libz.so"], runpath="$ORIGIN")
    home.lib("a/libx.so", call("none_x"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def a_diamond(home: Home) -> Case:
    home.lib("b/libz.so", call("none_z", by="z"))
    home.lib("b/liby.so", call("none_y", by="y"), needs=["b/libz.so"], runpath="$ORIGIN")
    home.lib("b/libw.so", call("none_w", by="w"), needs=["b/libz.so"], runpath="$ORIGIN")
    needs = ["b/libw.so", "b/liby.so"]
    home.lib("a/libx.so", call("none_x"), needs=needs, runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def a_cycle(home: Home) -> Case:
    home.lib("b/libz.so", fn("z"))
    home.lib("b/liby.so", call("none_y", by="y"), needs=["b/libz.so"], runpath="$ORIGIN")
    home.lib("b/libz.so", call("none_z", by="z"), needs=["b/liby.so"], runpath="$ORIGIN")
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so", "-b/libz.so"])


@case
def a_cycle_through_the_opened_one(home: Home) -> Case:
    home.lib("b/libx.so", fn("x"))
    home.lib("b/liby.so", call("none_y", by="y"), needs=["b/libx.so"], runpath="$ORIGIN")
    home.lib("b/libx.so", call("none_x", by="x"), needs=["b/liby.so"], runpath="$ORIGIN")
    return Case(["-b/libx.so", "-b/liby.so"])


@case
def failing_then_succeeding(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"])
    home.lib("a/libw.so", call("none"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so", "-a/libw.so", "-b/liby.so", "-a/libw.so", "-a/libx.so"])


# --- versions ----------------------------------------------------------------------------------

V1 = "V_1 { global: *; };"
V2 = "V_1 { global: y; local: *; }; V_2 { global: more; } V_1;"


@case
def an_older_library_lacks_a_version(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y", "more"), versions=V2)
    home.lib("b/liby.so", fn("y"), versions=V1)
    home.lib("a/libx.so", call("y", "more"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def an_older_library_lacks_a_symbol_of_a_version(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y", "more"), versions=V1)
    home.lib("b/liby.so", fn("y"), versions=V1)
    home.lib("a/libx.so", call("y", "more"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def another_library_has_the_symbol_of_the_version(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y", "more"), versions=V1)
    home.lib("b/liby.so", fn("y"), versions=V1)
    home.lib("b/libz.so", fn("more"), versions=V1)
    needs = ["stub/liby.so", "b/libz.so"]
    home.lib("a/libx.so", call("y", "more"), needs=needs, runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def a_library_without_versions_where_some_are_needed(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y"), versions=V1)
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def a_library_that_needs_versions_and_defines_none(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y"), versions=V1)
    home.lib("b/liby.so", "#include <stdio.h>\nint y(void) { return puts(0); }", "-lc")
    home.lib("a/libx.so", call("y"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def another_library_without_versions_has_the_symbol(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y"), versions=V1)
    home.lib("b/liby.so", fn("other"), versions=V1)
    home.lib("b/libz.so", fn("y"))
    needs = ["stub/liby.so", "b/libz.so"]
    home.lib("a/libx.so", call("y"), needs=needs, runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def no_version_asked_for(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y"))
    home.lib("b/liby.so", fn("y"), versions=V1)
    home.lib("a/libx.so", call("y"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


OLD_AND_NEW = """
int old(void) { return 1; } int new(void) { return 2; }
__asm__(".symver old,y@V_1"); __asm__(".symver new,y@@V_2");
"""
OLD_ONLY = 'int old(void) { return 1; }\n__asm__(".symver old,y@V_1");'
THIRD = """
int old(void) { return 1; } int new(void) { return 2; }
__asm__(".symver old,y@V_2"); __asm__(".symver new,y@@V_3");
"""


@case
def no_version_asked_for_of_several(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y"))
    home.lib("b/liby.so", OLD_AND_NEW, versions="V_1 { }; V_2 { };")
    home.lib("a/libx.so", call("y"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def no_version_asked_for_and_only_a_hidden_one_there(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y"))
    home.lib("b/liby.so", OLD_ONLY, versions="V_1 { };")
    home.lib("c/liby.so", OLD_ONLY.replace("V_1", "V_2"), versions="V_1 { }; V_2 { };")
    home.lib("a/libx.so", call("y"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    home.lib("a/libw.so", call("y"), needs=["stub/liby.so"], runpath="$ORIGIN/../c")
    return Case(["-a/libw.so", "-a/libx.so"])


@case
def no_version_asked_for_and_only_later_ones_there(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y"))
    home.lib("b/liby.so", THIRD, versions="V_1 { }; V_2 { }; V_3 { };")
    home.lib("a/libx.so", call("y"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def the_old_version_asked_for(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y"), versions="V_1 { global: y; };")
    home.lib("b/liby.so", OLD_AND_NEW, versions="V_1 { }; V_2 { };")
    home.lib("a/libx.so", call("y"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def the_symbol_has_only_another_version(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y"), versions="V_1 { global: y; };")
    home.lib("b/liby.so", fn("y"), versions="V_1 { }; V_2 { global: y; };")
    home.lib("a/libx.so", call("y"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def the_symbol_is_there_without_a_version(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y"), versions="V_1 { global: y; };")
    home.lib("b/liby.so", fn("y"), versions="V_1 { global: other; };")
    home.lib("a/libx.so", call("y"), needs=["stub/liby.so"], runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def versions_are_checked_before_symbols(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y", "more"), versions=V2)
    home.lib("b/liby.so", fn("y"), versions=V1)
    home.lib("b/libz.so", call("none", by="z"))
    needs = ["b/libz.so", "stub/liby.so"]
    home.lib("a/libx.so", call("y", "more"), needs=needs, runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def versions_of_the_c_library(home: Home) -> Case:
    home.lib("a/libx.so", "#include <stdio.h>\nint x(void) { return puts(0); }", "-lc")
    return Case(["-a/libx.so"])


@case
def both_kinds_of_hash_tables(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"), "-Wl,--hash-style=sysv", versions=V1)
    home.lib("b/libz.so", fn("z"), "-Wl,--hash-style=both")
    needs = ["b/liby.so", "b/libz.so"]
    home.lib("a/libx.so", call("y", "z", "none"), needs=needs, runpath="$ORIGIN/../b")
    return Case(["-a/libx.so"])


# --- files that are no libraries -----------------------------------------------------------------


def written(home: Home, file: str, data: bytes) -> None:
    path = home.path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@case
def texts_and_short_files(home: Home) -> Case:
    written(home, "a/text.so", b"INPUT ( libm.so.6 )" * 10)
    written(home, "a/short.so", b"\x7fELF")
    written(home, "a/empty.so", b"")
    return Case(["-a/text.so", "-a/short.so", "-a/empty.so"])


@case
def a_text_stops_a_search(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    written(home, "c/liby.so", b"GROUP ( liby.so.1 )" * 10)
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../c:$ORIGIN/../b")
    return Case(["-a/libx.so"])


@case
def a_directory(home: Home) -> Case:
    (home.path / "c" / "liby.so").mkdir(parents=True)
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../c:$ORIGIN/../b")
    return Case(["-c/liby.so", "-a/libx.so"])


@case
def a_dangling_link(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    (home.path / "c").mkdir()
    (home.path / "c" / "liby.so").symlink_to("nothing")
    (home.path / "c" / "loop.so").symlink_to("loop.so")
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../c:$ORIGIN/../b")
    environ = {"LD_LIBRARY_PATH": f"{home.path}/c"}
    return Case(["-c/liby.so", "-c/loop.so", "-loop.so", "-a/libx.so"], environ)


def patched(home: Home, file: str, source: str, at: int, data: bytes) -> None:
    content = bytearray((home.path / source).read_bytes())
    content[at : at + len(data)] = data
    written(home, file, bytes(content))


@case
def another_word_size_or_processor(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    patched(home, "c/liby.so", "b/liby.so", 4, b"\x01")
    patched(home, "d/liby.so", "b/liby.so", 18, struct.pack("<H", 183))
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../c:$ORIGIN/../d")
    where = "$ORIGIN/../c:$ORIGIN/../d:$ORIGIN/../b"
    home.lib("a/libw.so", call("y"), needs=["b/liby.so"], runpath=where)
    return Case(["-c/liby.so", "-d/liby.so", "-a/libx.so", "-a/libw.so"])


HEADERS = {
    "order.so": (5, b"\x02"),
    "version.so": (6, b"\x02"),
    "system.so": (7, b"\x09"),
    "abi.so": (8, b"\x01"),
    "gnu.so": (7, b"\x03\x01"),
    "newer.so": (7, b"\x03\x09"),
    "padding.so": (12, b"\x01"),
    "object.so": (16, b"\x01"),
    "program.so": (16, b"\x02"),
    "entry.so": (54, b"\x01"),
    "second.so": (20, b"\x02"),
}


@case
def odd_headers(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    for name, (at, data) in HEADERS.items():
        patched(home, f"a/{name}", "b/liby.so", at, data)
    return Case([f"-a/{name}" for name in HEADERS])


@case
def segments_that_cannot_be_loaded(home: Home) -> Case:
    data = home.lib("b/liby.so", fn("y")).read_bytes()
    (headers,), (count,) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<H", data, 56)
    none, moved = bytearray(data), bytearray(data)
    for at in range(headers, headers + 56 * count, 56):
        kind, _, offset = struct.unpack_from("<IIQ", data, at)
        if kind == 1:
            struct.pack_into("<I", none, at, 0)
            struct.pack_into("<Q", moved, at + 8, offset + 16)
    written(home, "a/none.so", bytes(none))
    written(home, "a/moved.so", bytes(moved))
    return Case(["-a/none.so", "-a/moved.so"])


@case
def programs(home: Home) -> Case:
    build_program(home.path / "a" / "pie", "-pie")
    build_program(home.path / "a" / "fixed", "-no-pie")
    return Case(["-a/pie", "-a/fixed"])


@case
def an_executable_stack(home: Home) -> Case:
    home.lib("a/libx.so", fn("x"), "-Wl,-z,execstack")
    home.lib("a/liby.so", fn("y"), "-Wl,-z,noexecstack")
    return Case(["-a/libx.so", "-a/liby.so"])


@case
def not_for_dlopen(home: Home) -> Case:
    home.lib("a/libx.so", fn("x"), "-Wl,-z,nodlopen")
    home.lib("a/liby.so", call("x"), needs=["a/libx.so"], runpath="$ORIGIN")
    return Case(["-a/libx.so", "-a/liby.so"])


@case
def a_program_for_a_fixed_address(home: Home) -> Case:
    home.lib("a/libx.so", "extern void *stdout; extern int main(int, char **); int (*m)() = main;")
    return Case(["-a/libx.so"], program=home.program("-no-pie", "-rdynamic"))


@case
def names_of_the_program(home: Home) -> Case:
    home.lib("a/libx.so", "extern int main(int, char **); int (*m)(int, char **) = main;")
    return Case(["-a/libx.so"])


@case
def the_program_has_libraries(home: Home) -> Case:
    home.lib("b/libz.so", fn("z"))
    home.lib("b/liby.so", call("z", by="y"), needs=["b/libz.so"], runpath="$ORIGIN")
    home.lib("a/libx.so", call("y", "z", "puts"))
    program = home.program("-Wl,-rpath,$ORIGIN/b", needs=["b/liby.so"])
    return Case(["-a/libx.so", "-libz.so"], program=program)


@pytest.mark.parametrize("name", CASES)
def test_the_simulation_does_what_the_loader_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    todo = CASES[name](home)
    program = todo.program or home.program()
    monkeypatch.chdir(tmp_path)
    one = process(str(program), todo.environ)
    agree(one, todo.steps, real(program, todo.steps, todo.environ, tmp_path))
    assert not one.unknown


@pytest.mark.parametrize("seed", range(40))
def test_random_environments(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs_for_all: Sequence[Path]
) -> None:
    todo = environment(seed, tmp_path)
    program = programs_for_all[todo.program]
    monkeypatch.chdir(tmp_path)
    expected = real(program, todo.steps, todo.variables, tmp_path)
    one = process(str(program), todo.variables)
    agree(one, todo.steps, expected)
    assert not one.unknown


@pytest.fixture(scope="module")
def programs_for_all(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    home = tmp_path_factory.mktemp("programs")
    return [build_program(home / str(each), *flags) for each, flags in enumerate(PROGRAMS)]


# --- programs that do not start -----------------------------------------------------------------


def a_missing_library(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("b/libown.so", "", needs=["b/liby.so"])
    program = home.program(needs=["b/libown.so"])
    return Case(["-libc.so.6"], {"LD_LIBRARY_PATH": "$ORIGIN/none"}, program)


def a_missing_version(home: Home) -> Case:
    home.lib("stub/liby.so", fn("y", "more"), versions=V2)
    home.lib("b/liby.so", fn("y"), versions=V1)
    home.lib("b/libz.so", call("more"), needs=["stub/liby.so"])
    program = home.program(f"-Wl,-rpath-link,{home.path}/stub", needs=["b/libz.so"])
    return Case(["-libc.so.6"], {"LD_LIBRARY_PATH": f"{home.path}/b"}, program)


def a_preloaded_library_without_its_own(home: Home) -> Case:
    home.lib("b/liby.so", fn("y"))
    home.lib("b/libz.so", "", needs=["b/liby.so"])
    return Case(["-libc.so.6"], {"LD_PRELOAD": f"{home.path}/b/libz.so"})


def a_preloaded_library_without_data(home: Home) -> Case:
    home.lib("b/libz.so", "extern int none; int *z = &none;")
    return Case(["-libc.so.6"], {"LD_PRELOAD": f"{home.path}/b/libz.so"})


def a_preloaded_library_without_a_function_that_is_bound_now(home: Home) -> Case:
    home.lib("b/libz.so", call("none"), "-Wl,-z,now")
    return Case(["-libc.so.6"], {"LD_PRELOAD": f"{home.path}/b/libz.so"})


def all_functions_bound_now(home: Home) -> Case:
    home.lib("b/libz.so", call("none"), "-Wl,-z,lazy")
    environ = {"LD_PRELOAD": f"{home.path}/b/libz.so", "LD_BIND_NOW": "1"}
    return Case(["-libc.so.6"], environ)


@pytest.mark.parametrize(
    "build",
    [
        a_missing_library,
        a_missing_version,
        a_preloaded_library_without_its_own,
        a_preloaded_library_without_data,
        a_preloaded_library_without_a_function_that_is_bound_now,
        all_functions_bound_now,
    ],
)
def test_a_program_that_does_not_start(
    build: Callable[[Home], Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    todo = build(home)
    program = todo.program or home.program()
    monkeypatch.chdir(tmp_path)
    one = process(str(program), todo.environ)
    (only,) = real(program, todo.steps, todo.environ, tmp_path)
    assert only.answer is not None
    assert one.failure is not None
    assert one.failure.fatal
    assert one.failure.text in only.answer
    assert one.open("libc.so.6") == one.failure


def test_a_function_of_a_preloaded_library_may_be_missing_until_it_is_called(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path)
    home.lib("b/libz.so", call("none"), "-Wl,-z,lazy")
    environ = {"LD_PRELOAD": f"{tmp_path}/b/libz.so"}
    program = home.program()
    agree(process(str(program), environ), [], real(program, [], environ, tmp_path))


# --- what the answers say -------------------------------------------------------------------------


def test_by_what_each_library_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    for name in ("pre", "one", "two", "three", "four"):
        home.lib(f"{name}/lib{name}.so", fn(name))
    needs = [f"{name}/lib{name}.so" for name in ("one", "two")]
    zlib = "/lib/x86_64-linux-gnu/libz.so.1"
    home.lib("a/libr.so", "", needs=[*needs, zlib], rpath="/none:$ORIGIN/../one:../two")
    needs = [f"{name}/lib{name}.so" for name in ("three", "four")]
    home.lib("a/libn.so", "", needs=needs, runpath="/none:${ORIGIN}/../three")
    monkeypatch.chdir(tmp_path / "a")
    environ = {"LD_LIBRARY_PATH": "/none:$ORIGIN/four", "LD_PRELOAD": "../pre/libpre.so"}
    one: Process = process(str(home.program()), environ)
    assert one.open("./libr.so") is None
    assert one.open("./libn.so") is None
    found = {each.asked: (each.found, each.where, each.of) for each in one.opened}
    assert found["../pre/libpre.so"][:2] == (Found.PRELOAD, "")
    assert found["libone.so"] == (Found.RPATH, "$ORIGIN/../one", "./libr.so")
    assert found["libtwo.so"] == (Found.RPATH, "../two", "./libr.so")
    assert found["libz.so.1"] == (Found.CACHE, "/lib/x86_64-linux-gnu", None)
    assert found["./libn.so"] == (Found.PATH, "", None)
    assert found["libthree.so"] == (Found.RUNPATH, "${ORIGIN}/../three", "./libn.so")
    assert found["libfour.so"] == (Found.VARIABLE, "$ORIGIN/four", None)
    needed_by = {each.asked: each.by for each in one.opened}
    assert needed_by["libone.so"] == "./libr.so"
    assert needed_by["./libn.so"] is None


def test_an_older_copy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    an_older_library_lacks_a_version(home)
    home.lib("c/liby.so", fn("y"), versions="V_2 { global: y; };")
    monkeypatch.chdir(tmp_path)
    program = str(home.program())
    failure = process(program, {}).open("a/libx.so")
    assert failure is not None
    assert (failure.kind, failure.file) == (Refusal.NO_VERSION, "a/libx.so")
    assert (failure.version, failure.library) == ("V_2", "liby.so")
    assert failure.copy is not None
    assert failure.copy.path == f"{tmp_path}/a/../b/liby.so"
    failure = process(program, {"LD_LIBRARY_PATH": "c"}).open("a/libx.so")
    assert failure is not None
    assert (failure.kind, failure.symbol, failure.version) == (Refusal.NO_VERSION, None, "V_1")
    assert failure.copy is not None
    assert (failure.copy.path, failure.copy.found) == ("c/liby.so", Found.VARIABLE)


def test_the_copy_that_lacks_a_symbol_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    an_older_library_lacks_a_symbol_of_a_version(home)
    monkeypatch.chdir(tmp_path)
    failure = process(str(home.program()), {}).open("a/libx.so")
    assert failure is not None
    assert (failure.kind, failure.file) == (Refusal.NO_SYMBOL, "a/libx.so")
    assert (failure.symbol, failure.version, failure.library) == ("more", "V_1", "liby.so")
    assert failure.copy is not None
    assert failure.copy.where == "$ORIGIN/../b"


def test_what_is_missing_is_said_of_the_library_that_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    missing(home)
    monkeypatch.chdir(tmp_path)
    failure = process(str(home.program()), {}).open("a/libx.so")
    assert failure is not None
    assert (failure.kind, failure.file) == (Refusal.NO_LIBRARY, "a/libx.so")
    assert (failure.library, failure.symbol, failure.copy) == ("liby.so", None, None)


def test_a_fork_is_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    offered_to_all(home)
    monkeypatch.chdir(tmp_path)
    one = process(str(home.program()), {})
    other = one.fork()
    assert one.open("b/liby.so", everywhere=True) is None
    third = one.fork()
    assert other.open("a/libx.so") is not None
    assert third.open("a/libx.so") is None
    assert [each.asked for each in third.opened][-2:] == ["b/liby.so", "a/libx.so"]
    assert [each.asked for each in one.opened][-1:] == ["b/liby.so"]
    assert one.open("a/libx.so") is None


def test_a_library_searches_for_what_it_opens_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", "", runpath="$ORIGIN/../b")
    monkeypatch.chdir(tmp_path)
    one = process(str(home.program()), {})
    assert one.open("a/libx.so") is None
    assert one.open("liby.so") is not None
    assert one.open("liby.so", by="a/libx.so") is None
    assert (one.opened[-1].found, one.opened[-1].by) == (Found.RUNPATH, None)


# --- what is not known ---------------------------------------------------------------------------


def test_a_file_that_is_cut_short_is_not_called_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    whole = home.lib("b/liby.so", fn("y")).read_bytes()
    home.lib("a/libx.so", call("y"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    monkeypatch.chdir(tmp_path)
    program = str(home.program())
    for size in range(64, len(whole), 256):
        written(home, "b/liby.so", whole[:size])
        one = process(program, {})
        failure = one.open("a/libx.so")
        assert failure is not None or one.unknown or size >= _end_of_segments(whole)


def _end_of_segments(data: bytes) -> int:
    (headers,), (count,) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<H", data, 56)
    ends = []
    for at in range(headers, headers + 56 * count, 56):
        kind, offset, size = struct.unpack_from("<I4xQ16xQ", data, at)
        ends += [int(offset + size)] if kind == 1 else []
    return max(ends)


def test_symbols_of_an_unread_library_are_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    home.lib("b/liby.so", fn("y"))
    home.lib("a/libx.so", call("y", "none"), needs=["b/liby.so"], runpath="$ORIGIN/../b")
    content = bytearray((tmp_path / "b/liby.so").read_bytes())
    headers, count = struct.unpack_from("<Q", content, 32)[0], content[56]
    for at in range(headers, headers + 56 * count, 56):
        if struct.unpack_from("<I", content, at) == (2,):  # PT_DYNAMIC, which now lies nowhere
            struct.pack_into("<Q", content, at + 8, 1 << 40)
    written(home, "b/liby.so", bytes(content))
    monkeypatch.chdir(tmp_path)
    one = process(str(home.program()), {})
    assert one.open("a/libx.so") is None
    assert any("b/liby.so needs and defines is not known" in each for each in one.unknown)
    assert any("Whether a/libx.so finds all its symbols" in each for each in one.unknown)


@pytest.mark.parametrize("name", ["GLIBC_TUNABLES", "LD_AUDIT"])
def test_a_variable_that_is_not_simulated_is_said(name: str, tmp_path: Path) -> None:
    program = str(Home(tmp_path).program())
    assert process(program, {}).unknown == []
    assert len(process(program, {name: "x"}).unknown) == 1


def test_a_script_is_no_program(tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nexec python3\n")
    with pytest.raises(TargetError, match="python cannot be read"):
        process(str(script), {})
    with pytest.raises(TargetError, match="not a program"):
        process("/lib/x86_64-linux-gnu/libz.so.1", {})


# --- Python, and the loader's own facts ----------------------------------------------------------

PYTHON = """
import ctypes, sys
try:
    ctypes.CDLL(sys.argv[1])
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "name", ["missing", "an_older_library_lacks_a_version", "texts_and_short_files", "a_cycle"]
)
def test_python_says_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    todo = CASES[name](home)
    monkeypatch.chdir(tmp_path)
    path = f"{tmp_path}/{todo.steps[0][1:]}"
    command = [sys.executable, "-I", "-c", PYTHON, path]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={}).stdout
    failure = process(sys.executable, {}).open(path)
    assert failure is not None
    assert failure.text == said.strip()


def test_the_loader_is_read_as_it_sees_itself() -> None:
    listing = subprocess.run(
        [LOADER, "--list-diagnostics"], capture_output=True, text=True, check=True
    ).stdout
    rows = dict(line.split("=", 1) for line in listing.splitlines() if "=" in line)
    facts = {key: value.strip('"') for key, value in rows.items()}
    known = system(LOADER, "x86_64")
    directories = [value for key, value in facts.items() if key.startswith("path.system_dirs")]
    assert known.directories == tuple(directories)
    assert known.lib == facts["dl_dst_lib"]
    assert known.platform == facts["dl_platform"]
    assert ".".join(map(str, known.release)) == facts["version.version"]
    active = int(facts["dl_hwcaps_subdirs_active"], 16).bit_count()
    subdirectories = facts["dl_hwcaps_subdirs"].split(":")
    assert known.levels == tuple(subdirectories[len(subdirectories) - active :])
    assert known.unknown == ()


def test_the_cache_is_read_as_ldconfig_reads_it() -> None:
    listing = subprocess.run(
        ["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True
    ).stdout
    known = system(LOADER, "x86_64")
    found: dict[str, str] = {}
    for line in listing.splitlines():
        if "(libc6,x86-64" in line and "hwcap" not in line:
            name, _, path = line.strip().partition(" => ")
            found.setdefault(name.split(" (")[0], path)
    assert len(found) > 20
    assert {name: known.cache.find(name, ()) for name in found} == found
