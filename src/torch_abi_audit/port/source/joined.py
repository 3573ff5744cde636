"""The plan of sources, alone or joined with that of a binary: nothing is said twice. Pure."""

from __future__ import annotations

from torch_abi_audit.knowledge import replacements
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port import ways
from torch_abi_audit.port.migration import COVERED, Fallback, Item, Plan, Site, Target, Way
from torch_abi_audit.port.source.findings import Kind, SourceView
from torch_abi_audit.port.source.steps import steps
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.port.source.findings import BuildFinding, SourceFile, SourceUse

    Placed = tuple[SourceFile, SourceUse]

_ORDER = {way: number for number, way in enumerate(Way)}
_EFFORT = {Way.NOW: 1, Way.GOES: 1, Way.DISPATCHER: 2, Way.LATER: 2}
_HARD = 3


def view(
    root: str,
    files: Sequence[SourceFile],
    build: Sequence[BuildFinding],
    target: str,
    notes: Iterable[str] = (),
) -> SourceView:
    """What sources and build files say together.

    Args:
        root: The directory that their names are relative to.
        files: The sources, with their uses.
        build: What to change in the build files.
        target: The oldest torch release to support.
        notes: What was left out of them.
    """
    uses = [use for file in files for use in file.uses]
    unread = sum(file.error is not None for file in files)
    said = list(notes)
    if unread:
        said.append(
            f"{unread} of {len(files)} sources could not be read; the figures cover only the rest"
        )
    covered = sum(use.way in COVERED for use in uses)
    return SourceView(
        root=root,
        files=tuple(files),
        build=tuple(build),
        steps=steps(files, build, target),
        coverage=0.0 if unread and not uses else _share(covered, len(uses)),
        notes=tuple(said),
    )


def of_sources(name: str, found: SourceView, target: str, *, torch: bool) -> Plan:
    """The plan of sources without a binary.

    Args:
        name: What was asked for, as named in the report.
        found: What the sources say.
        target: The oldest torch release to support.
        torch: Whether any source names a header or function of torch.
    """
    placed = _placed(found)
    verdict = TorchLabel.STABLE if torch else TorchLabel.NO_TORCH
    if placed:
        verdict = TorchLabel.UNSTABLE
    if any(file.error is not None for file in found.files):
        verdict = TorchLabel.ERROR
    known = sum(use.way is not Way.UNKNOWN for _, use in placed)
    return Plan(
        name=name,
        root=found.root,
        verdict=verdict,
        target=target,
        coverage=found.coverage,
        classified=_share(known, len(placed)) if placed else found.coverage,
        symbols=0,
        uses=len(placed),
        items=_items(placed, target),
        targets=tuple(_targets(placed, target)),
        source=found,
    )


def joined(plan: Plan, found: SourceView) -> Plan:
    """The plan of a binary, with what its sources say.

    An API that both know is one item: its symbols are the binary's and its first places the
    sources'. What only one of them knows is an item of its own.
    """
    placed = _placed(found)
    apis = {item.api for item in plan.items}
    at: dict[str, list[Placed]] = {}
    rest = []
    for file, use in placed:
        api = next((one for one in _names(use) if one in apis), None)
        if api is None:
            rest.append((file, use))
        else:
            at.setdefault(api, []).append((file, use))
    items = [_with_places(item, at[item.api]) if item.api in at else item for item in plan.items]
    items += _items(rest, plan.target)
    items.sort(key=lambda one: (_ORDER[one.way], one.effort, -len(one.symbols)))
    return replace(plan, items=tuple(items), source=found)


def _names(use: SourceUse) -> Iterator[str]:
    """The APIs of a binary's plan that a use may be of, the likeliest first."""
    if use.api is not None:
        yield use.api
    if use.kind is not Kind.INCLUDE:  # a form of the call may have a row of its own
        yield use.spelled
        yield use.spelled.replace("torch::", "at::", 1)


def _with_places(item: Item, placed: Sequence[Placed]) -> Item:
    """An item of a binary with the places of its API in the sources, which it may know as well."""
    places = [_site(file, use) for file, use in placed]
    lines = {(site.source or "", site.line) for site in places}

    def is_known(site: Site) -> bool:
        # a line table has a path from another directory, which ends like the source's name
        return any(
            site.line == line and f"/{site.source}".replace("\\", "/").endswith(f"/{name}")
            for name, line in lines
        )

    others = [(unit, site) for unit, site in item.sites if not is_known(site)]
    return replace(
        item,
        own=len(places) + sum(site.count for _, site in others if site.own),
        sites=(*((site.source or "", site) for site in places), *others),
    )


def _items(placed: Sequence[Placed], target: str) -> tuple[Item, ...]:
    """An item for each spelling, those with a way first."""
    groups: dict[tuple[str, Way, str | None], list[Placed]] = {}
    for file, use in placed:
        groups.setdefault((_spelling(use), use.way, use.write), []).append((file, use))
    found = [_item(name, group, target) for (name, _, _), group in groups.items()]
    return tuple(sorted(found, key=lambda one: (_ORDER[one.way], one.effort, -one.uses, one.api)))


def _item(name: str, group: Sequence[Placed], target: str) -> Item:
    use = group[0][1]
    row = _row(use)
    row = ways.answer(row, target).row
    alike = row is not None and (
        row.use == use.write or (row.header, row.since) == (use.header, use.since)
    )
    macros = row.macros if row is not None and alike else ()
    other = row.fallback if row is not None and alike else None
    if row is not None and row.use != use.write:
        row = None  # another spelling of the API, of whose use the row says nothing
    return Item(
        api=name,
        way=use.way,
        use=use.write,
        header=use.header,
        since=use.since,
        floor=use.floor,
        effort=_EFFORT.get(use.way, _HARD) if row is None else row.effort,
        note=use.note,
        symbols=(),
        units=tuple(dict.fromkeys(file.name for file, _ in group)),
        uses=len(group),
        own=len(group),
        sites=tuple((file.name, _site(file, each)) for file, each in group),
        macros=macros,
        fallback=None if other is None else Fallback(other.use, other.header, other.since),
        differs="" if row is None else row.differs,
        refused=() if row is None else row.refused,
    )


def _row(use: SourceUse) -> replacements.Replacement | None:
    """The row of a use, with the operator that it calls: that may be the way for older headers."""
    row = next((one for one in replacements.rows() if one.api == use.api), None)
    if row is None or row.operator is not None:
        return row
    name = (use.write or "").rpartition("::")[2]
    for caller in (f"at::_ops::{name}::call", f"at::_ops::{name}_Tensor::call"):
        called = replacements.replacement(caller, f"{caller}()")
        if called is not None and called.api == row.api:
            return called
    return row


def _spelling(use: SourceUse) -> str:
    return f"#include {use.spelled}" if _is_bare_include(use) else use.spelled


def _is_bare_include(use: SourceUse) -> bool:
    return use.kind is Kind.INCLUDE and not use.spelled.lstrip().startswith("#")


def _site(file: SourceFile, use: SourceUse) -> Site:
    return Site(function=None, source=file.name, line=use.line, own=True)


def _placed(found: SourceView) -> list[Placed]:
    return [(file, use) for file in found.files for use in file.uses]


def _targets(placed: Sequence[Placed], chosen: str) -> Iterator[Target]:
    def covered(release: str) -> list[Placed]:
        if release == chosen:
            return [one for one in placed if one[1].way in COVERED]
        return [one for one in placed if _is_covered(one[1], release)]

    if not placed:
        return
    here = {_spelling(use) for _, use in covered(chosen)}
    for release in sorted({*replacements.header_releases(), chosen}, key=release_key):
        found = covered(release)
        there = {_spelling(use) for _, use in found}
        yield Target(
            release,
            _share(len(found), len(placed)),
            unlocks=tuple(sorted(there - here)),
            loses=tuple(sorted(here - there)),
        )


def _is_covered(use: SourceUse, release: str) -> bool:
    """Whether a use could be replaced if ``release`` were the oldest to support."""
    if use.way is Way.GOES:
        return True
    if use.way not in {*COVERED, Way.LATER}:
        return False
    return use.floor is None or release_key(use.floor) <= release_key(release)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0
