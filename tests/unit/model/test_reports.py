"""What the libraries of a package amount to together."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from torch_abi_audit.model.reports import ExtensionReport, PackageReport
from torch_abi_audit.model.verdicts import CPythonABIVerdict, TorchABIVerdict


def library(name: str, floor: str, variant: str | None = None) -> ExtensionReport:
    torch = TorchABIVerdict(uses_torch=True, stable=True, min_torch_version=floor)
    return ExtensionReport(PurePath(name), CPythonABIVerdict(), torch, variant=variant)


@pytest.mark.parametrize(
    ("libraries", "floor"),
    [
        ([library("a", "2.9.0"), library("b", "2.11.0")], "2.11.0"),
        ([library("a", "2.9.0", "2.9"), library("b", "2.11.0", "2.11")], "2.9.0"),
        (
            [
                *(library("a", "2.9.0", "2.9"), library("b", "2.10.0", "2.9")),
                *(library("a", "2.11.0", "2.11"), library("c", "2.9.0")),
            ],
            "2.10.0",
        ),
    ],
)
def test_the_oldest_torch_of_a_stable_package(libraries: list[ExtensionReport], floor: str) -> None:
    report = PackageReport("p", PurePath("/p"), bundled_libs=tuple(libraries))
    assert report.min_torch_version == floor
