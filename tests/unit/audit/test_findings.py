from __future__ import annotations

from tests.support.metadata_values import judged, library, rules


def test_worst_findings_come_first() -> None:
    bad = library("_D.abi3.so", torch="2.11.0", rpaths=("/opt/lib",))
    requires = ("torch>=2.9,<2.16", "nvidia-cublas-cu12")
    bad_cuda = library("_E.abi3.so", torch="2.11.0", needed=("libcublas.so.12",))
    report = judged(library(torch="2.11.0"), bad, bad_cuda, requires=requires)
    assert rules(report) == ["M302", "L405", "C504"]
