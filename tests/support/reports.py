"""Hand-built reports for tests of the code that reads reports."""

from __future__ import annotations

import datetime as dt
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from torch_abi_audit.gate.decide import Terms
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.reports import ExtensionReport, PackageReport
from torch_abi_audit.model.verdicts import CPythonABIVerdict, TorchABIVerdict
from torch_abi_audit.rules import detect_in_report
from torch_abi_audit.rules.reported import Reported, Required

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.model.findings import Finding

TODAY = dt.date(2026, 1, 15)


def terms(**parts: object) -> Terms:
    """Terms with a gate, as of ``TODAY``."""
    return Terms(**{"today": TODAY, "gated": True, **parts})  # type: ignore[arg-type]


def unstable(*symbols: str, internal: Sequence[str] = ()) -> TorchABIVerdict:
    """A verdict that is UNSTABLE for these symbols."""
    return TorchABIVerdict(
        uses_torch=True, unstable_symbols=symbols, internal_symbols=tuple(internal)
    )


def stable(floor: str = "2.10.0", *setters: str) -> TorchABIVerdict:
    """A verdict that is STABLE with a floor."""
    return TorchABIVerdict(
        uses_torch=True,
        stable=True,
        stable_shim_count=max(1, len(setters)),
        min_torch_version=floor,
        version_defining_symbols=setters,
        required=tuple(one.encode() for one in setters),
    )


NOTHING_REQUIRED = Required()
NO_TORCH = TorchABIVerdict()
ABI3 = CPythonABIVerdict(intent=True, compliant=True, references=1, min_python="3.8")
PLAIN = CPythonABIVerdict()


def library(
    path: str,
    torch: TorchABIVerdict = NO_TORCH,
    cpython: CPythonABIVerdict = PLAIN,
    *,
    module: bool = False,
    error: str | None = None,
    root: str = "/site/pkg",
) -> ExtensionReport:
    """One library below ``root``."""
    if error is not None:
        return ExtensionReport(PurePosixPath(root) / path, error=error)
    return ExtensionReport(
        PurePosixPath(root) / path,
        cpython=cpython,
        torch=torch,
        format=Format.ELF,
        arch="x86_64",
        entry_points=("PyInit__C",) if module else (),
    )


def package(
    *libraries: ExtensionReport,
    name: str = "pkg",
    root: str = "/site/pkg",
    findings: Sequence[Finding] = (),
    error: str | None = None,
    imports: Sequence[str] = ("pkg",),
    distribution: str | None = None,
    version: str | None = None,
) -> PackageReport:
    """A package of these libraries; those with entry points are its extensions."""
    return PackageReport(
        name=name,
        root=PurePosixPath(root),
        extensions=tuple(one for one in libraries if one.entry_points),
        bundled_libs=tuple(one for one in libraries if not one.entry_points),
        findings=tuple(findings),
        error=error,
        import_names=tuple(imports),
        distribution=distribution,
        version=version,
    )


def reported(
    report: PackageReport, required: Required = NOTHING_REQUIRED, *, may_be_empty: bool = False
) -> list[Finding]:
    """The findings of the rules in a finished report."""
    return list(detect_in_report(Reported(report, required, may_be_empty=may_be_empty)))


def reported_as(
    report: PackageReport, **required: Any
) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """Rule, library and evidence of each finding in a finished report."""
    return [(one.rule, one.library, one.evidence) for one in reported(report, Required(**required))]
