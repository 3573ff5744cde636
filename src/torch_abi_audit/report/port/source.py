"""What a plan says of sources and build files, for each format."""

from __future__ import annotations

from typing import Any

from torch_abi_audit.mangling import escape
from torch_abi_audit.model.releases import short
from torch_abi_audit.port.migration import Way
from torch_abi_audit.port.source.findings import Kind
from torch_abi_audit.report.lines import filled, fitting
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from torch_abi_audit.port.migration import Item, Plan
    from torch_abi_audit.port.source.findings import (
        BuildFinding,
        SourceFile,
        SourceUse,
        SourceView,
        Step,
    )

_FILES = 10
"""Maximum number of sources that the first screen lists."""
_SINGLE = 3
"""Maximum number of sources whose steps the first screen lists one by one."""
_PLACES = 12
"""Maximum number of lines that are given for one thing in a file."""


def coverage(view: SourceView, target: str, percent: Callable[[float], str]) -> str:
    """The share of the uses in the sources that can be replaced, as a sentence."""
    uses = _uses(view)
    if not view.files:
        return "nothing to port: no source was read"
    if not uses:
        unread = any(file.error is not None for file in view.files)
        if unread:
            return "unknown: sources could not be read"
        return f"nothing to port: {_sources(len(view.files))} without a use of the unstable API"
    share = f"{percent(view.coverage)} of {plural(len(uses), 'use')}"
    return f"{share} in {_sources(len(_used(view)))} can be replaced for torch {short(target)}"


def progress(view: SourceView) -> str | None:
    """How many uses can be changed mechanically; None if there is none at all."""
    uses = _uses(view)
    if not uses:
        return None
    ready = sum(bool(use.edits) for use in uses)
    return f"{ready} by --diff, {len(uses) - ready} by hand"


def first_screen(view: SourceView, width: int) -> Iterator[str]:
    """Yield what to change in the build, the sources with most to do, and the order of work."""
    yield from _build(view.build, width)
    files = sorted(_used(view), key=lambda one: (-len(one.uses), one.name))
    if files:
        yield ""
        yield "  Sources:"
    for file in files[:_FILES]:
        ready = sum(bool(use.edits) for use in file.uses)
        hand = len(file.uses) - ready
        yield f"    {escape(file.name)}  ({ready} by --diff, {hand} by hand)"
    if len(files) > _FILES:
        yield f"    and {len(files) - _FILES} more, which -v lists"
    yield from _errors(view, width)
    yield from _order(view.steps, width, places=False)


def details(
    plan: Plan, view: SourceView, width: int, remarks: Callable[[Item], Iterable[str]]
) -> Iterator[str]:
    """Yield what to write in which line, and the order of work with its places.

    Args:
        plan: The plan.
        view: Its sources.
        width: The width of the terminal, in characters.
        remarks: What the row of an API says beside its replacement.
    """
    said = {text for item in plan.items if item.symbols for text in remarks(item)}
    items = {(item.api, item.use): item for item in plan.items if not item.symbols}
    for file in _used(view):
        yield f"  -- {escape(file.name)} --"
        for use, lines in _grouped(file):
            yield from filled(f"{_listed(lines)}: {escape(_change(use))}", width, 4)
            item = items.get((use.spelled, use.write))
            texts = [use.note] if item is None else [*remarks(item)]
            for text in (_terms(use), *(one for one in texts if one not in said)):
                if text:
                    yield from filled(escape(text), width, 8)
            said.update(texts)
    yield from _errors(view, width)
    yield from _build(view.build, width)
    yield from _order(view.steps, width, places=True)


def markdown(
    view: SourceView, code: Callable[[str], str], text: Callable[[str], str]
) -> Iterator[str]:
    """Yield the checklist, then what to write in which line.

    Args:
        view: What the sources say.
        code: Writes code in a table cell.
        text: Writes other text there.
    """
    for note in view.notes:
        yield ""
        yield text(note)
    if view.steps:
        yield ""
        yield "Order of work:"
        yield ""
    for step in view.steps:
        yield f"- [ ] {text(step.title)}: {text(step.why)}"
        for name, numbers in _by_file(step.places):
            yield f"  - {code(name)}{_lines(numbers)}"
    if view.build:
        yield ""
        yield "| build file | what | write |"
        yield "|---|---|---|"
        for one, numbers in _alike(view.build):
            write = code(one.write) if one.write else ""
            yield f"| {code(one.name)}{_lines(numbers)} | {text(one.what)} | {write} |"
    for file in view.files:
        if not file.uses and file.error is None:
            continue
        yield ""
        yield f"**{text(file.name)}**" + (f": {text(file.error)}" if file.error else "")
        if file.uses:
            yield ""
            yield "| line | as it is | write | available | notes |"
            yield "|---|---|---|---|---|"
        for use, lines in _grouped(file):
            write = _written(use, code)
            hand = "" if use.edits else " (by hand)"
            yield (
                f"| {_listed(lines)} | {code(use.spelled)} | {write}{hand} "
                f"| {text(_terms(use))} | {text(use.note)} |"
            )


def document(view: SourceView | None) -> dict[str, Any] | None:
    """The sources and build files for JSON; None if none were read."""
    if view is None:
        return None
    return {
        "root": escape(view.root),
        "coverage": view.coverage,
        "files": [
            {
                "name": escape(file.name),
                "error": None if file.error is None else escape(file.error),
                "uses": [_use(use) for use in file.uses],
            }
            for file in view.files
        ],
        "build_files": [
            {
                "name": escape(one.name),
                "line": one.line,
                "what": escape(one.what),
                "write": None if one.write is None else escape(one.write),
                "mechanical": bool(one.edits),
                "when_ported": one.late,
            }
            for one in view.build
        ],
        "steps": [
            {"title": escape(one.title), "why": one.why, "places": [*map(escape, one.places)]}
            for one in view.steps
        ],
        "notes": [escape(note) for note in view.notes],
    }


def _use(use: SourceUse) -> dict[str, Any]:
    return {
        "line": use.line,
        "column": use.column,
        "kind": use.kind,
        "spelled": escape(use.spelled),
        "api": None if use.api is None else escape(use.api),
        "class": use.way,
        "replacement": None if use.write is None else escape(use.write),
        "header": use.header,
        "since": use.since,
        "runtime_floor": use.floor,
        "note": escape(use.note),
        "mechanical": bool(use.edits),
    }


def _build(found: Sequence[BuildFinding], width: int) -> Iterator[str]:
    if found:
        yield ""
        yield "  Build files:"
    for one, lines in _alike(found):
        yield from filled(f"{escape(one.name)}{_lines(lines)}: {escape(one.what)}", width, 4)
        if one.write:
            made = "  (by --diff)" if one.edits else ""
            yield from filled(f"write {escape(one.write)}{made}", width, 8)


def _alike(found: Sequence[BuildFinding]) -> list[tuple[BuildFinding, list[str]]]:
    """The distinct findings, and the lines of each."""
    groups: dict[tuple[object, ...], tuple[BuildFinding, list[str]]] = {}
    for one in found:
        key = (one.name, one.what, one.write, bool(one.edits))
        lines = groups.setdefault(key, (one, []))[1]
        if one.line is not None and str(one.line) not in lines:
            lines.append(str(one.line))
    return list(groups.values())


def _errors(view: SourceView, width: int) -> Iterator[str]:
    for file in view.files:
        if file.error is not None:
            yield from filled(f"error: {escape(file.name)}: {escape(file.error)}", width, 4)


def _order(steps: Sequence[Step], width: int, *, places: bool) -> Iterator[str]:
    """The steps by number; without ``places``, those of single files in one line."""
    if not steps:
        return
    yield ""
    yield "  Order of work:"
    files = [one for one in steps if one.file is not None]
    for number, step in enumerate(steps, 1):
        text = f"{number}. {escape(step.title)}"
        if not places and len(files) > _SINGLE and step.file is not None:
            if step is files[0]:
                last = number + len(files) - 1
                head = f"{number} to {last}. Port {_sources(len(files))}, cheapest first: "
                names = [escape(one.file or "") for one in files]
                yield f"    {head}{fitting(names, width - len(head) - 4, least=1)}"
            continue
        yield from filled(f"{text}: {step.why}" if places else text, width, 4, 7)
        for file, numbers in _by_file(step.places) if places else ():
            yield from filled(f"{escape(file)}{_lines(numbers)}", width, 7, 11)


def _change(use: SourceUse) -> str:
    """``at::kFloat -> torch::headeronly::ScalarType::Float``, and whether it is done by hand."""
    written = use.write or _without(use)
    return f"{use.spelled} -> {written}" + ("" if use.edits else "  (by hand)")


def _written(use: SourceUse, code: Callable[[str], str]) -> str:
    """What to write, as code unless it describes that."""
    if use.write is None:
        return _without(use)
    return use.write if use.kind is Kind.INCLUDE else code(use.write)


def _without(use: SourceUse) -> str:
    """What is said where there is nothing to write."""
    if use.way is Way.GOES:
        return "remove it"
    return "nothing yet" if use.way is not Way.UNKNOWN else "not known"


def _terms(use: SourceUse) -> str:
    """The header of what is to be written, and the torch releases that it requires."""
    if use.header is None:
        return ""
    needs = f"; needs the headers of torch {short(use.since)}" if use.since else ""
    runs = f", runs on {short(use.floor)} and later" if use.floor else ""
    return f"{use.header}{needs}{runs}"


def _grouped(file: SourceFile) -> list[tuple[SourceUse, list[int]]]:
    """The distinct changes of a source, and the lines of each, in the order of the text."""
    found: dict[tuple[str, str | None, bool], tuple[SourceUse, list[int]]] = {}
    for use in file.uses:
        group = found.setdefault((use.spelled, use.write, bool(use.edits)), (use, []))
        if use.line not in group[1]:
            group[1].append(use.line)
    return list(found.values())


def _by_file(places: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The files of places such as ``ops.cpp:12``, each with its line numbers."""
    found: dict[str, list[str]] = {}
    for place in places:
        file, _, line = place.rpartition(":")
        if file and line.isdecimal():
            found.setdefault(file, []).append(line)
        else:
            found.setdefault(place, [])
    yield from found.items()


def _lines(numbers: Sequence[str]) -> str:
    """``, line 3`` or ``, lines 3, 5 and 8 more``; nothing without a line."""
    if not numbers:
        return ""
    return f", {'line' if len(numbers) == 1 else 'lines'} {_listed(numbers)}"


def _listed(numbers: Sequence[object]) -> str:
    shown = ", ".join(map(str, numbers[:_PLACES]))
    return f"{shown} and {len(numbers) - _PLACES} more" if len(numbers) > _PLACES else shown


def _sources(count: int) -> str:
    return plural(count, "source")


def _uses(view: SourceView) -> list[SourceUse]:
    return [use for file in view.files for use in file.uses]


def _used(view: SourceView) -> list[SourceFile]:
    return [file for file in view.files if file.uses]
