"""Renders a migration plan as text: one screen to decide by; ``-v`` adds every detail."""

from __future__ import annotations

import re

from torch_abi_audit.mangling import escape
from torch_abi_audit.model.releases import short
from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port.compile_options import compile_options, is_done
from torch_abi_audit.port.migration import Way
from torch_abi_audit.port.wrappers import header, needed
from torch_abi_audit.report.lines import filled, fitting
from torch_abi_audit.report.port import details, source
from torch_abi_audit.report.port.phrases import (
    EFFORTS,
    TITLES,
    build_notes,
    coverage,
    files,
    obstacle,
    origins,
    percent,
    raised,
    short_name,
)
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.port.migration import Item, Plan
    from torch_abi_audit.report.rendering import Detail
    from torch_abi_audit.report.style import Style

_BLOCKS = 4
"""Maximum number of APIs without a replacement whose reason the first screen gives."""
_ERRORS = 5
_LABEL = 15
"""Width of the labels at the head of a plan."""
_BARE = "without it, the library needs about the torch it is built with"
_ORDER = {TorchLabel.ERROR: 0, TorchLabel.UNSTABLE: 1, TorchLabel.STABLE: 2}


def render(plans: Sequence[Plan], detail: Detail) -> str:
    """Return a screen for each plan; with ``detail.verbose`` its details follow.

    Several plans begin with a line for each, those with errors first.
    """
    blocks = ["\n".join(_plan(one, detail)) for one in plans]
    if len(plans) > 1:
        blocks.insert(0, "\n".join(_overview(plans, detail.style)))
    return "\n\n".join(blocks)


def _overview(plans: Sequence[Plan], style: Style) -> Iterator[str]:
    yield f"{len(plans)} plans for torch {short(plans[0].target)} and later"
    for one in sorted(plans, key=lambda plan: (_ORDER.get(plan.verdict, 3), plan.coverage)):
        share = percent(one.coverage) if one.symbols else ""
        blocked = sum(item.way in (Way.LATER, Way.NOT_YET, Way.UNKNOWN) for item in one.items)
        left = f"  ({plural(blocked, 'API')} not yet)" if blocked else ""
        yield f"  {style.verdict(one.verdict, width=8)} {share:>8}  {escape(one.name)}{left}"


def _plan(plan: Plan, detail: Detail) -> Iterator[str]:
    style, width = detail.style, detail.columns
    yield f"Port: {escape(plan.name)}"
    yield from _compile(plan, detail)
    yield f"  {'Root:':<{_LABEL}}{escape(plan.root)}"
    yield f"  {'Torch ABI:':<{_LABEL}}{style.verdict(plan.verdict)}"
    yield from _errors(plan, width)
    yield from _field("Coverage:", coverage(plan), width)
    for one, added in raised(plan):
        head = f"{'torch ' + short(one.release):<10} {percent(one.coverage):>8}"
        room = width - 2 - _LABEL - len(head) - 4
        names = fitting([*map(short_name, added)], room) or plural(len(added), "API")
        yield f"  {'':<{_LABEL}}{head}  + {names}"
    yield from _progress(plan, width)
    yield from _of_source(plan, width)
    for note in plan.notes:
        yield from _field("Note:", escape(note), width)
    for number, note in enumerate(build_notes(plan)):
        yield from _field("" if number else "To build:", note, width)
    yield from _classes(plan, width)
    yield from _blocked(plan, width)
    if plan.source is not None and not detail.verbose:
        yield from source.first_screen(plan.source, width)
    if detail.verbose:
        yield ""
        yield from details.lines(plan, detail)
    yield from details.since(plan, width)
    if not detail.verbose and plan.since is None:
        yield from _next(plan, width)


def _compile(plan: Plan, detail: Detail) -> Iterator[str]:
    """The options to compile with, whole, so that they can be copied."""
    options = compile_options(plan)
    if options and not is_done(plan):
        yield f"  {'Compile with:':<{_LABEL}}{detail.style.strong(' '.join(options))}"
        yield from filled(_BARE, detail.columns, 2 + _LABEL, 2 + _LABEL)


def _field(label: str, text: str, width: int) -> Iterator[str]:
    yield from filled(f"{label:<{_LABEL}}{text}", width, 2, 2 + _LABEL)


def _errors(plan: Plan, width: int) -> Iterator[str]:
    failed = [one for one in plan.units if one.error is not None]
    for one in failed[:_ERRORS]:
        yield from _field("Error:", f"{escape(one.name)}: {escape(one.error or '')}", width)
    if len(failed) > _ERRORS:
        yield from _field("", f"and {len(failed) - _ERRORS} more, which -v lists", width)


def _of_source(plan: Plan, width: int) -> Iterator[str]:
    """How far the sources can be changed, and what was left out of them."""
    if (view := plan.source) is None:
        return
    said = source.progress(view)
    if plan.units:
        share = source.coverage(view, plan.target, percent)
        said = f"{share}: {said}" if said else share
    if said:
        yield from _field("Sources:", said, width)
    for note in view.notes:
        yield from _field("Note:", escape(note), width)


def _progress(plan: Plan, width: int) -> Iterator[str]:
    """How many files are done, and those with most left."""
    if not plan.units:
        return
    done = [one for one in plan.units if one.error is None and not one.unstable]
    left = sorted(
        (one for one in plan.units if one.error is None and one.unstable),
        key=lambda one: (-one.unstable, one.name),
    )
    said = f"{len(done)} of {files(len(plan.units), plan)} done"
    if left:
        worst = [f"{escape(one.name)} ({one.unstable})" for one in left]
        said += f"; left: {fitting(worst, width - 2 - _LABEL - len(said) - 8, least=1)}"
    yield from _field("Files:", said, width)
    if plan.floor is not None:
        held = "its" if plan.verdict is TorchLabel.STABLE else "the shims used so far"
        need = "shims need" if plan.verdict is TorchLabel.STABLE else "need"
        yield from _field("Runs on:", f"{held} {need} torch {short(plan.floor)}", width)


def _classes(plan: Plan, width: int) -> Iterator[str]:
    """A line for each class, cheapest first: APIs, symbols, and which."""
    rows = list(_rows(plan))
    if not rows:
        return
    yield ""
    wide = max(len(title) for title, _, _ in rows)
    counted = "symbols" if plan.units else "uses"
    yield f"  {'':<{wide}}  APIs  {counted:>7}"
    for title, items, shown in rows:
        symbols = sum(len(one.symbols) if plan.units else one.uses for one in items)
        head = f"  {title:<{wide}}  {len(items):>4}  {symbols:>7}  "
        yield (head + fitting(shown, width - len(head))).rstrip()


def _rows(plan: Plan) -> Iterator[tuple[str, list[Item], list[str]]]:
    for way, title in TITLES.items():
        items = [one for one in plan.items if one.way is way]
        if way is Way.NOW:
            for effort, how in EFFORTS.items():
                part = [one for one in items if one.effort == effort]
                if part:
                    yield f"now: {how}", part, [short_name(one.api) for one in part]
        elif way is Way.GOES and items:
            heads = [*dict.fromkeys(map(_head, origins(items)))]
            yield title, items, [f"with {heads[0]}", *heads[1:]]
        elif items:
            shown = "with a newer torch" if way is Way.LATER else title
            yield shown, items, [short_name(one.api) for one in items]


def _head(origin: str) -> str:
    """What brings an API, without the explanation after it."""
    return escape(re.split(r"(?<!:): |, ", origin)[0])


def _blocked(plan: Plan, width: int) -> Iterator[str]:
    """What no release has, with the reason, the most used first."""
    items = sorted(
        (one for one in plan.items if one.way is Way.NOT_YET),
        key=lambda one: (-len(one.symbols), one.api),
    )
    if items:
        yield ""
        yield "  Blocks:"
    for item in items[:_BLOCKS]:
        yield from filled(f"{escape(item.api)}: {obstacle(item)}", width, 4)
    if len(items) > _BLOCKS:
        yield f"    and {len(items) - _BLOCKS} more, which -v lists"


def _next(plan: Plan, width: int) -> Iterator[str]:
    """The options that say more about this plan."""
    if not plan.items:
        return
    steps = [("-v", "each API with its header, releases and places")]
    if plan.source is None:
        steps.append(("--source DIR", "what to write in which line of the sources"))
    else:
        steps[0] = ("-v", "what to write in which line, with header and releases")
        steps.append(("--diff", "the mechanical changes as a patch; --write makes them"))
    if written := len(header(needed((plan,)), plan.target, "HELPERS_H").operators):
        steps.append(("--wrappers FILE.h", f"typed helpers for {plural(written, 'operator')}"))
    yield ""
    for number, (option, what) in enumerate(steps):
        yield from (
            filled(f"{option:<18} {what}", width, 9, 28)
            if number
            else filled(f"Next:  {option:<18} {what}", width, 2, 28)
        )
