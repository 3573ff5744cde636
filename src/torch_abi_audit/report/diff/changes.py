"""Differences as text, markdown and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from torch_abi_audit.mangling import escape
from torch_abi_audit.report.audit.markdown import plain as _plain
from torch_abi_audit.report.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.diff.difference import Changed, Difference, LibraryChange, Symbols
    from torch_abi_audit.model.findings import Finding

SHOWN = 15
"""Symbols listed per kind unless all are asked for; the rest is a count."""

FOLDED = 200
"""The same in a folded part of a markdown page."""

SCHEMA_VERSION = 1

_ABSENT = "none"


def as_text(differences: tuple[Difference, ...], *, verbose: bool = False) -> str:
    """A block for each package, ``-`` for what went and ``+`` for what came."""
    return "\n\n".join("\n".join(_text(one, verbose=verbose)) for one in differences)


def _text(one: Difference, *, verbose: bool) -> Iterator[str]:
    yield f"Package: {escape(one.name)}{_presence(one)}"
    if one.empty:
        if one.old is not None and one.new is not None:
            yield f"  no difference ({plural(one.unchanged, 'library')})"
        yield from _judgement(one)
        return
    for change in one.changes:
        yield f"  {change.what + ':':<16} {_arrow(change)}"
    for sign, what, releases in (
        ("+", "now loads on", one.releases_gained),
        ("-", "no longer loads on", one.releases_lost),
    ):
        if releases:
            yield f"  {sign} {what} torch {', '.join(releases)}"
    yield from _libraries(one, verbose=verbose)
    for part in one.symbols:
        yield f"  -- {part.kind} symbols: {_count(part, named=False)} --"
        yield from (f"    {line}" for line in _listed(part, None if verbose else SHOWN))
    if one.findings_gained or one.findings_lost:
        yield "  -- findings --"
        for sign, findings in (("+", one.findings_gained), ("-", one.findings_lost)):
            yield from (f"    {sign} {_finding(finding)}" for finding in findings)
    yield from _judgement(one)


def _libraries(one: Difference, *, verbose: bool) -> Iterator[str]:
    if not one.libraries:
        return
    yield "  -- libraries --"
    for library in one.libraries:
        yield f"    {_name(library)}"
        if verbose or (library.old is not None and library.new is not None):
            yield from (f"        {part.what}: {_arrow(part)}" for part in library.changes)
            counts = ", ".join(_count(part) for part in library.symbols)
            if counts:
                yield f"        symbols: {counts}"
    yield f"    ({one.unchanged} unchanged)"


def _listed(part: Symbols, limit: int | None) -> Iterator[str]:
    for sign, names in (("+", part.gained), ("-", part.lost)):
        shown = names[:limit]
        yield from (f"{sign} {escape(name)}" for name in shown)
        if len(names) > len(shown):
            yield f"{sign} ... {len(names) - len(shown)} more"


def _judgement(one: Difference) -> Iterator[str]:
    for clause in one.worse:
        yield f"  Worse: {escape(clause)}"


def _presence(one: Difference) -> str:
    if one.old is None:
        return " (new)"
    return " (gone)" if one.new is None else ""


def _arrow(change: Changed) -> str:
    old, new = (_ABSENT if one is None else escape(one) for one in (change.old, change.new))
    return f"{old} -> {new}"


def _name(library: LibraryChange) -> str:
    if library.old is None:
        return f"+ {escape(library.new or '')}  [{_label(library.changes, new=True)}]"
    if library.new is None:
        return f"- {escape(library.old)}  [{_label(library.changes, new=False)}]"
    if library.renamed:
        return f"~ {escape(library.old)} -> {escape(library.new)}"
    return f"~ {escape(library.new)}"


def _label(changes: tuple[Changed, ...], *, new: bool) -> str:
    for one in changes:
        if one.what == "torch verdict":
            return (one.new if new else one.old) or ""
    return ""


def _count(part: Symbols, *, named: bool = True) -> str:
    counts = " ".join(
        f"{sign}{len(names)}" for sign, names in (("+", part.gained), ("-", part.lost)) if names
    )
    return f"{part.kind} {counts}" if named else counts


def _finding(one: Finding) -> str:
    where = f"{escape(one.library)}: " if one.library else ""
    return f"{one.severity} {one.rule}: {where}{escape(one.message)}"


def as_markdown(differences: tuple[Difference, ...], *, verbose: bool = False) -> str:
    """A section for each package: a table of what changed, symbols folded away."""
    return "\n\n".join("\n".join(_markdown(one, verbose=verbose)) for one in differences)


def _markdown(one: Difference, *, verbose: bool) -> Iterator[str]:
    yield f"### {_plain(one.name)}{_presence(one)}"
    yield ""
    if one.empty:
        yield "No difference."
    rows = list(_rows(one))
    if rows:
        yield from ("| | Before | After |", "| --- | --- | --- |", *rows)
    if one.libraries:
        yield from ("", "| Library | Torch | Symbols |", "| --- | --- | --- |")
        yield from (_library_row(library) for library in one.libraries)
    for part in one.symbols:
        summary = f"{part.kind} symbols: {_count(part, named=False)}"
        yield from ("", f"<details><summary>{summary}</summary>", "", "```diff")
        yield from _listed(part, None if verbose else FOLDED)
        yield from ("```", "", "</details>")
    for sign, findings in (("new", one.findings_gained), ("gone", one.findings_lost)):
        if findings:
            yield ""
            yield from (f"- {sign}: {_plain(_finding(finding))}" for finding in findings)
    if one.worse:
        yield ""
        yield from (f"- **worse**: {_plain(clause)}" for clause in one.worse)


def _rows(one: Difference) -> Iterator[str]:
    for change in one.changes:
        old, new = (_plain(value or _ABSENT) for value in (change.old, change.new))
        yield f"| {change.what} | {old} | {new} |"
    for sign, releases in (("+", one.releases_gained), ("-", one.releases_lost)):
        if releases:
            yield f"| loads on torch | | {sign} {', '.join(releases)} |"


def _library_row(library: LibraryChange) -> str:
    name = _name(library).replace("|", "\\|").replace("`", "'")
    verdicts = [_arrow(change) for change in library.changes if change.what == "torch verdict"]
    counts = ", ".join(_count(part) for part in library.symbols)
    return f"| `{name}` | {'; '.join(verdicts)} | {counts} |"


def as_json(differences: tuple[Difference, ...]) -> str:
    """The whole as a JSON document, everything listed."""
    return json.dumps(
        {
            "packages": [_json(one) for one in differences],
            "worse": any(one.worse for one in differences),
            "schema_version": SCHEMA_VERSION,
        },
        indent=2,
    )


def _json(one: Difference) -> dict[str, Any]:
    return {
        "name": escape(one.name),
        "old": None if one.old is None else escape(str(one.old.root)),
        "new": None if one.new is None else escape(str(one.new.root)),
        "changes": [_change_json(change) for change in one.changes],
        "libraries": [
            {
                "old": None if library.old is None else escape(library.old),
                "new": None if library.new is None else escape(library.new),
                "changes": [_change_json(change) for change in library.changes],
                "symbols": [_symbols_json(part) for part in library.symbols],
            }
            for library in one.libraries
        ],
        "unchanged_libraries": one.unchanged,
        "symbols": [_symbols_json(part) for part in one.symbols],
        "releases_gained": list(one.releases_gained),
        "releases_lost": list(one.releases_lost),
        "findings_gained": [_finding_json(finding) for finding in one.findings_gained],
        "findings_lost": [_finding_json(finding) for finding in one.findings_lost],
        "worse": [escape(clause) for clause in one.worse],
    }


def _change_json(change: Changed) -> dict[str, str | None]:
    old, new = (None if one is None else escape(one) for one in (change.old, change.new))
    return {"what": change.what, "old": old, "new": new}


def _symbols_json(part: Symbols) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "gained": [escape(one) for one in part.gained],
        "lost": [escape(one) for one in part.lost],
    }


def _finding_json(one: Finding) -> dict[str, str | None]:
    library = None if one.library is None else escape(one.library)
    message = escape(one.message)
    return {"rule": one.rule, "severity": one.severity, "library": library, "message": message}
