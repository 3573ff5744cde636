"""Findings that follow from verdicts: which, for which library, with what proof."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.reports import ABI3, NO_TORCH, library, package, stable, unstable
from torch_abi_audit.gate.verdicts import Required, findings
from torch_abi_audit.model.reports import PackageReport, SliceReport
from torch_abi_audit.model.verdicts import CPythonABIVerdict

if TYPE_CHECKING:
    from torch_abi_audit.model.findings import Finding

PRIVATE = CPythonABIVerdict(violations=("_PyX", "_PyY"), references=2)
BROKEN = CPythonABIVerdict(intent=True, violations=("_PyX",), references=2)
NOTHING = Required()
NO_CAPI = CPythonABIVerdict(intent=True)


def found(
    report: PackageReport, required: Required = NOTHING, *, empty: bool = True
) -> list[Finding]:
    return list(findings(report, required, empty=empty))


def told(report: PackageReport, **required: str) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(one.rule, one.library, one.evidence) for one in found(report, Required(**required))]


def test_unstable_and_internal_symbols_are_one_finding() -> None:
    report = package(library("lib/_C.so", unstable("c10::a()", internal=["c10d::b()"])))
    assert told(report) == [("T101", "lib/_C.so", ("c10::a()", "c10d::b()"))]
    only = package(library("_C.so", unstable(internal=["THPVariableClass"])))
    assert told(only) == [("T101", "_C.so", ("THPVariableClass",))]


def test_every_slice_counts() -> None:
    one = replace(
        library("_C.so", unstable("c10::a()")),
        slices=(
            SliceReport("arm64", BROKEN, unstable("c10::a()")),
            SliceReport("x86_64", ABI3, unstable("c10::a()", "c10::b()")),
        ),
    )
    assert told(package(one)) == [
        ("T101", "_C.so", ("c10::a()", "c10::b()")),
        ("P201", "_C.so", ("_PyX",)),
    ]


@pytest.mark.parametrize(
    ("floor", "allowed", "fires"),
    [
        ("2.11.0", "2.10", True),
        ("2.10.0", "2.10", False),
        ("2.10.1", "2.10", True),
        ("2.9.0", "2.10", False),
        ("2.10.0", "2.9.1", True),
        ("2.10.0", "3", False),
    ],
)
def test_the_torch_that_may_be_needed(floor: str, allowed: str, fires: bool) -> None:
    report = package(library("_C.so", stable(floor, "aoti_torch_x")))
    assert told(report, torch=allowed) == [("T106", "_C.so", ("aoti_torch_x",))] * fires
    assert told(report) == []


@pytest.mark.parametrize(
    ("intent", "floor", "fires"),
    [(True, "3.11", True), (True, "3.10", False), (False, "3.11", False)],
)
def test_the_python_that_may_be_needed(intent: bool, floor: str, fires: bool) -> None:
    verdict = CPythonABIVerdict(
        intent=intent, compliant=True, references=1, min_python=floor, floor_symbols=("PyNew",)
    )
    report = package(library("_C.so", NO_TORCH, verdict))
    assert told(report, python="3.10") == [("P204", "_C.so", ("PyNew",))] * fires


@pytest.mark.parametrize(
    ("cpython", "rule", "message"),
    [
        (PRIVATE, "P202", "built for one Python: imports _PyX and 1 more"),
        (CPythonABIVerdict(), "P202", "makes no claim of abi3 in its name"),
        (NO_CAPI, "P202", "claims abi3 in its name, and refers to nothing of CPython"),
        (BROKEN, "P201", "claims abi3 and imports _PyX"),
        (ABI3, None, None),
    ],
)
def test_modules_of_a_package_with_torch(
    cpython: CPythonABIVerdict, rule: str | None, message: str | None
) -> None:
    module = library("_C.so", stable(), cpython, module=True)
    assert [(one.rule, one.message) for one in found(package(module))] == (
        [(rule, message)] if rule else []
    )


def test_modules_elsewhere_are_nobodys_concern() -> None:
    assert told(package(library("_C.so", NO_TORCH, PRIVATE, module=True))) == []
    assert told(package(library("x.so", stable(), PRIVATE))) == []
    # a broken claim is broken anywhere
    assert told(package(library("x.abi3.so", NO_TORCH, BROKEN))) == [
        ("P201", "x.abi3.so", ("_PyX",))
    ]


def test_what_was_not_read() -> None:
    torn = found(package(library("_C.so", error="cut short")))
    assert [(one.rule, one.library, one.message) for one in torn] == [
        ("E001", "_C.so", "cut short")
    ]
    gone = found(package(error="no such file"))
    assert [(one.rule, one.library, one.message) for one in gone] == [
        ("E001", None, "no such file")
    ]


def test_an_empty_package() -> None:
    assert [one.rule for one in found(package())] == ["N001"]
    assert found(package(), empty=False) == []
