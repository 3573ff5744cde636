"""The last step of an audit: the facts of a package as a whole, and what the rules find in it."""

from __future__ import annotations

from torch_abi_audit.model.declared import Declared
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules import detect
from torch_abi_audit.rules.context import Context
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.rules.context import LoadsOn
    from torch_abi_audit.sources.found import Found

_RANK = tuple(Severity)


def with_findings(report: PackageReport, found: Found, loads_on: LoadsOn | None) -> PackageReport:
    """The report with its facts and findings.

    Args:
        report: What was read of the package.
        found: What it was read from.
        loads_on: Which torch releases an unstable package loads on. Where it is not given, the
            export index is asked for releases and for what requires torch; an installed package
            that does not is told so without the exact range, which would cost more than the rest.
    """
    if loads_on is None and asks_for_releases(found):
        loads_on = _by_export_index
    return judged(report, _declared(found), loads_on)


def judged(
    report: PackageReport, declared: Declared, loads_on: LoadsOn | None = None
) -> PackageReport:
    """The report with the facts and findings that follow from it and from what is declared.

    Without metadata there are no facts of the package, and few rules find anything.
    """
    if not report.libraries:
        return report
    context = Context(report, declared, loads_on)
    findings = tuple(detect(context))
    if not declared.is_python_distribution:
        return replace(report, findings=by_library(findings)) if findings else report
    from torch_abi_audit.facts import floors

    need, said = context.needed_torch, context.required_torch
    return replace(
        report,
        findings=worst_first(findings),
        requires_torch=said.text if said is not None else None,
        proposed_requires_torch=need.proposal if need is not None else None,
        cuda=context.cuda,
        glibc=floors.glibc(report),
        min_python=floors.min_python(report, declared),
    )


def by_library(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """In the order of the libraries' paths; within one, in the order of the rules."""
    return tuple(sorted(findings, key=lambda one: one.library or ""))


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors, then warnings, then notes; by rule and library."""
    return tuple(
        sorted(findings, key=lambda one: (_RANK.index(one.severity), one.rule, one.library or ""))
    )


def asks_for_releases(found: Found) -> bool:
    """Whether ``with_findings`` asks on which torch releases it loads, should it be unstable."""
    if found.is_torch:
        return False
    if found.from_archive:
        return True
    from torch_abi_audit.knowledge.names.distribution import required

    return any(required(line) == "torch" for line in found.requires)


def _declared(found: Found) -> Declared:
    return Declared(
        name=found.distribution,
        tags=found.tags,
        requires=found.requires,
        requires_python=found.requires_python,
        beside=tuple(each.relative.rpartition("/")[2] for each in found.siblings),
        is_torch=found.is_torch,
        is_python_distribution=found.distribution is not None,
    )


def _by_export_index(report: PackageReport) -> Mapping[str, str] | None:
    from torch_abi_audit.judges.loads import compat  # dear

    return compat(report).loads_on or None
