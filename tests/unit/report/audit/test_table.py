"""The table of one package."""

from __future__ import annotations

from dataclasses import replace

from tests.support.reports import library, package, stable
from torch_abi_audit.report.audit.table import format_package_table


def test_a_report_may_lack_the_verdict_of_a_judge_that_was_added_later() -> None:
    older = replace(library("_C.so", stable()), cpython=None)
    table = format_package_table(package(older), verbose=True)
    assert "    [STABLE  ] [unreadable            ] _C.so  (stable_shim=1, unstable=0)" in table
