"""Renders an audit as Markdown for a pull request: verdicts, findings and libraries."""

from __future__ import annotations

from torch_abi_audit.judges import JUDGES
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.report.audit.facts import places
from torch_abi_audit.report.audit.grouping import grouped
from torch_abi_audit.report.audit.table import floor, label, word
from torch_abi_audit.report.wording import of_baseline, plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.judges.interface import Judge
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport
    from torch_abi_audit.report.audit.history import Row
    from torch_abi_audit.report.rendering import Detail

_SPECIAL = str.maketrans({one: "\\" + one for one in "\\`*_[]|~#"} | {"<": "&lt;", "&": "&amp;"})
_CLOSING = 200  # bytes reserved for the line that counts the rows left out


def render(outcome: Outcome, detail: Detail) -> str:
    """Return a document of at most ``detail.room`` bytes; rows that do not fit are counted."""
    page = _Page(detail.room - _CLOSING)
    page.text(f"## torch-abi-audit: {_headline(outcome)}", "")
    if outcome.gate is not None:
        for failure in outcome.gate.failures:
            page.text(f"- {plain(failure)}")
        if outcome.gate.failures:
            page.text("")
    packages = outcome.packages
    if outcome.history:
        from torch_abi_audit.report.audit import history  # rarely needed

        for name, releases in history.projects(outcome):
            page.text(f"### History of {plain(name)}", "")
            page.table(history.titles(), map(_of_history, history.rows(releases, outcome.packages)))
            page.text("")
        packages = packages if detail.verbose else history.others(outcome)
    shown = [
        one
        for one in packages
        if detail.show_all or outcome.site_packages is None or one.torch_verdict != "no-torch"
    ]
    titles = (title for judge in JUDGES for title in _titles(judge))
    if shown or not outcome.history:
        page.table(("Package", *titles, "Libraries"), map(_row, shown))
    asked = {None, *map(id, packages)}
    findings = grouped(one for one in outcome.standing if (one.report and id(one.report)) in asked)
    if findings:
        page.text("", "### Findings", "")
        page.table(
            ("Severity", "Rule", "Where", "What"),
            (
                (one.severity, one.rule.id, _where(one.paths), plain(one.message))
                for one in findings
            ),
        )
    if outcome.suppressed:
        page.text("", f"{plural(len(outcome.suppressed), 'finding')} suppressed.")
    if outcome.fixed:
        page.text("", f"Fixed: {of_baseline(outcome.fixed)} of the baseline.")
    headings = [judge.display.heading for judge in JUDGES]
    for report in shown:
        if report.libraries:
            summary = f"Libraries of {plain(report.name)} ({len(report.libraries)})"
            page.fold(summary)
            if report.device_code is not None and report.device_code.present:
                from torch_abi_audit.report.audit import device_code  # most packages have none

                page.text(f"GPUs: {plain(device_code.summary(report.device_code))}", "")
            page.table(
                ("Library", *headings, "Shims", "Unstable", "Min torch"),
                (_library(one, report) for one in report.libraries),
            )
    return page.finished()


class _Page:
    """A document with a limited number of bytes."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._lines: list[str] = []
        self._cut = 0
        self._unclosed = False

    def text(self, *lines: str) -> None:
        """Add all the lines, or none if they do not fit."""
        size = sum(len(line.encode()) + 1 for line in lines)
        if size <= self._room and not self._cut:
            self._lines += lines
            self._room -= size

    def table(self, header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
        """Add a table; rows that do not fit are counted."""
        self.text(_cells(header), _cells(("---",) * len(header)))
        for row in rows:
            line = _cells(row)
            size = len(line.encode()) + 1
            if size > self._room or self._cut:
                self._cut += 1
            else:
                self._lines.append(line)
                self._room -= size

    def fold(self, summary: str) -> None:
        """Begin a collapsed section."""
        self.unfold()
        before = len(self._lines)
        self.text("", f"<details><summary>{summary}</summary>", "")
        self._unclosed = len(self._lines) > before

    def unfold(self) -> None:
        """End the collapsed section; space for that is reserved."""
        if self._unclosed:
            self._lines += ["", "</details>"]
            self._room -= len("\n</details>\n")
            self._unclosed = False

    def finished(self) -> str:
        """End the document and return its text."""
        self.unfold()
        if self._cut:
            self._lines += ["", f"_{plural(self._cut, 'row')} did not fit and were left out._"]
        return "\n".join(self._lines)


def _headline(outcome: Outcome) -> str:
    if outcome.gate is None:
        return plural(len(outcome.packages), "package")
    if outcome.gate.unread:
        return "could not read everything"
    if outcome.gate.empty:
        return "nothing was audited"
    return "failed" if outcome.gate.failures else "passed"


def _row(report: PackageReport) -> tuple[str, ...]:
    version = f" {plain(report.version)}" if report.version else ""
    cells = [plain(report.name) + version]
    for judge in JUDGES:
        cells.append(word(judge, report))
        if judge.display.floor_heading is not None:
            cells.append(floor(judge, report))
    return (*cells, str(len(report.libraries)))


def _of_history(row: Row) -> tuple[str, ...]:
    from torch_abi_audit.report.audit.history import titles

    cells = [plain(one) for one in row.cells]
    if row.why is not None:
        cells += ["" for _ in titles()[len(cells) + 1 :]]
        cells.append(plain(row.why))
    return tuple(cells)


def _titles(judge: Judge) -> Iterator[str]:
    yield judge.display.title
    if judge.display.floor_heading is not None:
        yield judge.display.floor_heading


def _library(library: ExtensionReport, report: PackageReport) -> tuple[str, ...]:
    name = f"`{_code(escape(relative_path(library, report)))}`"
    labels = [label(judge, library) for judge in JUDGES]
    torch = library.torch
    if torch is None or library.error is not None:
        why, *empty = (plain(library.error or ""), *("" for _ in labels[1:]))
        return (name, labels[0], why, *empty, "", "")
    unstable = str(len(torch.unstable_symbols))
    if torch.internal_symbols:
        unstable += f" and {len(torch.internal_symbols)} internal"
    oldest = torch.min_torch_version or ""
    shims = str(torch.stable_shim_count)
    return (name, *labels, shims, unstable, oldest)


def _where(paths: tuple[str, ...]) -> str:
    return places([f"`{_code(path)}`" for path in paths])


def _cells(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Escape a text for Markdown, including table cells."""
    return escape(text).translate(_SPECIAL)


def _code(text: str) -> str:
    return text.replace("`", "'").replace("|", "\\|")
