"""From reports to an outcome: collect the findings, apply ignores and baseline, decide the gate."""

from __future__ import annotations

from torch_abi_audit.gate.selection import Selection
from torch_abi_audit.gate.summary import failures
from torch_abi_audit.knowledge.names.identity import library_key, library_keys, package_key
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.outcome import Gate, Key, Outcome, Result, Status
from torch_abi_audit.rules import detect_in_report, rule
from torch_abi_audit.rules.reported import Reported, Required
from torch_abi_audit.runtime.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator
    from pathlib import PurePath

    from torch_abi_audit.gate.baseline import Baseline
    from torch_abi_audit.gate.ignores import Ignore
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.outcome import Entry
    from torch_abi_audit.model.reports import PackageReport

_WORST = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings by which a run is judged."""

    today: dt.date
    """The date on which ignores are checked for expiry."""
    selection: Selection = field(default_factory=Selection)
    required: Required = field(default_factory=Required)
    ignores: tuple[Ignore, ...] = ()
    baseline: Baseline | None = None
    gated: bool = False
    """Whether the run has a gate."""
    allow_empty: bool = False


def decide(
    packages: tuple[PackageReport, ...], terms: Terms, *, site_packages: PurePath | None = None
) -> Outcome:
    """The outcome of a run.

    Args:
        packages: The reports.
        terms: The settings of the run.
        site_packages: The environment, where one was audited. Most of its packages contain no
            library, so an empty one is no finding.
    """
    may_be_empty = site_packages is not None or terms.allow_empty
    results = tuple(
        result
        for package in packages
        for result in _results(package, terms, may_be_empty=may_be_empty)
        if terms.selection.reports(result.key.rule)
    )
    if terms.required.gpus:
        from torch_abi_audit.gate.told_once import told_once  # most runs require no GPU

        results = tuple(told_once(results))
    upkeep: tuple[Finding, ...] = ()
    fixed: tuple[Entry, ...] = ()
    if terms.ignores:
        from torch_abi_audit.gate import ignores  # most runs have none

        results, said = ignores.apply(results, terms.ignores, terms.today)
        upkeep += said
    if terms.baseline is not None:
        from torch_abi_audit.gate import baseline  # most runs have none

        audited = {package_key(one) for one in packages if one.error is None}
        compared = baseline.compare(terms.baseline, audited, results, terms.selection)
        results, fixed = compared.results, compared.fixed
        upkeep += compared.stale
    results += tuple(
        Result(one, Key("", one.message, one.rule))
        for one in upkeep
        if terms.selection.reports(one.rule)
    )
    gate = None
    if terms.gated:
        results = tuple(
            replace(one, fails=True)
            if one.status is Status.OPEN and terms.selection.fails(one.finding)
            else one
            for one in results
        )
        empty = not terms.allow_empty and not any(one.libraries for one in packages)
        unread = any(rule(one.key.rule).unread and one.status is Status.OPEN for one in results)
        gate = Gate(tuple(failures(packages, results)), empty, unread)
    packages, results = _as_shown(packages, results)
    return Outcome(packages, results, site_packages, fixed, gate)


def _as_shown(
    packages: tuple[PackageReport, ...], results: tuple[Result, ...]
) -> tuple[tuple[PackageReport, ...], tuple[Result, ...]]:
    """The reports with their open findings, without those that a row of the table shows."""
    shown = {
        id(package): replace(
            package,
            findings=tuple(
                one.finding
                for one in results
                if one.report is package
                and one.status is Status.OPEN
                and not rule(one.key.rule).row
            ),
        )
        for package in packages
    }
    return tuple(shown[id(one)] for one in packages), tuple(
        one if one.report is None else replace(one, report=shown[id(one.report)]) for one in results
    )


def _results(package: PackageReport, terms: Terms, *, may_be_empty: bool) -> Iterator[Result]:
    reported = Reported(package, terms.required, may_be_empty=may_be_empty)
    found: Iterable[Finding] = (*detect_in_report(reported), *package.findings)
    whose = package_key(package)
    keys = library_keys(package)
    for one in sorted(found, key=lambda each: (_WORST.index(each.severity), each.library or "")):
        at = one.library
        library = keys.get(at or "") or library_key(package, at)
        key = Key(whose, library, one.rule)
        yield Result(one, key, package)
