"""The CPython rules on finished reports: which rule fires, for which library and evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support import metadata_values
from tests.support.metadata_values import judged, only, rules
from tests.support.reports import ABI3, NO_TORCH, library, package, reported, reported_as, stable
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.reports import Lent, SliceReport
from torch_abi_audit.model.verdicts import CPythonABIVerdict, TorchABIVerdict

PRIVATE = CPythonABIVerdict(violations=("_PyX", "_PyY"), references=2)
BROKEN = CPythonABIVerdict(intent=True, violations=("_PyX",), references=2)
NO_CAPI = CPythonABIVerdict(intent=True)


@pytest.mark.parametrize(
    ("intent", "floor", "fires"),
    [(True, "3.11", True), (True, "3.10", False), (False, "3.11", False)],
)
def test_the_python_that_may_be_needed(intent: bool, floor: str, fires: bool) -> None:
    verdict = CPythonABIVerdict(
        intent=intent, compliant=True, references=1, min_python=floor, floor_symbols=("PyNew",)
    )
    report = package(library("_C.so", NO_TORCH, verdict))
    assert reported_as(report, python="3.10") == [("P204", "_C.so", ("PyNew",))] * fires


@pytest.mark.parametrize(
    ("cpython", "rule", "message"),
    [
        (PRIVATE, "P202", "built for one Python: imports _PyX and 1 more"),
        (CPythonABIVerdict(), "P202", "does not claim abi3 in its name"),
        (NO_CAPI, "P202", "claims abi3 in its name but imports nothing from CPython"),
        (BROKEN, "P201", "claims abi3 but imports _PyX"),
        (ABI3, None, None),
    ],
)
def test_modules_of_a_package_with_torch(
    cpython: CPythonABIVerdict, rule: str | None, message: str | None
) -> None:
    module = library("_C.so", stable(), cpython, module=True)
    assert [(one.rule, one.message) for one in reported(package(module))] == (
        [(rule, message)] if rule else []
    )


def test_modules_elsewhere_are_nobodys_concern() -> None:
    assert reported_as(package(library("_C.so", NO_TORCH, PRIVATE, module=True))) == []
    assert reported_as(package(library("x.so", stable(), PRIVATE))) == []
    # a broken abi3 claim is reported in any library
    assert reported_as(package(library("x.abi3.so", NO_TORCH, BROKEN))) == [
        ("P201", "x.abi3.so", ("_PyX",))
    ]


def test_python_itself_is_no_module_that_could_be_built_for_abi3() -> None:
    """A libpython exports the entry points of the modules of the standard library."""
    own = library("lib/libpython3.11.dylib", NO_TORCH, module=True)
    assert reported_as(package(own, library("x.so", stable()))) == []


@pytest.mark.parametrize(
    ("name", "fires"), [("_C.so", False), ("_C.cpython-311-x86_64-linux-gnu.so", True)]
)
def test_the_tag_of_its_wheel_is_a_claim_for_a_module(name: str, fires: bool) -> None:
    report = package(library(name, stable(), module=True))
    assert reported_as(replace(report, abi3_since="3.9")) == [("P202", name, ())] * fires
    assert reported_as(report) == [("P202", name, ())]


# --- the claim of a wheel's tags -----------------------------------------------------------------

ABI3_311 = ("cp311-abi3-manylinux_2_28_x86_64",)
MIXED = ("cp311-abi3-linux_x86_64", "cp310-cp310-linux_x86_64")
NOTHING_MORE = ("cp311-abi3-linux_x86_64", "cp311-cp311-linux_x86_64")
"""Python 3.11 is admitted by the first tag as well, so the second one takes nothing back."""
BOTH_KINDS = ("cp315-abi3-linux_x86_64", "cp315-abi3t-linux_x86_64")


def of(name: str, python: CPythonABIVerdict, *, module: bool = False, **image: Any) -> Any:
    return metadata_values.library(name, python=python, module=module, **image)


@pytest.mark.parametrize("name", ["_C.so", "lib/libhelper.so", "pkg.libs/libhelper-1a2b3c4d.so.1"])
@pytest.mark.parametrize("module", [True, False])
@pytest.mark.parametrize(
    ("tags", "fires"),
    [(ABI3_311, True), (BOTH_KINDS, True), (NOTHING_MORE, True), (MIXED, False), ((), False)],
)
def test_names_outside_of_the_stable_abi(
    name: str, module: bool, tags: tuple[str, ...], fires: bool
) -> None:
    report = judged(of(name, PRIVATE, module=module), tags=tags)
    assert rules(report) == ["P205"] * fires
    if fires:
        said = only(report, "P205")
        assert said.evidence == PRIVATE.violations
        assert said.message.startswith(
            "imports _PyX and 1 more from outside of the CPython Stable ABI, but the wheel is "
            f"tagged {tags[0].rpartition('-')[0]}"
        )


def test_a_claim_in_the_name_is_reported_by_its_own_rule() -> None:
    broken = CPythonABIVerdict(intent=True, violations=("_PyX",), references=1)
    assert rules(judged(of("_C.abi3.so", broken), tags=ABI3_311)) == []  # P201 reads the report


def test_the_names_of_every_slice_count() -> None:
    slices = tuple(
        SliceReport(arch, CPythonABIVerdict(violations=(name,)), TorchABIVerdict())
        for arch, name in (("x86_64", "_PyX"), ("arm64", "_PyY"))
    )
    one = replace(of("x.dylib", PRIVATE, format=Format.MACHO, arch="arm64"), slices=slices)
    report = judged(one, tags=("cp311-abi3-macosx_11_0_arm64",))
    assert only(report, "P205").evidence == ("_PyX", "_PyY")


def test_a_link_to_the_dll_of_one_python() -> None:
    tags = ("cp311-abi3-win_amd64",)
    fine = CPythonABIVerdict(compliant=True, references=1, min_python="3.2")
    pe: Any = {"format": Format.PE, "arch": "x86_64"}
    bad = judged(of("x.dll", fine, needed=("python311.dll",), **pe), tags=tags)
    assert rules(bad) == ["P205"]
    assert only(bad, "P205").message == (
        "is linked to python311.dll, but the wheel is tagged cp311-abi3"
    )
    assert rules(judged(of("x.dll", fine, needed=("python3.dll",), **pe), tags=tags)) == []


def test_files_that_only_one_python_imports_are_not_held_to_the_claim() -> None:
    each = [f"_C.cpython-3{minor}-x86_64-linux-gnu.so" for minor in (11, 12)]
    assert rules(judged(*(of(name, PRIVATE, module=True) for name in each), tags=ABI3_311)) == []
    assert rules(judged(of(each[0], PRIVATE, module=True), tags=ABI3_311)) == ["M311", "P205"]


def test_python_itself_is_not_held_to_the_claim() -> None:
    assert rules(judged(of("lib/libpython3.11.so.1.0", PRIVATE), tags=ABI3_311)) == []


def floor(added: str, since: str, **other: Any) -> CPythonABIVerdict:
    return CPythonABIVerdict(
        compliant=True,
        references=2,
        min_python=added,
        floor_symbols=("PyNew",),
        exported_since=since,
        late_symbols=("PyNew",) if since == added else ("PyLate",),
        **other,
    )


@pytest.mark.parametrize(
    ("verdict", "severity", "message"),
    [
        (floor("3.11", "3.11"), None, None),
        (
            floor("3.12", "3.12"),
            Severity.ERROR,
            "needs Python 3.12, but its wheel is tagged for 3.11",
        ),
        (
            floor("3.14", "3.13"),
            Severity.ERROR,
            (
                "imports PyLate, new in Python 3.13, and PyNew, in the Stable ABI since Python "
                "3.14, but its wheel is tagged for 3.11"
            ),
        ),
        (
            floor("3.12", "3.9"),
            Severity.WARNING,
            (
                "imports PyNew, in the Stable ABI since Python 3.12, but its wheel is tagged for "
                "3.11; the older Pythons that install it export the same names, without the "
                "promise to keep them"
            ),
        ),
    ],
)
@pytest.mark.parametrize("name", ["_C.abi3.so", "_C.so", "libhelper.so"])
def test_a_floor_above_the_tag(
    name: str, verdict: CPythonABIVerdict, severity: Severity | None, message: str | None
) -> None:
    one = of(name, replace(verdict, intent=".abi3." in name))
    report = judged(one, tags=ABI3_311)
    assert [(each.severity, each.message) for each in report.findings] == (
        [] if severity is None else [(severity, message)]
    )
    assert rules(judged(one, tags=ABI3_311, python=">=3.14")) == []
    for_one = rules(judged(one, tags=("cp311-cp311-linux_x86_64",)))
    late = verdict.exported_since in ("3.12", "3.13") and ".abi3." not in name
    assert for_one == ["P206"] * late


def test_one_name_that_is_new_and_stable_later_is_named_once() -> None:
    verdict = replace(floor("3.14", "3.13"), late_symbols=("PyNew",))
    report = judged(of("libhelper.so", verdict), tags=ABI3_311)
    assert only(report, "P203").message == (
        "imports PyNew, new in Python 3.13, and in the Stable ABI since Python 3.14, but its "
        "wheel is tagged for 3.11"
    )


def test_what_pythons_before_3_6_export_is_not_known() -> None:
    report = judged(of("libhelper.so", floor("3.7", "3.6")), tags=("cp35-abi3-linux_x86_64",))
    assert only(report, "P203").severity is Severity.WARNING


LENT_FLOOR = CPythonABIVerdict(
    compliant=True,
    references=4,
    min_python="3.13",
    floor_symbols=("PyList_GetItemRef",),
    exported_since="3.13",
    late_symbols=("PyList_GetItemRef",),
    newer=(
        ("3.13", ("PyList_GetItemRef",)),
        ("3.12", ("PyObject_Vectorcall", "PyType_FromMetaclass")),
        ("3.10", ("PyModule_AddType",)),
    ),
)


@pytest.mark.parametrize(
    ("lent", "severity", "message"),
    [
        (("PyModule_AddType",), Severity.ERROR, "needs Python 3.13, but"),
        (
            ("PyList_GetItemRef",),
            Severity.ERROR,
            "needs Python 3.12, but its wheel is tagged for 3.11",
        ),
        (
            ("PyList_GetItemRef", "PyType_FromMetaclass"),
            Severity.WARNING,
            "imports PyObject_Vectorcall, in the Stable ABI since Python 3.12, but its wheel",
        ),
        (("PyList_GetItemRef", "PyObject_Vectorcall", "PyType_FromMetaclass"), None, ""),
    ],
)
def test_the_floor_that_is_left_where_a_requirement_exports_names(
    lent: tuple[str, ...], severity: Severity | None, message: str
) -> None:
    one = replace(of("libhelper.so", LENT_FLOOR), lent=(Lent("shim", "libshim.so", lent),))
    found = [each for each in judged(one, tags=ABI3_311).findings if each.rule == "P203"]
    assert [each.severity for each in found] == ([] if severity is None else [severity])
    assert all(each.message.startswith(message) for each in found)
