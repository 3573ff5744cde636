"""Renders plans of wheel repairs as text: the command, and who brings what it excludes."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.repair.plan import Copied, Excluded, Repair, RepairPlan
    from torch_abi_audit.report.rendering import Detail

SHOWN = 12
"""Maximum number of libraries listed; the rest is counted."""
NOTHING = "nothing to repair: no library was read"


def render(plans: Sequence[RepairPlan], detail: Detail) -> str:
    """Return a block for each plan; ``detail.verbose`` lists every user of a library."""
    return "\n\n".join("\n".join(_plan(one, verbose=detail.verbose)) for one in plans)


def users(one: Excluded | Copied, *, verbose: bool) -> str:
    """Which libraries are linked to one: ``_C.so``, or ``_C.so and 2 more``."""
    if not one.needed_by:
        return ""
    shown = one.needed_by if verbose or len(one.needed_by) == 1 else one.needed_by[:1]
    more = len(one.needed_by) - len(shown)
    return ", ".join(map(escape, shown)) + (f" and {more} more" if more else "")


def reason(one: Excluded, *, verbose: bool) -> str:
    """Why a library is excluded, beside who brings it."""
    parts = []
    if one.needed_by:
        parts.append(f"needed by {users(one, verbose=verbose)}")
    if one.copy is not None:
        parts.append(f"the wheel contains a copy: {escape(one.copy)}")
    return "; ".join(parts) or "in case a library that is copied is linked to it"


def tool(one: Repair) -> str:
    """The tool and the releases that understand the command."""
    return f"{one.tool} {one.since} or later"


def _plan(plan: RepairPlan, *, verbose: bool) -> Iterator[str]:
    yield f"Repair: {escape(plan.name)}"
    yield f"  Root: {escape(plan.root)}"
    for note in plan.notes:
        yield f"  Note: {escape(note)}"
    if not plan.repairs and not plan.notes:
        yield f"  Note: {NOTHING}"
    for one in plan.repairs:
        yield from _repair(one, verbose=verbose)


def _repair(one: Repair, *, verbose: bool) -> Iterator[str]:
    yield f"  Tool: {tool(one)}"
    yield f"  Command: {escape(one.command)}"
    if not one.excluded:
        yield "  Excluded: nothing"
    else:
        yield f"  -- {plural(len(one.excluded), 'excluded library')} --"
        width = max(len(escape(each.library)) for each in one.excluded)
        yield from _listed(
            (
                f"{escape(each.library):<{width}}  from {escape(each.by)}  "
                f"({reason(each, verbose=verbose)})"
                for each in one.excluded
            ),
            verbose=verbose,
        )
    if one.copied:
        yield f"  -- {plural(len(one.copied), 'library')} to copy into the wheel --"
        yield from _listed(
            (
                f"{escape(each.library)}  (needed by {users(each, verbose=verbose)}"
                f"{f'; {each.note}' if each.note else ''})"
                for each in one.copied
            ),
            verbose=verbose,
        )
    if one.checks:
        yield "  -- to check --"
        for check in one.checks:
            yield f"    {escape(check)}"


def _listed(lines: Iterable[str], *, verbose: bool) -> Iterator[str]:
    every = tuple(lines)
    shown = every if verbose else every[:SHOWN]
    yield from (f"    {line}" for line in shown)
    if len(every) > len(shown):
        yield f"    ... {len(every) - len(shown)} more (-v lists all)"
