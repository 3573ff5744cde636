"""Renders plans of wheel repairs as Markdown."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.report.audit.markdown import plain
from torch_abi_audit.report.repair.text import NOTHING, reason, tool, users

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.repair.plan import Repair, RepairPlan
    from torch_abi_audit.report.rendering import Detail


def render(plans: Sequence[RepairPlan], detail: Detail) -> str:
    """Return a section for each plan."""
    return "\n\n".join("\n".join(_plan(one, verbose=detail.verbose)) for one in plans)


def _plan(plan: RepairPlan, *, verbose: bool) -> Iterator[str]:
    yield f"### Repair of {plain(plan.name)}"
    notes = plan.notes if plan.notes or plan.repairs else (NOTHING,)
    for note in notes:
        yield ""
        yield plain(note)
    for one in plan.repairs:
        yield ""
        yield from _repair(one, verbose=verbose)


def _repair(one: Repair, *, verbose: bool) -> Iterator[str]:
    yield f"With {tool(one)}:"
    yield ""
    yield f"    {escape(one.command)}"
    if one.excluded:
        yield ""
        yield "| excluded | from | why |"
        yield "|---|---|---|"
        for each in one.excluded:
            why = reason(each, verbose=verbose)
            yield f"| {plain(each.library)} | {plain(each.by)} | {plain(why)} |"
    if one.copied:
        yield ""
        yield "| copied into the wheel | needed by | note |"
        yield "|---|---|---|"
        for copied in one.copied:
            by = plain(users(copied, verbose=verbose))
            yield f"| {plain(copied.library)} | {by} | {plain(copied.note)} |"
    if one.checks:
        yield ""
        for check in one.checks:
            yield f"- {plain(check)}"
