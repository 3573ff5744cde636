"""Groups results by fact, for machine-readable formats and Markdown."""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote

from torch_abi_audit.knowledge.names.identity import digest
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.outcome import Status
from torch_abi_audit.report.audit.facts import facts, places
from torch_abi_audit.rules import rule
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.model.findings import Severity
    from torch_abi_audit.model.outcome import Result
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.report.audit.facts import Fact
    from torch_abi_audit.rules.definition import Rule


@dataclass(frozen=True, slots=True)
class Group:
    """All results that are one fact: of one rule, and of one or more libraries of a package."""

    rule: Rule
    severity: Severity
    paths: tuple[str, ...]
    """Relative paths with forward slashes, independent of where the package is; without
    duplicates."""
    findings: int
    """The number of results."""
    message: str
    evidence: tuple[str, ...]
    hidden: int
    """Number of pieces of evidence that are ignored or in the baseline."""
    fingerprint: str
    """A hash that identifies the group; unique within a report. That of its first library."""
    fails: bool
    """Whether it fails the gate."""
    reason: str | None
    """Why it is suppressed; None if it is open."""
    ignored: bool
    """Whether an ignore, not the baseline, suppresses it."""

    @property
    def where(self) -> str:
        """The path of the library, or how many there are, and the first ones."""
        return places(self.paths)


def grouped(results: Iterable[Result]) -> tuple[Group, ...]:
    """Group the results in their order, those of one package and one standing together.

    Facts of one rule about the same libraries are one group.
    """
    together: dict[tuple[int, Status, str, bool], list[Result]] = {}
    position: dict[int, int] = {}
    for at, one in enumerate(results):
        standing = (id(one.report), one.status, one.reason, one.fails)
        together.setdefault(standing, []).append(one)
        position.setdefault(id(one), at)
    groups: list[tuple[list[Result], list[Fact]]] = []
    for members in together.values():
        same: dict[tuple[str, ...], tuple[list[Result], list[Fact]]] = {}
        for fact in facts([one.finding for one in members]):
            mine = [members[at] for at in fact.members]
            key = (mine[0].finding.rule, *dict.fromkeys(map(path_of, mine)))
            held = same.setdefault(key, ([], []))
            held[0].extend(mine)
            held[1].append(fact)
        groups += same.values()
    groups.sort(key=lambda each: min(position[id(one)] for one in each[0]))
    seen: Counter[str] = Counter()
    return tuple(_group(members, held, seen) for members, held in groups)


def _group(members: list[Result], held: list[Fact], seen: Counter[str]) -> Group:
    first = members[0]
    mark = digest(first.key)
    seen[mark] += 1
    return Group(
        rule=rule(first.finding.rule),
        severity=first.finding.severity,
        paths=tuple(dict.fromkeys(map(path_of, members))),
        findings=len(members),
        message=escape("; ".join(dict.fromkeys(one.message for one in held))),
        evidence=tuple(map(escape, _evidence(held))),
        hidden=sum(len(one.hidden) for one in members),
        fingerprint=mark if seen[mark] == 1 else f"{mark}-{seen[mark]}",
        fails=first.fails,
        reason=None if first.status is Status.OPEN else escape(first.reason),
        ignored=first.status is Status.IGNORED,
    )


def _evidence(held: list[Fact]) -> list[str]:
    """The evidence of all facts, without duplicates between facts."""
    found: list[str] = []
    for one in held:
        known = set(found)
        found += [each for each in one.evidence if each not in known]
    return found


def path_of(one: Result) -> str:
    """The path of a result: its library, relative to the parent of the import package."""
    report = one.report
    if report is None:
        return escape(one.finding.message.partition(":")[0])  # the file that the message names
    root = report.root.name
    if one.finding.library is None:
        return escape(report.distribution or root or report.name)
    return path_prefix(report) + escape(one.finding.library)


def path_prefix(report: PackageReport) -> str:
    """What precedes the path of a library below the root: the root, if it is an import package."""
    root = report.root.name
    return escape(f"{root}/") if root in report.import_names else ""


def uri(path: str) -> str:
    """The relative URI of a path."""
    return quote(path.lstrip("/"))
