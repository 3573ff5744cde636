"""The phrases of a difference that text and Markdown share."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.report.audit.facts import facts, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.diff.difference import Changed, Difference, LibraryChange, Symbols
    from torch_abi_audit.model.findings import Finding

ABSENT = "none"
"""The text for a value that one side does not have."""


def presence(one: Difference) -> str:
    """The suffix of the name of a package that only one side has."""
    if one.old is None:
        return " (new)"
    return " (gone)" if one.new is None else ""


def arrow(change: Changed) -> str:
    """``old -> new``."""
    old, new = (ABSENT if one is None else escape(one) for one in (change.old, change.new))
    return f"{old} -> {new}"


def name(library: LibraryChange) -> str:
    """A library's name with ``+``, ``-`` or ``~`` before it."""
    if library.old is None:
        return f"+ {escape(library.new or '')}  [{_label(library.changes, new=True)}]"
    if library.new is None:
        return f"- {escape(library.old)}  [{_label(library.changes, new=False)}]"
    if library.renamed:
        return f"~ {escape(library.old)} -> {escape(library.new)}"
    return f"~ {escape(library.new)}"


def count(part: Symbols) -> str:
    """The number of symbols added and removed: ``+1 -21``."""
    return " ".join(
        f"{sign}{len(names)}" for sign, names in (("+", part.gained), ("-", part.lost)) if names
    )


def counts(library: LibraryChange) -> str:
    """The number of symbols of each kind added to and removed from a library: ``unstable -21``."""
    return ", ".join(f"{part.kind} {count(part)}" for part in library.symbols)


def listed(part: Symbols, limit: int | None) -> Iterator[str]:
    """Yield a line for each symbol, at most ``limit`` of each sign; the rest is counted."""
    for sign, names in (("+", part.gained), ("-", part.lost)):
        shown = names[:limit]
        yield from (f"{sign} {escape(one)}" for one in shown)
        if len(names) > len(shown):
            yield f"{sign} ... {len(names) - len(shown)} more"


def runs(one: Difference, releases: tuple[str, ...]) -> str:
    """Torch releases as ranges of the releases that the new package was checked against."""
    loads = None if one.new is None else one.new.loads
    return release_runs(releases, () if loads is None else tuple(loads.loads_on))


def told(findings: tuple[Finding, ...]) -> Iterator[str]:
    """Yield a line for each fact in findings."""
    for fact in facts(findings):
        one = findings[fact.members[0]]
        libraries = [findings[at].library for at in fact.members]
        paths = [escape(path) for path in dict.fromkeys(libraries) if path is not None]
        parts = [f"{one.severity} {one.rule}", *paths[:1], escape(fact.message)]
        if len(paths) > 1:
            parts = [parts[0], parts[2], places(paths)]
        yield ": ".join(parts)


def _label(changes: tuple[Changed, ...], *, new: bool) -> str:
    for one in changes:
        if one.what == "torch verdict":
            return (one.new if new else one.old) or ""
    return ""
