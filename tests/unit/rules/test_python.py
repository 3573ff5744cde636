"""The CPython rules on finished reports: which rule fires, for which library and evidence."""

from __future__ import annotations

import pytest

from tests.support.reports import ABI3, NO_TORCH, library, package, reported, reported_as, stable
from torch_abi_audit.model.verdicts import CPythonABIVerdict

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
