"""Every format shows the same number of symbols, and counts internal ones separately."""

from __future__ import annotations

import pytest

from tests.support.reports import library, package, terms, unstable
from torch_abi_audit.gate import baseline
from torch_abi_audit.gate.decide import decide
from torch_abi_audit.gate.ignores import Ignore
from torch_abi_audit.report.rendering import Detail, render

TWICE = "c10::Error::Error(c10::SourceLocation)"  # both constructors of one class read alike
REPORT = package(
    library("_C.so", unstable(TWICE, TWICE, "at::empty()", internal=["THPVariableClass"]))
)


@pytest.mark.parametrize(
    ("format_name", "counted"),
    [
        ("text", "unstable=3)  internal=1"),
        ("markdown", "3 unstable and 1 internal symbol outside"),
        ("markdown", "| 0 | 3 and 1 internal |"),
        ("json", "3 unstable and 1 internal symbol outside of the LibTorch Stable ABI"),
        ("sarif", '"evidenceCount": 4'),
        ("junit", "3 unstable and 1 internal symbol outside"),
    ],
)
def test_every_format_has_the_same_number(format_name: str, counted: str) -> None:
    text = render("audit", format_name, decide((REPORT,), terms()), Detail())
    assert counted in text


def test_what_is_left_and_what_is_hidden_add_up() -> None:
    ignored = Ignore("both", symbol=TWICE)
    (result,) = decide((REPORT,), terms(ignores=(ignored,))).results
    assert result.finding.message.startswith("2 of 4 not ignored")
    assert len(result.hidden) == 2


def test_a_baseline_lets_pass_as_many_findings_as_it_was_written_for() -> None:
    before = decide((REPORT,), terms())
    held = baseline.Baseline(baseline.entries(before.results), "base.json")
    after = decide((REPORT,), terms(baseline=held))
    assert len(after.suppressed) == len(baseline.held(before.results)) == 1
