"""Renders a migration plan as text: the replacements, their cost and the progress."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port.migration import Way
from torch_abi_audit.report.wording import outside_symbols, plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.port.migration import Item, Plan, Site, UnitProgress
    from torch_abi_audit.report.rendering import Detail
    from torch_abi_audit.report.style import Style

SHOWN = 15
"""Maximum number of symbols, places or files listed; the rest is counted."""

TITLES = {
    Way.NOW: "replace now",
    Way.DISPATCHER: "through the dispatcher",
    Way.GOES: "goes away by itself",
    Way.LATER: "possible with a newer torch",
    Way.NOT_YET: "not possible yet",
    Way.UNKNOWN: "unclassified",
}


def render(plans: Sequence[Plan], detail: Detail) -> str:
    """Return a block for each plan; ``detail.verbose`` also lists symbols and places."""
    return "\n\n".join(
        "\n".join(_plan(one, verbose=detail.verbose, style=detail.style)) for one in plans
    )


def percent(share: float) -> str:
    """A share in percent; never rounded to ``100%`` or ``0%``."""
    whole = round(share * 100)
    if whole == 100 and share < 1:
        return "over 99%"
    return "under 1%" if whole == 0 and share > 0 else f"{whole}%"


def headline(plan: Plan) -> tuple[str, ...]:
    """The coverage and the classified share, as sentences."""
    if not plan.units:
        return ("nothing to port: no library or object file uses torch",)
    if not plan.symbols and plan.verdict is TorchLabel.ERROR:
        return ("unknown: files could not be read",)
    if not plan.symbols:
        return ("nothing to port: no symbol outside the LibTorch Stable ABI is used",)
    counted = outside_symbols(plan.symbols - plan.internal, plan.internal)
    return (
        f"{percent(plan.coverage)} of {counted} can be replaced for torch {plan.target} and later",
        f"{percent(plan.classified)} belong to a known API",
    )


def these_shims(count: int) -> str:
    """``this shim``, ``these 2 shims``."""
    return "this shim" if count == 1 else f"these {count} shims"


def cost(item: Item, plan: Plan) -> str:
    """The number of symbols, files and uses of an API."""
    kind = "object file" if plan.objects else "library"
    files = plural(len(item.units), kind)
    uses = plural(item.uses, "use")
    own = f" ({item.own} in the project's source)" if item.own is not None else ""
    return f"{plural(len(item.symbols), 'symbol')}, {files}, {uses}{own}"


def terms(item: Item) -> str:
    """The header that declares the replacement, and the torch releases that it requires."""
    if item.header is None:
        return ""
    return f"{item.header}; needs the headers of torch {item.since}, runs on {item.floor} and later"


def _plan(plan: Plan, *, verbose: bool, style: Style) -> Iterator[str]:
    yield f"Port: {escape(plan.name)}"
    yield f"  Root: {escape(plan.root)}"
    yield f"  Torch ABI:   {style.verdict(plan.verdict)}"
    yield f"  Target:      torch {plan.target}"
    coverage, *classified = headline(plan)
    yield f"  Coverage:    {coverage}"
    for line in classified:
        yield f"  Classified:  {line}"
    for note in plan.notes:
        yield f"  Note: {escape(note)}"
    for way, title in TITLES.items():
        items = [one for one in plan.items if one.way is way]
        if items:
            yield f"  -- {title} --"
            for item in items:
                yield from ("    " + line for line in _item(item, plan, verbose=verbose))
    yield from _targets(plan)
    yield from _floor(plan)
    if plan.drops:
        yield "  -- could be dropped --"
        for drop in plan.drops:
            where = f" ({', '.join(map(escape, drop.units[:3]))}"
            more = f" and {len(drop.units) - 3} more)" if len(drop.units) > 3 else ")"
            yield f"    {escape(drop.what)}: {escape(drop.why)}{where}{more}"
    yield from _units(plan, verbose=verbose, style=style)
    yield from _since(plan)


def _item(item: Item, plan: Plan, *, verbose: bool) -> Iterator[str]:
    to = f" -> {item.use}" if item.use else ""
    yield f"{escape(item.api)}{to}  [{cost(item, plan)}]"
    if item.header:
        yield f"    {terms(item)}"
    if item.note:
        yield f"    {item.note}"
    if verbose:
        yield from ("    " + line for line in _listed("symbol: ", item.symbols, limit=None))
        yield from ("    " + line for line in _listed("", map(_site, item.sites), limit=SHOWN))


def _site(placed: tuple[str, Site]) -> str:
    unit, site = placed
    where = unit if site.source is None else f"{site.source}:{site.line}"
    inside = f" in {site.function}" if site.function else ""
    times = f" ({site.count} times)" if site.count > 1 else ""
    kind = " inlined from torch's headers" if site.own is False else ""
    return f"at {where}{inside}{times}{kind}"


def _targets(plan: Plan) -> Iterator[str]:
    if not plan.targets:
        return
    yield "  -- targets --"
    for one in plan.targets:
        chosen = "  (chosen)" if one.release == plan.target else ""
        yield f"    torch {one.release:<7} {percent(one.coverage):>9}{chosen}"
        for word, apis in (("unlocks", one.unlocks), ("loses", one.loses)):
            if apis:
                yield f"        {word} {', '.join(apis)}"


def _floor(plan: Plan) -> Iterator[str]:
    if plan.floor is None:
        return
    yield "  -- floor --"
    held = (
        "its shims require"
        if plan.verdict is TorchLabel.STABLE
        else "the shims used so far require"
    )
    yield f"    {held} torch {plan.floor}"
    for step in plan.floor_steps:
        yield f"    without {these_shims(len(step.without))}: {step.release}"
        yield from ("        " + line for line in _listed("", step.without, limit=SHOWN))


def _units(plan: Plan, *, verbose: bool, style: Style) -> Iterator[str]:
    if not plan.units:
        return
    yield "  -- object files --" if plan.objects else "  -- libraries --"
    for unit in plan.units:
        yield "    " + _unit(unit, style)
        if verbose and plan.objects:
            lines = _listed("only user of: ", unit.last_to_need, limit=SHOWN)
            yield from ("        " + line for line in lines)
        if verbose:
            lines = _listed("unstable headers: ", unit.evidence, limit=SHOWN)
            yield from ("        " + line for line in lines)


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


def _since(plan: Plan) -> Iterator[str]:
    if (since := plan.since) is None:
        return
    yield "  -- since the saved report --"
    yield f"    {plural(since.before, 'unstable symbol')} then, {since.now} now"
    yield from ("    " + line for line in _listed("gone: ", since.gone, limit=SHOWN))
    yield from ("    " + line for line in _listed("new: ", since.new, limit=SHOWN))
    for name, then, now in since.units:
        was = "absent" if then is None else str(then)
        yield f"    {escape(name)}: {was} -> {'absent' if now is None else now}"


def _listed(title: str, texts: Iterable[str], *, limit: int | None) -> Iterator[str]:
    listed = tuple(texts)
    yield from (f"{title}{escape(text)}" for text in listed[:limit])
    if limit is not None and len(listed) > limit:
        yield f"... {len(listed) - limit} more"
