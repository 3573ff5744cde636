"""The simulated loader of glibc against the real one: the same answers, the same open libraries."""

from __future__ import annotations

import os
import struct
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.loader_oracle import agree, build_program, real
from tests.support.toolchain import gcc
from torch_abi_audit.doctor.elf import process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the loader of Linux x86_64 is asked",
)

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
