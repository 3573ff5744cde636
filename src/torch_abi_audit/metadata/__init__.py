"""What a distribution declares against what its binaries need. Pure: values in, values out."""

from __future__ import annotations

from torch_abi_audit.metadata import cuda, linkage, tags, torch_range
from torch_abi_audit.metadata.declared import Declared, admits, dependencies, environments
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch_abi_audit.metadata.declared import Environment
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import Cuda, PackageReport

    LoadsOn = Callable[[PackageReport], Mapping[str, str] | None]

__all__ = ["Declared", "admits", "compare", "requires_torch", "worst_first"]

_RANK = tuple(Severity)


def compare(
    report: PackageReport, declared: Declared, loads_on: LoadsOn | None = None
) -> PackageReport:
    """The report with the facts and the findings that follow from what is declared.

    Args:
        report: What was read of the package.
        declared: What its metadata says.
        loads_on: Which torch releases an unstable package loads on; asked for those alone.
    """
    said = None
    around: tuple[Environment, ...] = ()
    judged = report.uses_torch and not declared.is_torch and declared.is_python_distribution
    need = None
    if judged:
        unstable = any(one.label == "UNSTABLE" for one in report.libraries)
        need = torch_range.needed(
            report, loads_on(report) if unstable and loads_on is not None else None
        )
    found = cuda.facts(report, declared)
    if judged or found is not None:
        around = environments(declared, report)
        said = torch_range.declared_range(declared, around)
    return replace(
        report,
        findings=worst_first(
            (*report.findings, *_findings(report, declared, need, said, found, around))
        ),
        requires_torch=said.text if said is not None else None,
        proposed_requires_torch=need.proposal if need is not None else None,
        cuda=found,
        glibc=linkage.glibc(report),
        min_python=tags.min_python(report, declared),
    )


def requires_torch(declared: Declared) -> bool:
    """Whether some requirement is on torch, under whatever condition."""
    return "torch" in dependencies(declared)


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Errors, then warnings, then notes; by rule and library."""
    return tuple(
        sorted(findings, key=lambda one: (_RANK.index(one.severity), one.rule, one.library or ""))
    )


def _findings(
    report: PackageReport,
    declared: Declared,
    need: torch_range.Needed | None,
    said: torch_range.Range | None,
    found: Cuda | None,
    around: Sequence[Environment],
) -> Iterator[Finding]:
    if need is not None:
        yield from torch_range.findings(need, said)
    if declared.is_python_distribution:
        yield from tags.findings(report, declared)
        yield from linkage.findings(report, declared)
        if found is not None and not declared.is_torch:
            admitted = torch_range.installable(need, said, around)
            if need is None or admitted:
                yield from cuda.findings(report, declared, found, around, admitted)
