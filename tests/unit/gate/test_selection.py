from __future__ import annotations

import pytest

from torch_abi_audit.gate.selection import Selection, unknown_rule
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules import rule


@pytest.mark.parametrize(
    ("selection", "reported", "left_out"),
    [
        (Selection(), "T101 T104 P202 N001 I002", ""),
        (Selection(ignore=("T10",)), "P201", "T101 T104"),
        (Selection(select=("T",)), "T101 T104 I003", "P201 N001"),
        (Selection(select=("T",), ignore=("T104",)), "T101", "T104"),
        (Selection(select=("T104",), ignore=("T",)), "T104", "T101"),
        (Selection(select=("T104", "T101"), ignore=("T104",)), "T101", "T104"),
        (Selection(select=("ALL",), ignore=("P",)), "T101 N001", "P201"),
        (Selection("torch", select=("P203",)), "T101 T106 P203", "P201 T102"),
        (Selection(ignore=("ALL",)), "E001", "T101 N001 I001"),
        (Selection(select=("T",), ignore=("E001",)), "E001", ""),
    ],
)
def test_what_is_reported(selection: Selection, reported: str, left_out: str) -> None:
    for rule_id in reported.split():
        assert selection.reports(rule_id), rule_id
    for rule_id in left_out.split():
        assert not selection.reports(rule_id), rule_id


OURS = [
    "T101",
    "T102",
    "T103",
    "T104",
    "T105",
    "T106",
    "P201",
    "P202",
    "P203",
    "P204",
    "P205",
    "G601",
    "G602",
    "E001",
    "N001",
    "I001",
    "I002",
    "I003",
]


@pytest.mark.parametrize(
    ("selection", "failing"),
    [
        (Selection("torch"), "T101 T106 G601 I001 I003"),
        (Selection("abi3"), "P201 P202 P203 P204 P205 G601 I001 I003"),
        (Selection("both"), "T101 T106 P201 P202 P203 P204 P205 G601 I001 I003"),
        (Selection("all"), "T101 T102 T103 T106 P201 P202 P203 P204 P205 G601 I001 I003"),
        (
            Selection(fail_on=Severity.ERROR),
            "T101 T102 T103 T106 P201 P203 P204 P205 G601 I001 I003",
        ),
        (Selection("torch", fail_on=Severity.WARNING), "T101 T106 G601 G602 I001 I002 I003"),
        # a selected rule fails whatever its severity, unless ``fail_on`` is given
        (Selection(select=("T104",)), "T104 I001 I003"),
        (Selection(select=("T1",), fail_on=Severity.ERROR), "T101 T102 T103 T106 I001 I003"),
        (Selection("torch", select=("P203",)), "T101 T106 P203 I001 I003"),
        (Selection(only_required=True), "G601 I001 I003"),
    ],
)
def test_what_fails(selection: Selection, failing: str) -> None:
    found = [
        one
        for one in OURS
        if selection.reports(one) and selection.fails(rule(one).finding("m", library="_C.so"))
    ]
    assert found == [one for one in OURS if one in failing.split()]


def test_warnings_fail_where_asked() -> None:
    strict = Selection("all", fail_on=Severity.WARNING)
    assert strict.fails(rule("T104").finding("m"))
    assert strict.fails(rule("N001").finding("m"))
    assert not strict.fails(rule("E001").finding("m"))


@pytest.mark.parametrize("word", ["T", "T1", "T101", "ALL", "I00"])
def test_selectors(word: str) -> None:
    assert unknown_rule(word) is None


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("T1O6", "no rule is called T1O6; did you mean T106?"),
        ("second-libtorch", "no rule is called second-libtorch"),
        ("t101", "no rule is called t101"),
        ("ALLL", "no rule is called ALLL; did you mean ALL?"),
    ],
)
def test_words_that_select_nothing(word: str, problem: str) -> None:
    assert (unknown_rule(word) or "").startswith(problem)
