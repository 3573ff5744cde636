from __future__ import annotations

from tests.support.metadata_values import judged, library, rules


def test_worst_findings_come_first() -> None:
    bad = library("_D.abi3.so", torch="2.11.0", rpaths=("/opt/lib",))
    report = judged(library(torch="2.11.0"), bad, requires=("torch>=2.9,<2.13",))
    assert rules(report) == ["M302", "L405", "M304"]
