"""Renders JUnit XML: a suite for each package, and a case for each library.

A fact about several libraries is a case of its own, so that it fails once. A library about which
nothing else is found is then skipped, with a message that names the rule.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from torch_abi_audit.mangling import escape
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.report.audit.grouping import grouped, path_of, path_prefix
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.outcome import Outcome, Result
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.report.audit.grouping import Group
    from torch_abi_audit.report.rendering import Detail

LISTED = 100
"""Maximum number of pieces of evidence, and of libraries, in a case; the rest is counted."""


def render(outcome: Outcome, _detail: Detail) -> str:
    """Return the XML document.

    With a gate, findings that fail it are failures and other findings are output. Without a gate,
    findings of severity error are failures. Files that could not be read are errors.
    """
    gated = outcome.gate is not None
    suites = ET.Element("testsuites", name="torch-abi-audit")
    for report in outcome.packages:
        mine = [one for one in outcome.results if one.report is report]
        if report.libraries or mine:
            suites.append(_suite(report, mine, gated=gated))
    about_the_run = [one for one in outcome.results if one.report is None]
    if about_the_run:
        suite = ET.Element("testsuite", name="configuration")
        for result in about_the_run:
            suite.append(_case("configuration", path_of(result), grouped([result]), gated=gated))
        suites.append(_counted(suite))
    for count in ("tests", "failures", "errors", "skipped"):
        suites.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode")


def _suite(report: PackageReport, results: list[Result], *, gated: bool) -> ET.Element:
    name = escape(report.name)
    suite = ET.Element("testsuite", name=name)
    whole = [one for one in results if one.finding.library is None]
    if whole:
        suite.append(_case(name, "the package", grouped(whole), gated=gated))
    groups = grouped(one for one in results if one.finding.library is not None)
    shared = [one for one in groups if len(one.paths) > 1]
    for one in shared:
        suite.append(
            _case(name, f"{one.rule.id} {one.rule.name}: {one.message}", (one,), gated=gated)
        )
    prefix = path_prefix(report)
    for library in report.libraries:
        path = prefix + escape(relative_path(library, report))
        mine = tuple(one for one in groups if one.paths == (path,))
        case = _case(name, path.removeprefix(prefix), mine, gated=gated)
        elsewhere = dict.fromkeys(one.rule.id for one in shared if path in one.paths)
        if elsewhere and not mine:
            ET.SubElement(case, "skipped", message=f"see {', '.join(elsewhere)} above")
        suite.append(case)
    return _counted(suite)


def _counted(suite: ET.Element) -> ET.Element:
    suite.set("tests", str(len(suite)))
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(tag) is not None for case in suite)))
    return suite


def _case(suite: str, name: str, groups: tuple[Group, ...], *, gated: bool) -> ET.Element:
    case = ET.Element("testcase", classname=suite, name=name)
    standing = [one for one in groups if one.reason is None]
    unread = [one for one in standing if one.rule.unread]
    failing = [
        one
        for one in standing
        if not one.rule.unread and (one.fails or (not gated and one.severity == "error"))
    ]
    if unread:
        _child(case, "error", unread)
    elif failing:
        _child(case, "failure", failing)
    elif groups and not standing:
        reasons = "; ".join(dict.fromkeys(f"{one.rule.id}: {one.reason}" for one in groups))
        ET.SubElement(case, "skipped", message=reasons)
    rest = [one for one in standing if one not in unread and one not in failing]
    if rest:
        ET.SubElement(case, "system-out").text = "\n".join(map(_text, rest))
    return case


def _child(case: ET.Element, tag: str, groups: list[Group]) -> None:
    kinds = " ".join(dict.fromkeys(one.rule.id for one in groups))
    message = "; ".join(one.message for one in groups)
    ET.SubElement(case, tag, type=kinds, message=message).text = "\n".join(map(_text, groups))


def _text(one: Group) -> str:
    lines = [f"{one.severity} {one.rule.id} {one.rule.name}: {one.message}"]
    lines += [f"  {each}" for each in _listed(one.evidence)]
    if len(one.paths) > 1:
        lines += [f"in {plural(len(one.paths), 'library')}:"]
        lines += [f"  {each}" for each in _listed(one.paths)]
    return "\n".join(lines)


def _listed(texts: tuple[str, ...]) -> list[str]:
    left = len(texts) - LISTED
    return [*texts[:LISTED], *([f"... {left} more"] if left > 0 else [])]
