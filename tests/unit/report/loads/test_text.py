"""The load matrix as text, rendered from constructed values."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pytest

from torch_abi_audit.model.loads import (
    Absent,
    LibraryLoads,
    LoadMatrix,
    Loads,
    Missing,
    OtherCuda,
    Serving,
)
from torch_abi_audit.model.reports import PackageReport
from torch_abi_audit.report import format_load_matrix
from torch_abi_audit.report.loads.summary import loads_on
from torch_abi_audit.report.style import COLOUR
from torch_abi_audit.runtime.records import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

LETTERS = {"y": Loads.YES, "n": Loads.NO, "c": Loads.NEEDS_CUDA, "u": Loads.UNKNOWN}
RELEASES = ("2.8.0", "2.9.0", "2.9.1", "2.10.0", "2.11.0")
PATH = PurePath("/site/p/_C.so")
OPEN_END = "(not stable: later releases are unknown)"
ALSO = "with a CUDA build of torch also"


def answers(letters: str) -> dict[str, Loads]:
    return {release: LETTERS[each] for release, each in zip(RELEASES, letters, strict=True)}


def library(letters: str, path: PurePath = PATH, **changes: Any) -> LibraryLoads:
    lacking = tuple(one for one, each in answers(letters).items() if each is Loads.NO)
    missing = (Missing(b"_ZN2at1aEv", "at::a()", lacking),) if lacking else ()
    made = LibraryLoads(
        path, "x86_64", "linux_x86_64", stable=False, loads_on=answers(letters), missing=missing
    )
    return replace(made, **changes)


def matrix(letters: str, *libraries: LibraryLoads, **changes: Any) -> LoadMatrix:
    made = LoadMatrix(
        releases=RELEASES,
        libraries=libraries or (library(letters),),
        loads_on=answers(letters),
        known_to="2.11.0",
    )
    return replace(made, **changes)


def text(value: LoadMatrix, **options: bool) -> list[str]:
    report = PackageReport("p", PurePath("/site/p"), loads=value)
    return format_load_matrix(report, **options).splitlines()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("letters", "open_upwards", "expected"),
    [
        ("nnyyy", True, "torch 2.9.1 to 2.11.0 (stable: and later)"),
        ("nnnny", True, "torch 2.11.0 (stable: and later)"),
        ("nnyyy", False, "torch 2.9.1 to 2.11.0 (not stable: later releases are unknown)"),
        ("nyynn", False, "2.9.0, 2.9.1 only; 2.10.0 lacks at::a()"),
        ("yyynn", False, "2.8.0 to 2.9.1 only; 2.10.0 lacks at::a()"),
        ("ynyyn", False, "2.8.0, 2.9.1, 2.10.0 only; 2.11.0 lacks at::a()"),
        ("nnnnn", False, "no torch from 2.8.0 to 2.11.0; 2.11.0 lacks at::a()"),
        ("ccccc", False, f"torch 2.8.0 to 2.11.0, with a CUDA build of torch {OPEN_END}"),
        ("cccyy", True, f"torch 2.10.0, 2.11.0; {ALSO} 2.8.0 to 2.9.1 (stable: and later)"),
        ("uuuuu", False, "unknown (newer than the export index)"),
        ("nuuuu", False, "not on 2.8.0; unknown for other releases; 2.8.0 lacks at::a()"),
    ],
)
def test_the_summary(letters: str, open_upwards: bool, expected: str) -> None:
    assert loads_on(matrix(letters, open_upwards=open_upwards)) == expected


def test_nothing_is_said_of_later_releases_where_the_newest_was_not_asked_for() -> None:
    asked = matrix("nnyyy", open_upwards=True, known_to="2.12.0")
    assert loads_on(asked) == "torch 2.9.1 to 2.11.0"


def test_the_summary_of_what_does_not_use_torch() -> None:
    assert loads_on(LoadMatrix()) == "any torch (no library uses it)"


def test_the_summary_of_a_platform_that_is_not_covered() -> None:
    one = library("uuuuu", platform=None, why_unknown="no torch is built for it")
    assert loads_on(matrix("uuuuu", one)) == "unknown (no torch is built for it)"


def test_the_old_abi_goes_before_names_and_files_before_them() -> None:
    old = library("yynnn", pre_cxx11="2.9.1")
    sentence = "built for the pre-C++11 ABI: no torch since 2.9.1 can load it"
    assert loads_on(matrix("yynnn", old)) == f"2.8.0, 2.9.0 only; {sentence}"
    absent = library("yynnn", absent=(Absent("libcaffe2.so", RELEASES[2:], "gone"),))
    assert loads_on(matrix("yynnn", absent)) == (
        "2.8.0, 2.9.0 only; 2.9.1 lacks libcaffe2.so (gone)"
    )


def test_a_name_that_moved_is_shown_with_where_it_is() -> None:
    moved = Missing(
        b"_ZN2at1aEv",
        "at::a()",
        RELEASES[1:],
        provider="libc10.dylib",
        moved={"2.9.0": "libtorch_cpu.dylib"},
    )
    one = library("ynnnn", missing=(moved,))
    assert loads_on(matrix("ynnnn", one)) == (
        "2.8.0 only; 2.9.0 lacks at::a() in libc10.dylib (it is in libtorch_cpu.dylib)"
    )


def test_neighbours_with_equal_answers_share_a_column() -> None:
    other = library("yyyyn", PurePath("/site/p/other.so"))
    lines = text(matrix("nyyyn", library("nyyyn"), other))
    assert lines[4:8] == [
        "  2.8.0  2.9.0 to 2.10.0  2.11.0",
        "  no     yes              no      _C.so",
        "  yes    yes              no      other.so",
        "  no     yes              no      (the package)",
    ]


def test_columns_beyond_a_page_go_to_a_second_block_and_names_are_whole() -> None:
    releases = tuple(f"2.{minor}.0" for minor in range(10, 40))
    loads = {one: (Loads.YES, Loads.NO)[at % 2] for at, one in enumerate(releases)}
    long = PurePath("/site/p") / ("deep/" * 30 + "_C.so")
    one = LibraryLoads(long, "x86_64", "linux_x86_64", stable=False, loads_on=loads)
    value = LoadMatrix(releases=releases, libraries=(one,), loads_on=loads, known_to="2.39.0")
    rows = [line for line in text(value) if line.endswith("deep/_C.so") and ":" not in line]
    assert len(rows) == 3
    heads = [line for line in text(value) if line.startswith("  2.")]
    assert " ".join(heads).split() == list(releases)


def test_reasons_are_told_once_for_all_libraries_that_share_them() -> None:
    twin = library("nyyyn", PurePath("/site/p/twin.so"))
    lines = text(matrix("nyyyn", library("nyyyn"), twin))
    at = lines.index("  _C.so:")
    assert lines[at : at + 4] == [
        "  _C.so:",
        "  twin.so:",
        "    2.8.0 lacks at::a()",
        "    2.11.0 lacks at::a()",
    ]


def test_verbose_lists_each_name_once_with_its_releases() -> None:
    second = Missing(b"_ZN2at1bEv", "at::b()", RELEASES[3:], instead=("at::b(int)", "at::b(char)"))
    one = library("nyynn")
    one = replace(one, missing=(*one.missing, second))
    plain, verbose = text(matrix("nyynn", one)), text(matrix("nyynn", one), verbose=True)
    assert plain[-2:] == ["    2.8.0 lacks at::a()", "    2.10.0 lacks at::a() and 1 more name"]
    assert verbose[-4:] == [
        "    2.8.0, 2.10.0, 2.11.0 lack at::a()",
        "    2.10.0, 2.11.0 lack at::b()",
        "      exported instead: at::b(int)",
        "      exported instead: at::b(char)",
    ]


def test_variants_say_which_releases_they_serve() -> None:
    libraries: Sequence[LibraryLoads] = [
        library("ynnnn", PurePath("/site/p/torch28/_C.so"), variant="2.8"),
        library("nyynn", PurePath("/site/p/torch29/_C.so"), variant="2.9"),
        library("nnnnn", PurePath("/site/p/torch27/_C.so"), variant="2.7"),
    ]
    serving = {release: (Serving(release[:3], "", ()),) for release in ("2.8.0", "2.9.0", "2.9.1")}
    lines = text(matrix("yyynn", *libraries, serving=serving))
    assert lines[3:7] == [
        "  loads on: 2.8.0 to 2.9.1 only; it has no variant for 2.10.0, only for 2.7 to 2.9",
        "  Variant for torch 2.8 is used with: 2.8.0",
        "  Variant for torch 2.9 is used with: 2.9.0, 2.9.1",
        "  Variant for torch 2.7 is used with: none of these releases",
    ]


def test_the_old_abi_of_a_variant_is_not_the_headline_of_another_release() -> None:
    old = library("ynnnn", PurePath("/site/p/torch28/_C.so"), variant="2.8", pre_cxx11="2.9.0")
    new = library("nyynn", PurePath("/site/p/torch29/_C.so"), variant="2.9")
    served = {"2.8.0": (Serving("2.8", "", ()),)}
    assert loads_on(matrix("yyynn", old, new, serving=served)) == (
        "2.8.0 to 2.9.1 only; it has no variant for 2.10.0, only for 2.8, 2.9"
    )
    assert loads_on(matrix("nnnnn", old, new)).endswith("only for 2.8, 2.9")


def test_flavours_say_which_releases_they_serve_and_the_cuda_that_is_missing() -> None:
    libraries = [
        library(
            "yyyyy", PurePath(f"/site/p/x_{one}.so"), flavour=one, cuda=(12,), brings={"2.11.0": 13}
        )
        for one in ("cu12", "")
    ]
    serving = {one: (Serving(None, "cu12", ("x_cu12.so",)),) for one in RELEASES}
    other = {"2.11.0": OtherCuda((12,), 13)}
    lines = text(matrix("yyyyy", *libraries, serving=serving, other_cuda=other))
    clause = "needs CUDA 12 where that torch, from the package index, brings CUDA 13"
    assert lines[4:8] == [
        "  Flavour without a name is used with: none of these releases",
        "  Flavour cu12 is used with: 2.8.0 to 2.11.0",
        f"  Note: on torch 2.11.0 it loads by its symbols, but {clause}",
        "  2.8.0 to 2.10.0  2.11.0",
    ]
    assert lines[-1] == "  yes              yes, needs CUDA 12  (the package)"


def test_what_is_not_a_library() -> None:
    value = LoadMatrix(not_a_library="object file")
    assert loads_on(value) == "nothing to load (it is not a library: object file)"


def test_answers_are_coloured_and_control_characters_are_not_written() -> None:
    evil = library("nnnnn", PurePath("/site/p/\x1b[2J.so"))
    report = PackageReport("p", PurePath("/site/p"), loads=matrix("nnnnn", evil))
    plain = format_load_matrix(report)
    assert "\x1b" not in plain
    assert "\x1b[31mno" in format_load_matrix(report, style=COLOUR)
