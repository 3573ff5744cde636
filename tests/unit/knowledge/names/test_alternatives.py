"""Which libraries of a package stand in each other's place."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from torch_abi_audit.knowledge.names.alternatives import choices
from torch_abi_audit.model.reports import ExtensionReport, PackageReport
from torch_abi_audit.model.verdicts import CPythonABIVerdict, TorchABIVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = tuple(f"_ZN2at{len(each)}{each}Ev".encode() for each in ("add", "mul", "sub", "div", "exp"))
CUDA = (b"_ZN3c104cuda1fEv",)
DEFINES = (b"_ZNR5torch7Library4_defEON3c1014FunctionSchemaE",)


def library(
    path: str, required: Iterable[bytes] = NAMES, *, needed: tuple[str, ...] = (), entry: str = ""
) -> ExtensionReport:
    return ExtensionReport(
        PurePath("/site") / path,
        cpython=CPythonABIVerdict(),
        torch=TorchABIVerdict(uses_torch=True, required=tuple(sorted(required))),
        needed=needed,
        entry_points=(entry,) if entry else (),
    )


def chosen(*libraries: ExtensionReport) -> list[list[tuple[str, str, tuple[str, ...]]]]:
    """The alternatives of each choice: release, flavour and files."""
    report = PackageReport("p", PurePath("/site"), bundled_libs=libraries)
    return [
        [
            (one.release.text if one.release else "", one.flavour, one.files)
            for one in each.alternatives
        ]
        for each in choices(report)
    ]


def flavours(*libraries: ExtensionReport) -> list[list[str]]:
    return [[flavour for _, flavour, _ in each] for each in chosen(*libraries)]


def test_a_number_tells_flavours_of_one_kind_apart() -> None:
    found = flavours(library("p/x_cu118.so", NAMES[:1]), library("p/x_cu126.so", NAMES[3:]))
    assert found == [["cu118", "cu126"]]


def test_one_flavour_alone_is_no_choice() -> None:
    assert chosen(library("p/_C.so"), library("p/_C_cuda.so", (*NAMES, *CUDA))) == []
    assert chosen(library("p/x_cu118.so"), library("p/y_cu126.so")) == []


def test_numbers_that_are_no_release_of_cuda_tell_nothing_apart() -> None:
    assert chosen(library("p/q_cuda_64.so"), library("p/q_cuda_256.so")) == []


def test_devices_are_a_choice_where_the_libraries_have_the_same_role() -> None:
    cpu, cuda = library("p/cpu/_C.so"), library("p/cuda/_C.so", (*NAMES, *CUDA))
    assert flavours(cpu, cuda) == [["cpu", "cuda"]]


def test_kernels_of_two_devices_are_used_together() -> None:
    cpu = library("p/cpu/_C.so", (*NAMES, *DEFINES))
    assert chosen(cpu, library("p/cuda/_C.so", (*NAMES[:2], *CUDA))) == [], "one defines operators"
    assert chosen(library("p/x_cpu.so"), library("p/x_cuda.so", (*NAMES[:1], *CUDA))) == []
    module = library("p/x_cuda.so", entry="PyInit_x_cuda")
    assert chosen(library("p/x_cpu.so"), module) == [], "one is an extension module"


def test_devices_without_torch_are_a_choice_beside_numbers_alone() -> None:
    cpu, cuda = library("p/x_cpu.so", ()), library("p/x_cuda128.so", ())
    assert chosen(cpu, cuda) == []
    assert flavours(cpu, cuda, library("p/x_cuda130.so", ())) == [["cpu", "cuda128", "cuda130"]]


def test_what_is_linked_together_is_no_choice() -> None:
    cu118, cu126 = library("p/x_cu118.so"), library("p/x_cu126.so", needed=("x_cu118.so",))
    assert chosen(cu118, cu126) == []
    user = library("p/_C.so", needed=("x_cpu.so", "x_cuda.so"))
    assert chosen(library("p/x_cpu.so"), library("p/x_cuda.so"), user) == []
    user = library("p/_C.so", needed=("x_cpu.so", "libc.so.6"))
    assert flavours(library("p/x_cpu.so"), library("p/x_cuda.so"), user) == [["cpu", "cuda"]]


def test_a_library_without_a_flavour_is_the_default_beside_numbered_ones_alone() -> None:
    numbered = library("p/x_cu12.so"), library("p/x_cu13.so")
    assert flavours(library("p/x.so"), *numbered) == [["", "cu12", "cu13"]]
    loader = library("p/x.so", NAMES[:1])
    assert flavours(loader, *numbered) == [["cu12", "cu13"]]


def test_a_folder_of_a_flavour_is_used_as_a_whole() -> None:
    found = chosen(
        library("p/cu118/_C.so"),
        library("p/cu126/_C.so"),
        library("p/cu126/libhelper.so", CUDA),
        library("p/common.so"),
    )
    assert found == [
        [
            ("", "cu118", ("p/cu118/_C.so",)),
            ("", "cu126", ("p/cu126/_C.so", "p/cu126/libhelper.so")),
        ]
    ]


def test_variants_and_flavours_together() -> None:
    found = chosen(
        library("build/torch29-cxx11-cu126-x86_64-linux/x_1a.so"),
        library("build/torch29-cxx11-cu128-x86_64-linux/x_2b.so"),
        library("build/torch28-cxx11-cu126-x86_64-linux/x_3c.so"),
    )
    assert [[(release, flavour) for release, flavour, _ in each] for each in found] == [
        [("2.9", "cxx11-cu126"), ("2.9", "cxx11-cu128"), ("2.8", "cxx11-cu126")]
    ]


def test_libraries_that_share_releases_are_chosen_together_and_others_apart() -> None:
    found = chosen(
        *(library(f"p/{name}_torch{at}.so") for name in ("x", "y") for at in (28, 29)),
        *(library(f"p/z_{at}.so") for at in ("cu118", "cu126")),
    )
    assert [[one[:2] for one in each] for each in found] == [
        [("2.8", ""), ("2.9", "")],
        [("", "cu118"), ("", "cu126")],
    ]
    assert found[0][0][2] == ("p/x_torch28.so", "p/y_torch28.so")
