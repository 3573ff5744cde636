"""What all formats of a migration plan say in the same words."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.model.releases import release_key, short
from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port.compile_options import (
    FIRST_WITH_PYBIND,
    TARGET_MACRO,
    headers,
    uses_pybind,
)
from torch_abi_audit.port.migration import Way
from torch_abi_audit.report.port import source
from torch_abi_audit.report.wording import outside_symbols, plural, several

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.port.migration import Item, Plan, Target

TITLES = {
    Way.GOES: "goes away by itself",
    Way.NOW: "replace now",
    Way.DISPATCHER: "through the dispatcher",
    Way.LATER: "possible with a newer torch",
    Way.NOT_YET: "not possible yet",
    Way.UNKNOWN: "unclassified",
}
"""The classes, cheapest first."""
EFFORTS = {1: "another name", 2: "another form", 3: "another design"}
"""What replacing an API takes, by its effort."""


def percent(share: float) -> str:
    """A share in percent; never rounded to ``100%`` or ``0%``."""
    whole = round(share * 100)
    if whole == 100 and share < 1:
        return "over 99%"
    return "under 1%" if whole == 0 and share > 0 else f"{whole}%"


def coverage(plan: Plan) -> str:
    """The share of the symbols that can be replaced, as a sentence."""
    if not plan.units and plan.source is not None:
        return source.coverage(plan.source, plan.target, percent)
    if not plan.units:
        return "nothing to port: no library or object file uses torch"
    if not plan.symbols and plan.verdict is TorchLabel.ERROR:
        return "unknown: files could not be read"
    if not plan.symbols:
        return "nothing to port: no symbol outside the LibTorch Stable ABI is used"
    counted = outside_symbols(plan.symbols - plan.internal, plan.internal)
    return f"{percent(plan.coverage)} of {counted} can be replaced for torch {short(plan.target)}"


def classified(plan: Plan) -> str | None:
    """The share of the symbols that the table has a row for; None if nothing is unstable."""
    return f"{percent(plan.classified)} belong to a known API" if plan.symbols else None


def these_shims(count: int) -> str:
    """``this shim``, ``these 2 shims``."""
    return "this shim" if count == 1 else f"these {count} shims"


def files(count: int, plan: Plan) -> str:
    """The number of libraries or object files."""
    return plural(count, "object file" if plan.objects else "library")


def cost(item: Item, plan: Plan) -> str:
    """The number of symbols, files and uses of an API."""
    if not item.symbols:  # only sources have it
        return f"{plural(item.uses, 'use')} in {plural(len(item.units), 'source')}"
    uses = plural(item.uses, "use")
    own = f" ({item.own} in the project's source)" if item.own is not None else ""
    if plan.source is not None:  # which counts places, not references
        own = f", {plural(item.own, 'place')} in the sources" if item.own else ""
    return f"{plural(len(item.symbols), 'symbol')}, {files(len(item.units), plan)}, {uses}{own}"


def terms(item: Item) -> str:
    """The header that declares the replacement, and the torch releases that it requires."""
    if item.header is None:
        return ""
    runs = f", runs on {short(item.floor)} and later" if item.floor else ""
    return f"{item.header}; needs the headers of torch {short(item.since or '')}{runs}"


def remarks(item: Item) -> Iterator[str]:
    """Everything else that the row of an API says, a sentence each."""
    if item.macros:
        yield f"compile with {' '.join(f'-D{one}' for one in item.macros)}"
    if item.fallback is not None:
        other = item.fallback
        where = f"{other.header}, from torch {short(other.since)}"
        yield f"with older headers: {other.use} ({where})"
    if item.differs:
        yield f"differs: {item.differs}"
    if item.refused:
        kinds = "type" if len(item.refused) == 1 else "types"
        yield f"not possible through the dispatcher: {kinds} {', '.join(item.refused)}"
    if item.note:
        yield item.note


def obstacle(item: Item) -> str:
    """Why an API cannot be replaced, and what to do in its place, in one line."""
    said = [one for one in remarks(item) if not one.startswith("compile with")]
    return "; ".join(said) or "the stable ABI has no replacement"


def origins(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Items by what brings their symbols, the one with most symbols first."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.origin or "the unstable headers", []).append(item)
    return dict(sorted(found.items(), key=lambda one: (-_symbols(one[1]), one[0])))


def origin_line(origin: str, items: Sequence[Item]) -> str:
    """``with torch/extension.h: 12 APIs, 140 symbols``."""
    return f"with {origin}: {counted(items)}"


def counted(items: Sequence[Item]) -> str:
    """The number of APIs and symbols."""
    return f"{plural(len(items), 'API')}, {plural(_symbols(items), 'symbol')}"


def raised(plan: Plan) -> tuple[tuple[Target, tuple[str, ...]], ...]:
    """Higher targets that can replace more than the one before, with what each adds."""
    found = []
    seen: set[str] = set()
    for one in plan.targets:
        added = tuple(api for api in one.unlocks if api not in seen)
        if added and release_key(one.release) > release_key(plan.target):
            found.append((one, added))
            seen.update(added)
    return tuple(found)


def build_notes(plan: Plan) -> Iterator[str]:
    """What has to be known to compile the plan, a sentence each."""
    needs = headers(plan)
    if needs is not None and needs.apis:
        least = ""
        if release_key(needs.with_fallbacks) < release_key(needs.needed):
            least = f" (torch {short(needs.with_fallbacks)} with the fallbacks)"
        yield (
            f"torch {short(needs.needed)} or later, whose headers have the replacement of "
            f"{several(needs.apis)}{least}; what is built still runs on torch {short(plan.target)}"
        )
    least_headers = plan.target if needs is None else needs.with_fallbacks
    if uses_pybind(plan) and release_key(least_headers) < release_key(FIRST_WITH_PYBIND):
        first = short(FIRST_WITH_PYBIND)
        yield (
            f"where it binds with pybind11: the copy in torch's headers compiles with "
            f"{TARGET_MACRO} from torch {first} on; before, put pybind11's own headers first, or "
            "register with STABLE_TORCH_LIBRARY"
        )


def short_name(api: str) -> str:
    """The first name of a row for several APIs, as a report may print it."""
    return escape(api if "(" in api or "<" in api else api.partition(", ")[0])


def _symbols(items: Sequence[Item]) -> int:
    return sum(len(one.symbols) for one in items)
