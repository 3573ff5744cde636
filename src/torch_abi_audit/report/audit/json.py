"""Renders the JSON of the CLI reference, with additional keys; see ``report.schema.json``.

Keys have a fixed order, lists are sorted and names are escaped, so equal reports give equal bytes.
"""

from __future__ import annotations

import json

from torch_abi_audit.judges import JUDGES
from torch_abi_audit.knowledge.names.identity import digest
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.reports import EnvironmentReport, PackageReport
from torch_abi_audit.report.audit import device_code
from torch_abi_audit.report.loads.json_keys import library_keys, package_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from torch_abi_audit.judges.interface import Judge
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.outcome import Entry, Gate, Outcome, Result
    from torch_abi_audit.model.reports import Cuda, ExtensionReport, Lent, Skipped, SliceReport
    from torch_abi_audit.report.rendering import Detail

SCHEMA_VERSION = 1
"""Incremented when a key is removed or changes meaning, not when one is added."""


def format_json(report: ExtensionReport | PackageReport | EnvironmentReport) -> str:
    """Render a report as an indented JSON document, without a final newline."""
    if isinstance(report, EnvironmentReport):
        document = _environment(report)
    elif isinstance(report, PackageReport):
        document = _package(report)
    else:
        document = _extension(report, None)
    return json.dumps({**document, "schema_version": SCHEMA_VERSION}, indent=2)


def render(outcome: Outcome, _detail: Detail) -> str:
    """Return the document of ``format_json``, with the results and the gate, if any."""
    if outcome.site_packages is None and len(outcome.packages) == 1:
        document = _package(outcome.packages[0])
    else:
        document = _environment(EnvironmentReport(outcome.site_packages, outcome.packages))
    if outcome.history:
        from torch_abi_audit.report.audit.history import entries  # rarely needed

        document["history"] = entries(outcome)
    if outcome.results or outcome.gate is not None:
        document["results"] = [_result(one) for one in outcome.results]
        document["fixed"] = [_entry(one) for one in outcome.fixed]
        document["gate"] = None if outcome.gate is None else _gate(outcome.gate)
    return json.dumps({**document, "schema_version": SCHEMA_VERSION}, indent=2)


def _result(one: Result) -> dict[str, Any]:
    return {
        **_finding(one.finding),
        "package": escape(one.package),
        "fingerprint": digest(one.key),
        "status": one.status,
        "reason": escape(one.reason),
        "hidden": _names(one.hidden),
        "fails": one.fails,
    }


def _entry(one: Entry) -> dict[str, Any]:
    return {
        "package": one.key.package,
        "library": one.key.library,
        "rule": one.key.rule,
        "symbols": _names(one.symbols),
    }


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "passed": gate.passed,
        "failures": _names(gate.failures),
        "empty": gate.empty,
        "unread": gate.unread,
    }


def _environment(report: EnvironmentReport) -> dict[str, Any]:
    root = report.site_packages
    return {
        "site_packages": None if root is None else escape(str(root)),
        "packages": [_package(one) for one in report.packages],
    }


def _package(report: PackageReport) -> dict[str, Any]:
    return {
        "name": escape(report.name),
        "root": escape(report.root_text),
        "extensions": [_extension(one, report) for one in report.extensions],
        "bundled_libs": [_extension(one, report) for one in report.bundled_libs],
        "error": _optional(report.error),
        "distribution": _optional(report.distribution),
        "version": _optional(report.version),
        "import_names": _names(report.import_names),
        "findings": [_finding(one) for one in report.findings],
        "notes": _names(report.notes),
        "skipped": [_skipped(one) for one in report.skipped],
        "requires_torch": _optional(report.requires_torch),
        "proposed_requires_torch": report.proposed_requires_torch,
        "cuda": None if report.cuda is None else _cuda(report.cuda),
        "glibc": report.glibc,
        "min_python": report.min_python,
        "abi3_since": report.abi3_since,
        "device_code": device_code.of_package(report.device_code),
        **package_keys(report.loads),
    }


def _extension(report: ExtensionReport, package: PackageReport | None) -> dict[str, Any]:
    name = report.name if package is None else relative_path(report, package)
    return {
        "path": escape(report.path_text),
        **_verdicts(report),
        "error": _optional(report.error),
        "name": escape(name),
        "format": report.format,
        "arch": report.arch,
        "needed": _names(report.needed),
        "entry_points": _names(report.entry_points),
        "variant": report.variant,
        "lent": [_lent(one) for one in report.lent],
        "slices": [{"arch": one.arch, **_verdicts(one)} for one in report.slices],
        "device_code": device_code.of_library(report.device_code),
        **library_keys(report, None if package is None else package.loads),
    }


def _skipped(one: Skipped) -> dict[str, Any]:
    found: dict[str, Any] = {"path": escape(one.path), "kind": one.kind}
    if one.device_code is not None:
        found["device_code"] = device_code.of_library(one.device_code)
    return found


def _lent(one: Lent) -> dict[str, Any]:
    return {
        "requirement": one.requirement,
        "library": escape(one.library),
        "names": _names(one.names),
        "read": one.read,
    }


def _verdicts(library: ExtensionReport | SliceReport) -> dict[str, Any]:
    """The verdicts by the key of their judge, sorted."""
    return {
        judge.key: _verdict(judge, library) for judge in sorted(JUDGES, key=lambda one: one.key)
    }


def _verdict(judge: Judge, library: ExtensionReport | SliceReport) -> dict[str, Any] | None:
    verdict = judge.verdict(library)
    if verdict is None:
        return None
    facts = judge.display.facts(verdict)
    return {key: _names(one) if isinstance(one, tuple) else one for key, one in facts.items()}


def _cuda(cuda: Cuda) -> dict[str, Any]:
    return {
        "majors": list(cuda.majors),
        "libraries": _names(cuda.libraries),
        "bundled": _names(cuda.bundled),
        "dependencies": _names(cuda.dependencies),
        "static": _names(cuda.static),
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "severity": one.severity,
        "message": escape(one.message),
        "library": _optional(one.library),
        "evidence": _names(one.evidence),
        "fix": escape(one.fix),
    }


def _names(names: Iterable[str]) -> list[str]:
    return [escape(name) for name in names]


def _optional(text: str | None) -> str | None:
    return None if text is None else escape(text)
