"""Renders a diagnosis as Markdown, to paste into an issue."""

from __future__ import annotations

from torch_abi_audit.doctor.remedy import how_found
from torch_abi_audit.mangling import escape
from torch_abi_audit.report.audit.markdown import plain
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


def render(found: Diagnosis, detail: Detail) -> str:
    """Return a table of the packages, and a section for each that fails."""
    rows = ordered(found)
    sections = ["\n".join(_table(found, rows))]
    sections += ["\n".join(_package(one)) for one in rows if has_section(one)]
    sections += ["\n".join(_rest(found, rows))]
    if detail.verbose:
        sections += ["\n".join(_opened(one)) for one in (found.torch, *found.packages)]
    return "\n\n".join(filter(None, sections))


def _table(found: Diagnosis, rows: Sequence[Examined]) -> Iterator[str]:
    for title, text in environment(found):
        yield f"- **{plain(title)}**: {_code(text)}"
    yield ""
    yield "| package | import | |"
    yield "|---|---|---|"
    for one in rows:
        yield f"| {plain(named(one))} | {WORDS[one.status]} | {plain(summary(one))} |"


def _package(one: Examined) -> Iterator[str]:
    yield f"### {plain(named(one))}: {WORDS[one.status]}"
    problems: list[Problem] = [one.problem] if one.problem is not None else []
    for problem in (*problems, *one.parts):
        yield ""
        for title, text in lines(problem):
            yield f"- **{title}**: {plain(text)}"


def _rest(found: Diagnosis, rows: Sequence[Examined]) -> Iterator[str]:
    for copies in found.copies:
        yield f"- **copies**: {plain(copies_of(copies))}"
    for unknown in found.unknown:
        yield f"- **not known**: {plain(unknown)}"
    for one in rows:
        for note in one.notes:
            yield f"- **note**: {plain(note)}"
        for unknown in one.unknown:
            yield f"- **not known**: {plain(unknown)}"
        for limit in one.limits:
            yield f"- **not followed**: {plain(limit)}"


def _opened(one: Examined) -> Iterator[str]:
    yield f"Opened by `import {one.name}`, in order:"
    yield ""
    for each in one.opened:
        yield f"- {_code(how_found(each))}"


def _code(text: str) -> str:
    return "`" + escape(text).replace("`", "'") + "`"
