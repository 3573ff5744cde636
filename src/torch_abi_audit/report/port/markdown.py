"""Renders a migration plan as Markdown, for a pull request or a tracking issue."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.report.port.text import TITLES, cost, headline, percent, terms, these_shims
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.port.migration import Plan
    from torch_abi_audit.report.rendering import Detail


def render(plans: Sequence[Plan], _detail: Detail) -> str:
    """Return a section of GitHub Markdown for each plan."""
    return "\n\n".join("\n".join(_plan(one)) for one in plans)


def _plan(plan: Plan) -> Iterator[str]:
    yield f"### Port of {_text(plan.name)} to the LibTorch Stable ABI"
    yield ""
    yield f"**{plan.verdict}**, target torch {plan.target}: {'; '.join(headline(plan))}."
    for note in plan.notes:
        yield ""
        yield _text(note)
    if plan.items:
        yield ""
        yield "| API | class | stable replacement | available | cost |"
        yield "|---|---|---|---|---|"
        for item in plan.items:
            use = f"{_code(item.use)}" if item.use else "none yet"
            yield (
                f"| {_code(item.api)} | {TITLES[item.way]} | {use} | {_text(terms(item))} "
                f"| {cost(item, plan)} |"
            )
    if plan.targets:
        yield ""
        yield "| target | coverage | unlocks | loses |"
        yield "|---|---|---|---|"
        for one in plan.targets:
            mark = " (chosen)" if one.release == plan.target else ""
            unlocks, loses = ", ".join(map(_code, one.unlocks)), ", ".join(map(_code, one.loses))
            yield f"| torch {one.release}{mark} | {percent(one.coverage)} | {unlocks} | {loses} |"
    if plan.floor is not None:
        yield ""
        yield f"The shims in use require torch {plan.floor}."
        for step in plan.floor_steps:
            names = ", ".join(map(_code, step.without))
            yield f"- without {these_shims(len(step.without))}: {step.release} ({names})"
    if plan.drops:
        yield ""
        yield "Could be dropped:"
        for drop in plan.drops:
            yield f"- {_code(drop.what)}: {_text(drop.why)}"
    if plan.units:
        yield ""
        yield f"| {'object file' if plan.objects else 'library'} | verdict | shims | unstable |"
        yield "|---|---|---|---|"
        for unit in plan.units:
            internal = f" and {unit.internal} internal" if unit.internal else ""
            counts = f"{unit.shims} | {unit.unstable - unit.internal}{internal}"
            yield f"| {_code(unit.name)} | {unit.state} | {counts} |"
    if (since := plan.since) is not None:
        yield ""
        yield (
            f"Since the saved report: {plural(since.before, 'unstable symbol')} then, {since.now} "
            f"now; {len(since.gone)} gone, {len(since.new)} new."
        )


def _text(text: str) -> str:
    shown = escape(text)
    for mark in ("\\", "|", "`", "*", "_", "<", "["):
        shown = shown.replace(mark, "\\" + mark)
    return shown


def _code(text: str) -> str:
    r"""Code in a table cell, with bars escaped and back quotes replaced."""
    return "`" + escape(text).replace("|", "\\|").replace("`", "'") + "`"
