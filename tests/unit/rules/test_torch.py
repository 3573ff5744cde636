"""The torch rules on finished reports: which rule fires, for which library and evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.reports import ABI3, library, package, reported_as, stable, unstable
from torch_abi_audit.model.reports import SliceReport
from torch_abi_audit.model.verdicts import CPythonABIVerdict

BROKEN = CPythonABIVerdict(intent=True, violations=("_PyX",), references=2)


def test_unstable_and_internal_symbols_are_one_finding() -> None:
    report = package(library("lib/_C.so", unstable("c10::a()", internal=["c10d::b()"])))
    assert reported_as(report) == [("T101", "lib/_C.so", ("c10::a()", "c10d::b()"))]
    only = package(library("_C.so", unstable(internal=["THPVariableClass"])))
    assert reported_as(only) == [("T101", "_C.so", ("THPVariableClass",))]


def test_every_slice_counts() -> None:
    one = replace(
        library("_C.so", unstable("c10::a()")),
        slices=(
            SliceReport("arm64", BROKEN, unstable("c10::a()")),
            SliceReport("x86_64", ABI3, unstable("c10::a()", "c10::b()")),
        ),
    )
    assert reported_as(package(one)) == [
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
    assert reported_as(report, torch=allowed) == [("T106", "_C.so", ("aoti_torch_x",))] * fires
    assert reported_as(report) == []
