"""Renders a diagnosis as text: a line for each package, then what does not load and why."""

from __future__ import annotations

from torch_abi_audit.doctor.diagnosis import Status
from torch_abi_audit.doctor.remedy import how_found
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.report.doctor.phrases import (
    WORDS,
    copies_of,
    environment,
    has_section,
    lines,
    named,
    ordered,
    summary,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.doctor.diagnosis import Diagnosis, Examined, Problem
    from torch_abi_audit.report.rendering import Detail

_MOST_PARTS = 3
_ROOM = 600
"""Characters of a sentence, unless all are asked for."""
_LONGEST = 96
"""Characters of a failure in the line of its package."""
_PAINT = {Status.LOADS: "yes", Status.FAILS: "no"}


def render(found: Diagnosis, detail: Detail) -> str:
    """Return the environment, a line for each package, and a section for each that fails."""
    rows = ordered(found)
    sections = ["\n".join(_head(found)), "\n".join(_table(rows, detail))]
    room = None if detail.verbose else _ROOM
    sections += ["\n".join(_package(one, room)) for one in rows if has_section(one)]
    sections += ["\n".join(_rest(found, rows))]
    if detail.verbose:
        sections += ["\n".join(_opened(one)) for one in (found.torch, *found.packages)]
    return "\n\n".join(filter(None, sections))


def _head(found: Diagnosis) -> Iterator[str]:
    for title, text in environment(found):
        yield f"{title + ':':<10} {escape(text)}"


def _table(rows: Sequence[Examined], detail: Detail) -> Iterator[str]:
    width = max(len(escape(named(one))) for one in rows)
    for one in rows:
        word = WORDS[one.status]
        painted = detail.style.loads(word, width=13)
        if one.status in _PAINT:
            painted = detail.style.loads(_PAINT[one.status], width=0).replace(
                _PAINT[one.status], f"{word:<13}"
            )
        told = escape(summary(one))
        told = told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"
        yield f"{painted}  {escape(named(one)):<{width}}  {told}".rstrip()


def _package(one: Examined, room: int | None) -> Iterator[str]:
    yield f"{escape(named(one))}: {WORDS[one.status]}"
    if one.problem is not None:
        yield from _problem(one.problem, room)
    if one.parts:
        yield "  does not stop the import, or is not opened by it:"
    for number, part in enumerate(one.parts[:_MOST_PARTS]):
        if number:
            yield ""
        yield from _problem(part, room)
    rest = [file_name(part.library or part.text) for part in one.parts[_MOST_PARTS:]]
    if rest:
        yield f"  {'and also:':<14} {escape(', '.join(rest))} (--json shows why)"


def _problem(problem: Problem, room: int | None) -> Iterator[str]:
    for title, text in lines(problem):
        shown = escape(text)
        if room is not None and len(shown) > room:
            shown = f"{shown[:room]}… (-v shows all)"
        yield f"  {title + ':':<14} {shown}"


def _rest(found: Diagnosis, rows: Sequence[Examined]) -> Iterator[str]:
    for copies in found.copies:
        yield f"Copies:    {escape(copies_of(copies))}"
    for one in rows:
        for note in one.notes:
            yield f"Note:      {escape(note)}"
    for unknown in found.unknown:
        yield f"Not known: {escape(unknown)}"
    for one in rows:
        for unknown in one.unknown:
            yield f"Not known: {escape(unknown)}"
        for limit in one.limits:
            yield f"Not followed: {escape(limit)}"


def _opened(one: Examined) -> Iterator[str]:
    yield f"Opened by import {escape(one.name)}, in order:"
    for each in one.opened:
        yield f"  {escape(how_found(each))}"
    if not one.opened:
        yield "  nothing"
