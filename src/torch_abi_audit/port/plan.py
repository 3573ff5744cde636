"""Computes the migration plan, which groups unstable symbols by API. Pure."""

from __future__ import annotations

from torch_abi_audit.judges.torch_names import names_torch_types
from torch_abi_audit.knowledge import replacements, torch_shims
from torch_abi_audit.knowledge.names.distribution import is_torch
from torch_abi_audit.knowledge.names.torch import is_libtorch, stem_of
from torch_abi_audit.mangling import demangle
from torch_abi_audit.mangling.entity import entity
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port.migration import (
    COVERED,
    Drop,
    Fallback,
    FloorStep,
    Item,
    Plan,
    Site,
    Target,
    Unit,
    UnitProgress,
    Way,
)
from torch_abi_audit.port.ways import answer, way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.knowledge.replacements import Replacement
    from torch_abi_audit.model.reports import PackageReport

DEFAULT_TARGET = "2.10.0"
"""The release that introduced ``TORCH_TARGET_VERSION`` and ``torch_call_dispatcher``."""

_ORDER = {way: number for number, way in enumerate(Way)}
_NONE = replacements.Replacement(api="", effort=3)
"""Stands for the row of an API that the table does not have."""


class _Group:
    """The symbols of one API, and its row in the table of replacements."""

    __slots__ = ("names", "row")

    def __init__(self, row: Replacement | None) -> None:
        self.row = row
        self.names: list[bytes] = []


def plan(
    name: str,
    root: str,
    units: Sequence[Unit],
    *,
    target: str = DEFAULT_TARGET,
    objects: bool = False,
    notes: Iterable[str] = (),
) -> Plan:
    """Compute the plan of one target.

    Args:
        name: The target, as named in the report.
        root: Its path.
        units: The libraries or object files of the target.
        target: The oldest torch release to support, such as ``2.10.0``.
        objects: Whether ``units`` are object files.
        notes: Notes to include in the plan.
    """
    names = sorted({symbol for unit in units for symbol in unit.unstable})
    text = dict(zip(names, demangle(names), strict=True))
    groups = _grouped(text, _used_by_source(units))
    total = len(names)
    items = [_item(api, group, units, text, target) for api, group in groups.items()]
    items.sort(key=lambda one: (_ORDER[one.way], one.effort, -len(one.symbols), one.api))
    known = sum(len(group.names) for group in groups.values() if group.row is not None)
    floor, steps = _floors(units)
    unread = sum(unit.error is not None for unit in units)
    blind = bool(unread) and not total  # unread files may use anything
    said = list(notes)
    if unread:
        said.append(
            f"{unread} of {len(units)} files could not be read; the figures cover only the rest"
        )
    return Plan(
        name=name,
        root=root,
        verdict=_verdict(units),
        target=target,
        coverage=0.0
        if blind
        else _share(sum(len(one.symbols) for one in items if one.way in COVERED), total),
        classified=0.0 if blind else _share(known, total),
        symbols=total,
        internal=sum(not names_torch_types(name) for name in names),
        uses=sum(one.uses for one in items),
        items=tuple(items),
        targets=tuple(_targets(groups, total, target)) if total else (),
        floor=floor,
        floor_steps=steps,
        drops=tuple(_drops(units)),
        units=tuple(_progress(units, text)),
        objects=objects,
        notes=tuple(said),
    )


def is_torch_itself(report: PackageReport) -> bool:
    """Whether a package is torch, or holds libraries of torch and no other that uses it."""
    if is_torch(report.distribution):
        return True
    if report.distribution is not None:
        return False
    others = [one.torch for one in report.libraries if not is_libtorch(one.name)]
    return len(others) < len(report.libraries) and not any(
        one is None or one.required for one in others
    )


def units_of(report: PackageReport) -> tuple[Unit, ...]:
    """The libraries of an audited package that use torch or could not be read."""
    root = report.root
    found = []
    for library in report.libraries:
        path = library.path
        name = path.relative_to(root).as_posix() if root in path.parents else path.name
        torch = library.torch
        if library.error is not None or torch is None:
            found.append(Unit(name, error=library.error or "unreadable"))
        elif torch.uses_torch or torch.links:
            unknown = {one.encode() for one in torch.unknown_shim_symbols}
            shims = [one for one in torch.required if torch_shims.shim(one) or one in unknown]
            taken = frozenset(shims)
            unstable = [one for one in torch.required if one not in taken]
            found.append(Unit(name, tuple(unstable), tuple(shims), torch.links))
    return tuple(found)


def _used_by_source(units: Sequence[Unit]) -> frozenset[bytes]:
    """Symbols that a line of the project's own source refers to."""
    return frozenset(
        name
        for unit in units
        for name, sites in unit.sites.items()
        if any(site.own for site in sites)
    )


def _grouped(text: dict[bytes, str], own: frozenset[bytes]) -> dict[str, _Group]:
    declared = {name: entity(shown) for name, shown in text.items()}
    brought: dict[str, str] = {}
    origins: dict[str, str] = {}
    for bundle in replacements.BUNDLES:
        if bundle.marks <= set(declared.values()):
            brought |= dict.fromkeys(bundle.brought, bundle.api)
            origins[bundle.api] = bundle.origin
    groups: dict[str, _Group] = {}
    for name, shown in text.items():
        row = replacements.replacement(declared[name], shown)
        if (api := brought.get(declared[name])) and name not in own:
            row = replacements.row(api)._replace(origin=origins[api])
        group = groups.setdefault(declared[name] if row is None else row.api, _Group(row))
        if row is not None and row.origin is not None:
            group.row = row
        group.names.append(name)
    return groups


def _item(
    api: str, group: _Group, units: Sequence[Unit], text: dict[bytes, str], target: str
) -> Item:
    chosen, row = answer(group.row, target)
    names = frozenset(group.names)
    using = [unit for unit in units if not names.isdisjoint(unit.unstable)]
    sites = [
        (unit.name, site)
        for unit in using
        for name in unit.unstable
        if name in names
        for site in unit.sites.get(name, ())
    ]
    pairs = sum(
        not unit.sites.get(name) for unit in using for name in unit.unstable if name in names
    )
    located = [site for _, site in sites if site.own is not None]
    sites.sort(
        key=lambda one: (
            one[1].own is not True,
            one[0],
            one[1].source or "",
            one[1].line or 0,
            one[1].function or "",
        )
    )
    shown = _NONE if row is None else row
    other = shown.fallback
    return Item(
        api=api,
        way=chosen,
        use=shown.use,
        header=shown.header,
        since=shown.since,
        floor=shown.floor,
        effort=shown.effort,
        note=shown.note,
        symbols=tuple(text[name] for name in group.names),
        units=tuple(unit.name for unit in using),
        uses=pairs + sum(site.count for _, site in sites),
        own=sum(site.count for site in located if site.own) if located else None,
        shims=shown.shims,
        sites=tuple(sites),
        macros=shown.macros,
        fallback=None if other is None else Fallback(other.use, other.header, other.since),
        differs=shown.differs,
        refused=shown.refused,
        origin=shown.origin,
        operator=None if (shown.operator or "").endswith(replacements.OPEN) else shown.operator,
    )


def _targets(groups: dict[str, _Group], total: int, chosen: str) -> Iterator[Target]:
    def covered(release: str) -> dict[str, int]:
        return {
            api: len(group.names)
            for api, group in groups.items()
            if way(group.row, release) in COVERED
        }

    here = covered(chosen)
    for release in sorted({*replacements.header_releases(), chosen}, key=release_key):
        there = covered(release)
        yield Target(
            release,
            _share(sum(there.values()), total),
            unlocks=tuple(sorted(there.keys() - here.keys())),
            loses=tuple(sorted(here.keys() - there.keys())),
        )


def _floors(units: Sequence[Unit]) -> tuple[str | None, tuple[FloorStep, ...]]:
    """The current floor, and the shims that each step below it must do without."""
    firsts = {
        name.decode(): shim.first_release
        for unit in units
        for name in unit.shims
        if (shim := torch_shims.shim(name)) is not None
    }
    if not firsts:
        return None, ()
    begins = torch_shims.STABLE_ABI_BEGINS
    levels = sorted(
        {begins, *(one for one in firsts.values() if release_key(one) > release_key(begins))},
        key=release_key,
    )
    steps = [
        FloorStep(
            level,
            tuple(
                sorted(n for n, first in firsts.items() if release_key(first) > release_key(level))
            ),
        )
        for level in reversed(levels[:-1])
    ]
    return levels[-1], tuple(steps)


def _drops(units: Sequence[Unit]) -> Iterator[Drop]:
    using: dict[str, list[str]] = {}
    for unit in units:
        for raw in unit.shims:
            using.setdefault(raw.decode("ascii", "replace"), []).append(unit.name)
    for name, where in sorted(using.items()):
        known = torch_shims.shim(name.encode())
        if better := replacements.better_shim(name):
            why = f"{better.use} replaces it: {better.note}"
            yield Drop(name, tuple(where), why)
        elif known is not None and known.deprecated:
            yield Drop(name, tuple(where), "deprecated; it is still exported")
    idle: dict[str, list[str]] = {}
    for unit in units:
        if unit.shims and not unit.unstable:
            for library in _idle_links(unit):
                idle.setdefault(library, []).append(unit.name)
    for library, where in sorted(idle.items()):
        yield Drop(library, tuple(where), "linked, but nothing is imported from it")
    left = [unit for unit in units if unit.evidence and not unit.unstable]
    if left:
        shown = left[0].evidence[0]
        why = f"the object files contain definitions from them, such as {shown}"
        yield Drop("includes of unstable headers", tuple(unit.name for unit in left), why)


def _idle_links(unit: Unit) -> Iterator[str]:
    """Libtorch libraries that a stable library is linked to but imports nothing from."""
    homes = [
        shim.exported_by for name in unit.shims if (shim := torch_shims.shim(name)) is not None
    ]
    if len(homes) < len(unit.shims) or not all(homes):
        return
    stems = [frozenset(map(stem_of, each)) for each in homes]
    linked = {library: stem_of(library) for library in unit.links}
    direct = all(any(stem in home for stem in linked.values()) for home in stems)
    for library, stem in linked.items():
        if stem == "torch" and not direct:
            continue  # libtorch.so links the others, so it may provide their symbols
        if not any(stem in home for home in stems):
            yield library


def _progress(units: Sequence[Unit], text: dict[bytes, str]) -> Iterator[UnitProgress]:
    needing: dict[bytes, int] = {}
    for unit in units:
        for name in unit.unstable:
            needing[name] = needing.get(name, 0) + 1
    for unit in units:
        sites: list[Site] = [one for name in unit.unstable for one in unit.sites.get(name, ())]
        located = [one for one in sites if one.own is not None]
        yield UnitProgress(
            name=unit.name,
            unstable=len(unit.unstable),
            shims=len(unit.shims),
            source=unit.source,
            last_to_need=tuple(text[name] for name in unit.unstable if needing[name] == 1),
            evidence=unit.evidence,
            own=sum(one.count for one in located if one.own) if located else None,
            error=unit.error,
            internal=sum(not names_torch_types(name) for name in unit.unstable),
        )


def _verdict(units: Sequence[Unit]) -> TorchLabel:
    if any(unit.error is not None for unit in units):
        return TorchLabel.ERROR
    if any(unit.unstable for unit in units):
        return TorchLabel.UNSTABLE
    return TorchLabel.STABLE if any(unit.shims for unit in units) else TorchLabel.NO_TORCH


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0
