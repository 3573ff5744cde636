"""Renders a migration plan as Markdown, for a pull request or a tracking issue."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.model.releases import short
from torch_abi_audit.port.compile_options import compile_options, is_done
from torch_abi_audit.port.migration import Way
from torch_abi_audit.report.port import source
from torch_abi_audit.report.port.phrases import (
    TITLES,
    build_notes,
    cost,
    counted,
    coverage,
    origins,
    percent,
    remarks,
    terms,
    these_shims,
)
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
    options = compile_options(plan)
    if options and not is_done(plan):
        yield f"Compile every ported file with {_code(' '.join(options))}: without it, the library"
        yield "needs about the torch that it is built with."
        yield ""
    yield f"**{plan.verdict}**, target torch {short(plan.target)}: {coverage(plan)}."
    for note in (*plan.notes, *(f"To build: {one}." for one in build_notes(plan))):
        yield ""
        yield _text(note)
    yield from _apis(plan)
    if plan.source is not None:
        yield from source.markdown(plan.source, _code, _text)
    yield from _targets(plan)
    if plan.floor is not None:
        yield ""
        yield f"The shims in use require torch {short(plan.floor)}."
        for step in plan.floor_steps:
            names = ", ".join(map(_code, step.without))
            yield f"- without {these_shims(len(step.without))}: {short(step.release)} ({names})"
    if plan.drops:
        yield ""
        yield "Could be dropped:"
        for drop in plan.drops:
            yield f"- {_code(drop.what)}: {_text(drop.why)}"
    yield from _units(plan)
    if (since := plan.since) is not None:
        yield ""
        yield (
            f"Since the saved report: {plural(since.before, 'unstable symbol')} then, {since.now} "
            f"now; {len(since.gone)} gone, {len(since.new)} new."
        )


def _apis(plan: Plan) -> Iterator[str]:
    """A row for each API, cheapest first; one for all that go away with the same include."""
    items = [one for one in plan.items if one.symbols]  # those of the sources have their own
    if not items:
        return
    yield ""
    yield "| API | class | stable replacement | available | notes | cost |"
    yield "|---|---|---|---|---|---|"
    going = [one for one in items if one.way is Way.GOES]
    for origin, group in origins(going).items():
        names = ", ".join(_code(one.api) for one in group)
        yield (
            f"| with {_text(origin)} | {TITLES[Way.GOES]} | nothing to write |  | {names} "
            f"| {counted(group)} |"
        )
    for item in sorted(items, key=lambda one: list(TITLES).index(one.way)):
        if item.way is Way.GOES:
            continue
        use = f"{_code(item.use)}" if item.use else "none yet"
        notes = _text("; ".join(remarks(item)))
        yield (
            f"| {_code(item.api)} | {TITLES[item.way]} | {use} | {_text(terms(item))} | {notes} "
            f"| {cost(item, plan)} |"
        )


def _targets(plan: Plan) -> Iterator[str]:
    if not plan.targets:
        return
    yield ""
    yield "| target | coverage | unlocks | loses |"
    yield "|---|---|---|---|"
    for one in plan.targets:
        mark = " (chosen)" if one.release == plan.target else ""
        unlocks, loses = ", ".join(map(_code, one.unlocks)), ", ".join(map(_code, one.loses))
        release = f"torch {short(one.release)}{mark}"
        yield f"| {release} | {percent(one.coverage)} | {unlocks} | {loses} |"


def _units(plan: Plan) -> Iterator[str]:
    if not plan.units:
        return
    yield ""
    yield f"| {'object file' if plan.objects else 'library'} | verdict | shims | unstable |"
    yield "|---|---|---|---|"
    for unit in plan.units:
        if unit.error is not None:
            yield f"| {_code(unit.name)} | {unit.state} | {_text(unit.error)} |  |"
            continue
        internal = f" and {unit.internal} internal" if unit.internal else ""
        counts = f"{unit.shims} | {unit.unstable - unit.internal}{internal}"
        yield f"| {_code(unit.name)} | {unit.state} | {counts} |"


def _text(text: str) -> str:
    shown = escape(text)
    for mark in ("\\", "|", "`", "*", "_", "<", "["):
        shown = shown.replace(mark, "\\" + mark)
    return shown


def _code(text: str) -> str:
    r"""Code in a table cell, with bars escaped and back quotes replaced."""
    return "`" + escape(text).replace("|", "\\|").replace("`", "'") + "`"
