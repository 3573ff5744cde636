"""Renders the findings of a package as lines of its block."""

from __future__ import annotations

from itertools import groupby

from torch_abi_audit.mangling import escape
from torch_abi_audit.report.audit.facts import facts, places
from torch_abi_audit.report.audit.table import listed
from torch_abi_audit.report.wording import plural, several
from torch_abi_audit.rules import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.report.audit.facts import Fact
    from torch_abi_audit.report.style import Style

FACTS = 3
"""Maximum number of facts listed per rule without ``verbose``; the rest is counted."""


def lines(report: PackageReport, *, verbose: bool, style: Style) -> Iterator[str]:
    """Yield a line for each fact, worst first; ``verbose`` adds its libraries and evidence."""
    yield "  -- findings --"
    for _, same_rule in groupby(facts(report.findings), key=lambda one: _rule_of(one, report)):
        listed = list(same_rule)
        whole = [one for one in listed if report.findings[one.members[0]].library is None]
        most = None if verbose else max(FACTS, len(whole))
        for one in listed[:most]:
            yield from _fact(one, report, verbose=verbose, style=style)
        left = sum(len(one.members) for one in listed[len(listed[:most]) :])
        if left:
            again = report.findings[listed[0].members[0]].rule
            yield f"            {again}: {plural(left, 'more finding')} (-v lists them)"


def _rule_of(fact: Fact, report: PackageReport) -> tuple[str, str]:
    one = report.findings[fact.members[0]]
    return one.severity, one.rule


def _fact(fact: Fact, report: PackageReport, *, verbose: bool, style: Style) -> Iterator[str]:
    one = report.findings[fact.members[0]]
    found = [report.findings[at].library for at in fact.members]
    paths = [escape(path) for path in dict.fromkeys(found) if path is not None]
    named = f"    {style.severity(one.severity)} {one.rule} {rule(one.rule).name}"
    if len(paths) > 1:
        where = plural(len(paths), "library") if verbose else places(paths)
        yield f"{named}: {escape(fact.message)}: {where}"
    else:
        yield ": ".join((named, *paths, escape(fact.message)))
    if verbose:
        if len(paths) > 1:
            yield from (f"        in: {line}" for line in _places(fact, report))
        yield from ("        " + line for line in listed("evidence", fact.evidence))
        yield f"        fix: {escape(one.fix)}"


def _places(fact: Fact, report: PackageReport) -> Iterator[str]:
    """Yield the libraries of a fact, each with its part of the evidence where they differ."""
    members = [report.findings[at] for at in fact.members]
    alike = len({one.evidence for one in members}) == 1
    for one in members:
        own = "" if alike or not one.evidence else f": {several(one.evidence)}"
        yield escape(f"{one.library}{own}")
