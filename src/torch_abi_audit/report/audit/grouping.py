"""Groups results by library and rule, for machine-readable formats and Markdown."""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote

from torch_abi_audit.knowledge.names.identity import digest
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.outcome import Status
from torch_abi_audit.rules import rule
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.model.findings import Severity
    from torch_abi_audit.model.outcome import Result
    from torch_abi_audit.rules.definition import Rule


@dataclass(frozen=True, slots=True)
class Group:
    """All results of one rule for one library."""

    rule: Rule
    severity: Severity
    path: str
    """A relative path with forward slashes, independent of where the package is."""
    message: str
    evidence: tuple[str, ...]
    hidden: int
    """Number of pieces of evidence that are ignored or in the baseline."""
    fingerprint: str
    """A hash that identifies the group; unique within a report."""
    fails: bool
    """Whether it fails the gate."""
    reason: str | None
    """Why it is suppressed; None if it is open."""
    ignored: bool
    """Whether an ignore, not the baseline, suppresses it."""


def grouped(results: Iterable[Result]) -> tuple[Group, ...]:
    """Group the results by library and rule, in their order."""
    together: dict[tuple[str, str, bool], list[Result]] = {}
    for one in results:
        standing = one.status is Status.OPEN
        together.setdefault((path_of(one), one.finding.rule, standing), []).append(one)
    seen: Counter[str] = Counter()
    found = []
    for (path, rule_id, _), members in together.items():
        mark = digest(members[0].key)
        seen[mark] += 1
        found.append(
            Group(
                rule=rule(rule_id),
                severity=members[0].finding.severity,
                path=path,
                message=escape("; ".join(dict.fromkeys(one.finding.message for one in members))),
                evidence=tuple(map(escape, _evidence(members))),
                hidden=sum(len(one.hidden) for one in members),
                fingerprint=mark if seen[mark] == 1 else f"{mark}-{seen[mark]}",
                fails=any(one.fails for one in members),
                reason=None if members[0].status is Status.OPEN else escape(members[0].reason),
                ignored=members[0].status is Status.IGNORED,
            )
        )
    return tuple(found)


def _evidence(members: list[Result]) -> list[str]:
    """The evidence of all members, without duplicates between members."""
    found: list[str] = []
    for one in members:
        known = set(found)
        found += [each for each in one.finding.evidence if each not in known]
    return found


def path_of(one: Result) -> str:
    """The path of a result: its library, relative to the parent of the import package."""
    report = one.report
    if report is None:
        return escape(one.finding.message.partition(":")[0])  # the file that the message names
    root = report.root.name
    if one.finding.library is None:
        return escape(report.distribution or root or report.name)
    prefix = f"{root}/" if root in report.import_names else ""
    return escape(prefix + one.finding.library)


def uri(path: str) -> str:
    """The relative URI of a path."""
    return quote(path.lstrip("/"))
