"""Renders differences as text: a block per package, ``+`` for added and ``-`` for removed."""

from __future__ import annotations

from torch_abi_audit.diff.gpus import phrases
from torch_abi_audit.mangling import escape
from torch_abi_audit.report.diff.phrases import (
    arrow,
    count,
    counts,
    listed,
    name,
    presence,
    runs,
    told,
)
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.diff.difference import Difference
    from torch_abi_audit.report.rendering import Detail
    from torch_abi_audit.report.style import Style

SHOWN = 15
"""Symbols listed per kind without ``--verbose``; the rest is counted."""


def render(differences: tuple[Difference, ...], detail: Detail) -> str:
    """Return the blocks, separated by empty lines."""
    return "\n\n".join(
        "\n".join(_painted(line, detail.style) for line in _package(one, verbose=detail.verbose))
        for one in differences
    )


def _painted(line: str, style: Style) -> str:
    sign, _, rest = line.lstrip().partition(" ")
    return style.change("-" if sign == "Worse:" else sign, line) if rest else line


def _package(one: Difference, *, verbose: bool) -> Iterator[str]:
    yield f"Package: {escape(one.name)}{presence(one)}"
    if one.empty:
        if one.old is not None and one.new is not None:
            yield f"  no difference ({plural(one.unchanged, 'library')})"
        yield from _judgement(one)
        return
    for change in one.changes:
        yield f"  {change.what + ':':<16} {arrow(change)}"
    for sign, what, releases in (
        ("+", "now loads on", one.releases_gained),
        ("-", "no longer loads on", one.releases_lost),
    ):
        if releases:
            yield f"  {sign} {what} torch {runs(one, releases)}"
    for sign, what, names in phrases(one.gpus):
        yield f"  {sign} {what} {', '.join(map(escape, names))}"
    yield from _libraries(one, verbose=verbose)
    for part in one.symbols:
        yield f"  -- {part.kind} symbols: {count(part)} --"
        yield from (f"    {line}" for line in listed(part, None if verbose else SHOWN))
    if one.findings_gained or one.findings_lost:
        yield "  -- findings --"
        for sign, findings in (("+", one.findings_gained), ("-", one.findings_lost)):
            yield from (f"    {sign} {line}" for line in told(findings))
    yield from _judgement(one)


def _libraries(one: Difference, *, verbose: bool) -> Iterator[str]:
    if not one.libraries:
        return
    yield "  -- libraries --"
    for library in one.libraries:
        yield f"    {name(library)}"
        if verbose or (library.old is not None and library.new is not None):
            yield from (f"        {part.what}: {arrow(part)}" for part in library.changes)
            for sign, what, gpus in phrases(library.gpus):
                yield f"        {sign} {what} {', '.join(map(escape, gpus))}"
            counted = counts(library)
            if counted:
                yield f"        symbols: {counted}"
    yield f"    ({one.unchanged} unchanged)"


def _judgement(one: Difference) -> Iterator[str]:
    for clause in one.worse:
        yield f"  Worse: {escape(clause)}"
    for note in one.notes:
        yield f"  note: {escape(note)}"
