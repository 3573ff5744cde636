"""The history of a project as a table: a row for each release, oldest first.

Neighbouring releases without a wheel to audit share a row if the reason is the same.
"""

from __future__ import annotations

from itertools import groupby

from torch_abi_audit.judges import JUDGES
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.audit.table import floor, word
from torch_abi_audit.report.loads.summary import loads_on
from torch_abi_audit.report.wording import plural
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch_abi_audit.model.history import Release
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.report.style import Style

ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """A release, or several that have no wheel to audit for the same reason."""

    cells: tuple[str, ...]
    """The release and its date; then a cell for each other title, unless ``why`` is set."""
    why: str | None = None
    """Why there is nothing to say of it."""


def others(outcome: Outcome) -> tuple[PackageReport, ...]:
    """The reports that are not rows of a history."""
    roots = {one.root for one in outcome.history if one.root is not None}
    errors = {one.why for one in outcome.history if one.broken}
    return tuple(
        one
        for one in outcome.packages
        if one.root_text not in roots and (one.error is None or one.error not in errors)
    )


def projects(outcome: Outcome) -> Iterator[tuple[str, tuple[Release, ...]]]:
    """Yield each project with its releases."""
    for name, releases in groupby(outcome.history, key=lambda one: one.project):
        yield name, tuple(releases)


def titles() -> tuple[str, ...]:
    """The titles of the columns."""
    judged = [
        title
        for judge in JUDGES
        for title in (judge.display.heading, judge.display.floor_heading)
        if title is not None
    ]
    return ("Release", "Date", *judged, "Findings", "Loads on")


def rows(releases: Sequence[Release], packages: Iterable[PackageReport]) -> Iterator[Row]:
    """Yield the rows of one project."""
    reports = {one.root_text: one for one in packages}
    several = len({one.platform for one in releases if one.platform is not None}) > 1
    for (_, why), group in groupby(releases, key=lambda one: (one.root, one.why)):
        listed = list(group)
        first, last = listed[0], listed[-1]
        where = f" ({first.platform})" if several and first.platform is not None else ""
        named = escape(first.version) + where
        if len(listed) > 1:
            named += f" to {escape(last.version)} ({plural(len(listed), 'release')})"
        day = first.released or ABSENT
        if last.released is not None and last.released != day:
            day += f" to {last.released}"
        report = None if first.root is None else reports.get(first.root)
        if report is None:
            said = f"could not be read: {why}" if first.broken else f"no wheel: {why}"
            yield Row((named, day), escape(said))
        else:
            yield Row((named, day, *_cells(report)))


def _cells(report: PackageReport) -> Iterator[str]:
    for judge in JUDGES:
        yield word(judge, report)
        if judge.display.floor_heading is not None:
            yield floor(judge, report, absent=ABSENT)
    given = [one.severity for one in report.findings]
    counted = [plural(given.count(each), each.value) for each in Severity if each in given]
    yield ", ".join(counted) or "none"
    matrix = report.loads
    if not report.libraries:
        yield "no compiled libraries"
    else:
        yield (
            ABSENT if matrix is None else loads_on(matrix).partition(";")[0].removeprefix("torch ")
        )


def text(outcome: Outcome, style: Style) -> Iterator[str]:
    """Yield a block for each project."""
    for name, releases in projects(outcome):
        yield "\n".join(_block(name, list(rows(releases, outcome.packages)), style))


def _block(name: str, listed: Sequence[Row], style: Style) -> Iterator[str]:
    head = [title.upper().replace(" ", "-") for title in titles()]
    full = [one.cells for one in listed if one.why is None]
    widths = [max(map(len, column)) for column in zip(head, *full, strict=True)]
    rules = ["-" * width for width in (*widths[:-1], len(head[-1]))]
    yield f"History: {escape(name)}"
    yield _line(head, widths)
    yield _line(rules, widths)
    for one in listed:
        yield _line((*one.cells, *([one.why] if one.why else [])), widths, style)


def _line(cells: Sequence[str], widths: Sequence[int], style: Style | None = None) -> str:
    words = {word for judge in JUDGES if judge.display.coloured for word in judge.words.values()}
    padded = [
        style.verdict(cell, width=width)
        if style is not None and cell in words
        else f"{cell:<{width}}"
        for cell, width in zip(cells, widths, strict=False)
    ]
    return f"  {'  '.join(padded)}".rstrip()


def entries(outcome: Outcome) -> list[Mapping[str, object]]:
    """The releases for JSON, each with the root of its report."""
    return [
        {
            "project": escape(one.project),
            "version": escape(one.version),
            "released": one.released,
            "platform": None if one.platform is None else escape(one.platform),
            "root": None if one.root is None else escape(one.root),
            "why": None if one.why is None else escape(one.why),
            "broken": one.broken,
        }
        for one in outcome.history
    ]
