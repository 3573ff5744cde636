"""Renders differences as Markdown: a table of changes per package, with symbols folded."""

from __future__ import annotations

from torch_abi_audit.diff.gpus import phrases
from torch_abi_audit.report.audit.markdown import plain
from torch_abi_audit.report.diff.phrases import (
    ABSENT,
    arrow,
    count,
    counts,
    listed,
    name,
    presence,
    runs,
    told,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.diff.difference import Difference, LibraryChange
    from torch_abi_audit.report.rendering import Detail

FOLDED = 200
"""Symbols listed per kind in a folded section without ``--verbose``; the rest is counted."""


def render(differences: tuple[Difference, ...], detail: Detail) -> str:
    """Return a section for each package."""
    return "\n\n".join("\n".join(_package(one, verbose=detail.verbose)) for one in differences)


def _package(one: Difference, *, verbose: bool) -> Iterator[str]:
    yield f"### {plain(one.name)}{presence(one)}"
    yield ""
    if one.empty:
        yield "No difference."
    rows = list(_rows(one))
    if rows:
        yield from ("| | Before | After |", "| --- | --- | --- |", *rows)
    if one.libraries:
        on_gpus = any(library.gpus for library in one.libraries)
        heads = ("Library", "Torch", "Symbols", *(("GPUs",) if on_gpus else ()))
        yield from ("", f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _ in heads)} |")
        yield from (_library(library, on_gpus=on_gpus) for library in one.libraries)
    for part in one.symbols:
        summary = f"{part.kind} symbols: {count(part)}"
        yield from ("", f"<details><summary>{summary}</summary>", "", "```diff")
        yield from listed(part, None if verbose else FOLDED)
        yield from ("```", "", "</details>")
    for sign, findings in (("new", one.findings_gained), ("gone", one.findings_lost)):
        if findings:
            yield ""
            yield from (f"- {sign}: {plain(line)}" for line in told(findings))
    if one.worse:
        yield ""
        yield from (f"- **worse**: {plain(clause)}" for clause in one.worse)
    if one.notes:
        yield ""
        yield from (f"- note: {plain(note)}" for note in one.notes)


def _rows(one: Difference) -> Iterator[str]:
    for change in one.changes:
        old, new = (plain(value or ABSENT) for value in (change.old, change.new))
        yield f"| {change.what} | {old} | {new} |"
    for sign, releases in (("+", one.releases_gained), ("-", one.releases_lost)):
        if releases:
            yield f"| loads on torch | | {sign} {runs(one, releases)} |"
    for sign, what, gpus in phrases(one.gpus):
        yield f"| GPUs | | {sign} {what} {plain(', '.join(gpus))} |"


def _library(library: LibraryChange, *, on_gpus: bool) -> str:
    shown = name(library).replace("|", "\\|").replace("`", "'")
    verdicts = [arrow(change) for change in library.changes if change.what == "torch verdict"]
    cells = [f"`{shown}`", "; ".join(verdicts), counts(library)]
    if on_gpus:
        told = (f"{what} {', '.join(gpus)}" for _, what, gpus in phrases(library.gpus))
        cells.append(plain("; ".join(told)))
    return f"| {' | '.join(cells)} |"
