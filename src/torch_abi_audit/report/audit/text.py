"""Renders an audit as text: the tables, then a summary, suppressed and fixed findings."""

from __future__ import annotations

from torch_abi_audit.judges import TORCH
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.outcome import Status
from torch_abi_audit.model.reports import EnvironmentReport
from torch_abi_audit.report.audit.table import (
    format_environment_table,
    format_package_table,
)
from torch_abi_audit.report.wording import of_baseline, plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.report.rendering import Detail

_WORDS = {Status.IGNORED: "ignored", Status.KNOWN: "in the baseline"}


def render(outcome: Outcome, detail: Detail) -> str:
    """Return the tables, followed by the lines about ignores and the baseline, if any."""
    blocks = list(_history(outcome, detail)) if outcome.history else []
    blocks += _tables(outcome, detail)
    if outcome.site_packages is None and len(outcome.packages) > 1:
        blocks.append(_summary(outcome))
    hidden = "\n".join(_hidden(outcome, verbose=detail.verbose))
    if hidden:
        blocks.append(hidden)
    if blocks and any(one.loads is not None for one in outcome.packages):
        from torch_abi_audit.report.loads.text import CAVEAT  # rarely needed

        blocks.append(CAVEAT)
    return "\n\n".join(blocks)


def _history(outcome: Outcome, detail: Detail) -> Iterator[str]:
    from torch_abi_audit.report.audit import history  # rarely needed

    return history.text(outcome, detail.style)


def _tables(outcome: Outcome, detail: Detail) -> Iterator[str]:
    if outcome.site_packages is not None:
        yield format_environment_table(
            EnvironmentReport(outcome.site_packages, outcome.packages),
            verbose=detail.verbose,
            show_all=detail.show_all,
            style=detail.style,
        )
        return
    packages = outcome.packages
    if outcome.history and not detail.verbose:
        from torch_abi_audit.report.audit.history import others

        packages = others(outcome)
    for one in packages:
        if one.error is None:
            yield format_package_table(one, verbose=detail.verbose, style=detail.style)


def _summary(outcome: Outcome) -> str:
    """The summary line of several targets: verdicts, then findings, worst first."""
    reports = outcome.packages
    given = [one.torch_verdict for one in reports]
    worst_first = reversed(tuple(TORCH.words.items()))
    verdicts = [f"{given.count(one)} {word}" for one, word in worst_first if one in given]
    found = [one.severity for report in reports for one in report.findings]
    findings = [plural(found.count(each), each.value) for each in Severity if each in found]
    broken = sum(one.broken for one in outcome.history)
    rows = sum(one.root is not None for one in outcome.history) + broken
    noun = "release" if rows == len(reports) else "package"
    text = f"Summary: {plural(len(reports), noun)}: {', '.join(verdicts)}"
    return f"{text}; findings: {', '.join(findings)}" if findings else text


def _hidden(outcome: Outcome, *, verbose: bool) -> Iterator[str]:
    suppressed = [one.status for one in outcome.suppressed]
    if suppressed:
        parts = [f"{suppressed.count(one)} {_WORDS[one]}" for one in _WORDS if one in suppressed]
        yield f"Suppressed: {plural(len(suppressed), 'finding')} ({', '.join(parts)})"
        if verbose:
            for one in outcome.suppressed:
                where = escape(one.where)
                yield f"  {one.finding.rule} {where}: {_WORDS[one.status]}: {escape(one.reason)}"
    if outcome.fixed:
        yield f"Fixed: {of_baseline(outcome.fixed)} of the baseline"
        if verbose:
            for entry in outcome.fixed:
                where = escape(entry.key.library or entry.key.package)
                for symbol in entry.symbols or ("no longer found",):
                    yield f"  {entry.key.rule} {where}: {escape(symbol)}"
