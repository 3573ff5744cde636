"""The details of a migration plan as text, behind ``-v``: every API, release, shim and file."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.model.releases import short
from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port.migration import Way
from torch_abi_audit.report.lines import filled
from torch_abi_audit.report.port import source
from torch_abi_audit.report.port.phrases import (
    TITLES,
    classified,
    cost,
    origin_line,
    origins,
    percent,
    remarks,
    terms,
    these_shims,
)
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.port.migration import Item, Plan, Site, UnitProgress
    from torch_abi_audit.report.rendering import Detail
    from torch_abi_audit.report.style import Style

_SHOWN = 15
"""Maximum number of places or names listed; the rest is counted."""


def lines(plan: Plan, detail: Detail) -> Iterator[str]:
    """Yield every detail of a plan, in sections."""
    width = detail.columns
    share = classified(plan)
    if share is not None and plan.classified < 1:
        yield f"  Classified:    {share}"
    for way, title in TITLES.items():
        items = [one for one in plan.items if one.way is way and one.symbols]
        if items:
            yield f"  -- {title} --"
            yield from (
                _grouped(items, plan, width) if way is Way.GOES else _each(items, plan, width)
            )
    if plan.source is not None:
        yield from source.details(plan, plan.source, width, remarks)
    yield from _targets(plan, width)
    yield from _floor(plan)
    yield from _drops(plan, width)
    yield from _units(plan, detail.style)


def since(plan: Plan, width: int) -> Iterator[str]:
    """Yield what changed since a saved report, if one was given."""
    if (changed := plan.since) is None:
        return
    yield "  -- since the saved report --"
    yield f"    {plural(changed.before, 'unstable symbol')} then, {changed.now} now"
    yield from ("    " + line for line in _listed("gone: ", changed.gone, limit=_SHOWN))
    yield from ("    " + line for line in _listed("new: ", changed.new, limit=_SHOWN))
    for name, then, now in changed.units:
        was = "absent" if then is None else str(then)
        text = f"{escape(name)}: {was} -> {'absent' if now is None else now}"
        yield from filled(text, width, 4)


def _grouped(items: list[Item], plan: Plan, width: int) -> Iterator[str]:
    """What goes away, by the include or the API that it goes away with."""
    for origin, group in origins(items).items():
        yield from filled(origin_line(origin, group), width, 4)
        yield from _each(group, plan, width, indent=6)


def _each(items: Iterable[Item], plan: Plan, width: int, indent: int = 4) -> Iterator[str]:
    for item in items:
        to = f" -> {item.use}" if item.use else ""
        yield from filled(f"{escape(item.api)}{to}  [{cost(item, plan)}]", width, indent)
        for text in (terms(item), *remarks(item)):
            yield from filled(text, width, indent + 4)
        inner = " " * (indent + 4)
        yield from (inner + line for line in _listed("symbol: ", item.symbols, limit=None))
        # those in the sources are listed by file
        sites = [one for one in item.sites if one[0] != one[1].source]
        yield from (inner + line for line in _listed("", map(_site, sites), limit=_SHOWN))


def _site(placed: tuple[str, Site]) -> str:
    unit, site = placed
    where = unit if site.source is None else f"{site.source}:{site.line}"
    inside = f" in {site.function}" if site.function else ""
    times = f" ({site.count} times)" if site.count > 1 else ""
    kind = " inlined from headers" if site.own is False else ""
    return f"at {where}{inside}{times}{kind}"


def _targets(plan: Plan, width: int) -> Iterator[str]:
    if not plan.targets:
        return
    yield "  -- targets --"
    for one in plan.targets:
        chosen = "  (chosen)" if one.release == plan.target else ""
        yield f"    torch {short(one.release):<7} {percent(one.coverage):>9}{chosen}"
        for word, apis in (("unlocks", one.unlocks), ("loses", one.loses)):
            if apis:
                yield from filled(f"{word} {', '.join(map(escape, apis))}", width, 8)


def _floor(plan: Plan) -> Iterator[str]:
    if plan.floor is None:
        return
    yield "  -- floor --"
    held = (
        "its shims require"
        if plan.verdict is TorchLabel.STABLE
        else "the shims used so far require"
    )
    yield f"    {held} torch {short(plan.floor)}"
    for step in plan.floor_steps:
        yield f"    without {these_shims(len(step.without))}: {short(step.release)}"
        yield from ("        " + line for line in _listed("", step.without, limit=_SHOWN))


def _drops(plan: Plan, width: int) -> Iterator[str]:
    if not plan.drops:
        return
    yield "  -- could be dropped --"
    for drop in plan.drops:
        where = ", ".join(map(escape, drop.units[:3]))
        more = f" and {len(drop.units) - 3} more" if len(drop.units) > 3 else ""
        yield from filled(f"{escape(drop.what)}: {escape(drop.why)} ({where}{more})", width, 4)


def _units(plan: Plan, style: Style) -> Iterator[str]:
    if not plan.units:
        return
    yield "  -- object files --" if plan.objects else "  -- libraries --"
    for unit in sorted(plan.units, key=lambda one: one.error is None):
        yield "    " + _unit(unit, style)
        if plan.objects:
            last = _listed("only user of: ", unit.last_to_need, limit=_SHOWN)
            yield from ("        " + line for line in last)
        left = _listed("unstable headers: ", unit.evidence, limit=_SHOWN)
        yield from ("        " + line for line in left)


def _unit(unit: UnitProgress, style: Style) -> str:
    label = f"[{style.verdict(unit.state, width=8)}] {escape(unit.name)}"
    if unit.error is not None:
        return f"{label}  (error: {escape(unit.error)})"
    own = f", own_source={unit.own}" if unit.own is not None else ""
    evidence = f", header_evidence={len(unit.evidence)}" if unit.evidence else ""
    unstable = unit.unstable - unit.internal
    internal = f"  internal={unit.internal}" if unit.internal else ""
    counts = f"stable_shim={unit.shims}, unstable={unstable}{own}{evidence}"
    return f"{label}  ({counts}){internal}"


def _listed(title: str, texts: Iterable[str], *, limit: int | None) -> Iterator[str]:
    listed = tuple(texts)
    yield from (f"{title}{escape(text)}" for text in listed[:limit])
    if limit is not None and len(listed) > limit:
        yield f"... {len(listed) - limit} more"
