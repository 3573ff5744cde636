"""The last stage of an audit: adds package-wide facts and the findings of the rules."""

from __future__ import annotations

from torch_abi_audit.model.declared import Declared, claims_abi3, promised_floor
from torch_abi_audit.model.device_code import NO_PACKAGE_CODE
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules import detect
from torch_abi_audit.rules.context import Context
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch_abi_audit.facts.lending import Lending
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.rules.context import LoadsOn
    from torch_abi_audit.sources.found import Found

_RANK = tuple(Severity)


def with_findings(
    report: PackageReport,
    found: Found,
    loads_on: LoadsOn | None,
    lending: Callable[[], Lending] | None = None,
) -> PackageReport:
    """Return the report with package-wide facts and findings.

    Args:
        report: The verdicts on the libraries of the package.
        found: The package that was read.
        loads_on: Determines which torch releases an unstable package loads on. By default, the
            export index does so for archives and for packages that require torch. For other
            packages the findings omit the exact range: computing it takes longer than the rest.
        lending: Returns what the requirements lend; by default, as far as their names say it.
    """
    if loads_on is None and asks_for_releases(found):
        loads_on = _by_export_index
    return judged(report, _declared(found), loads_on, lending)


def judged(
    report: PackageReport,
    declared: Declared,
    loads_on: LoadsOn | None = None,
    lending: Callable[[], Lending] | None = None,
) -> PackageReport:
    """Return the report with the facts and findings that its verdicts and metadata imply.

    A package without metadata gets no package-wide facts, and few rules apply to it.
    """
    report = _with_device_code(report)
    if not report.libraries:
        return report
    context = Context(report, declared, loads_on, lending)
    findings = tuple(detect(context))
    if not declared.is_python_distribution:
        return replace(report, findings=by_library(findings), declared=declared)
    from torch_abi_audit.facts import floors

    said = context.required_torch
    return replace(
        report,
        findings=worst_first(findings),
        requires_torch=said.text if said is not None else None,
        proposed_requires_torch=context.torch_advice.proposal,
        torch_fit=context.torch_fit,
        cuda=context.cuda,
        glibc=floors.glibc(report),
        min_python=floors.min_python(report, declared),
        declared=declared,
        abi3_since=promised_floor(declared.tags) if claims_abi3(declared) else None,
    )


def _with_device_code(report: PackageReport) -> PackageReport:
    libraries, skipped = report.libraries, report.skipped
    if all(one.device_code is None for one in libraries) and all(
        one.device_code is None for one in skipped
    ):
        return replace(report, device_code=NO_PACKAGE_CODE)
    from torch_abi_audit.facts.device_code import package_code  # most packages have none
    from torch_abi_audit.judges.gpus import served

    code = package_code(report)
    whole, part = served(replace(report, device_code=code))
    return replace(report, device_code=replace(code, targets=whole, others=part))


def by_library(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by library path, keeping the order of the rules for each library."""
    return tuple(sorted(findings, key=lambda one: one.library or ""))


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by severity (errors, warnings, notes), then by rule, then by library."""
    return tuple(
        sorted(findings, key=lambda one: (_RANK.index(one.severity), one.rule, one.library or ""))
    )


def asks_for_releases(found: Found) -> bool:
    """Whether ``with_findings`` computes the torch releases that it loads on, if it is unstable."""
    if found.is_torch:
        return False
    if found.from_archive:
        return True
    from torch_abi_audit.knowledge.names.distribution import required

    return any(required(line) == "torch" for line in found.requires)


def applying_requirements(found: Found, report: PackageReport) -> Callable[[], tuple[str, ...]]:
    """Return a function that reads which requirements of a package apply where it is installed."""

    def requires() -> tuple[str, ...]:
        from torch_abi_audit.facts.environments import environments
        from torch_abi_audit.facts.lending import applying

        return applying(found.requires, environments(_declared(found), report))

    return requires


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
    from torch_abi_audit.judges.loads import compat  # slow to import

    return compat(report).loads_on or None
