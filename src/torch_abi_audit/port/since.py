"""What a saved report said was unstable, against what a plan says now. Pure."""

from __future__ import annotations

import json
from typing import Any

from torch_abi_audit.model.errors import AuditError
from torch_abi_audit.port.migration import Since
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_abi_audit.port.migration import Plan


class SavedReportError(AuditError):
    """A file that is no report of this program."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a saved report says of one target."""

    symbols: frozenset[str]
    """Unstable symbols, demangled."""
    units: Mapping[str, int]
    """Library or object file to how many it needs."""


def saved(text: bytes, name: str) -> Saved:
    """What a report that ``--json`` wrote says of the target ``name``.

    Both the audit's report and the plan's are understood; of several targets, the one of that name.

    Raises:
        SavedReportError: it is no such report, or says nothing of the target.
    """
    try:
        document = json.loads(text)
        targets = [document]
        for key in ("plans", "packages"):
            targets = document.get(key, targets)
        chosen = targets[0] if len(targets) == 1 else None
        for one in targets:
            if one["name"] == name:
                chosen = one
        if chosen is None:
            raise SavedReportError(f"the saved report says nothing of {name}")
        return _plan(chosen) if "apis" in chosen else _audit(chosen)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SavedReportError("not a report that --json wrote") from error


def since(plan: Plan, then: Saved) -> Since:
    """What went away, and what came."""
    now = frozenset(symbol for item in plan.items for symbol in item.symbols)
    counts = {unit.name: unit.unstable for unit in plan.units}
    return Since(
        gone=tuple(sorted(then.symbols - now)),
        new=tuple(sorted(now - then.symbols)),
        before=len(then.symbols),
        now=len(now),
        units=tuple(
            (name, then.units.get(name), counts.get(name))
            for name in sorted({*counts, *then.units})
            if then.units.get(name, 0) != counts.get(name, 0)
        ),
    )


def _plan(document: dict[str, Any]) -> Saved:
    return Saved(
        frozenset(symbol for item in document["apis"] for symbol in item["symbols"]),
        {one["name"]: int(one["unstable"]) for one in document["files"]},
    )


def _audit(document: dict[str, Any]) -> Saved:
    found = {one["name"]: frozenset(_unstable(one)) for one in _libraries(document)}
    return Saved(
        frozenset().union(*found.values()), {name: len(each) for name, each in found.items()}
    )


def _libraries(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from document["extensions"]
    yield from document["bundled_libs"]


def _unstable(library: dict[str, Any]) -> Iterator[str]:
    torch = library["torch"]
    if torch is not None:
        yield from torch["unstable_symbols"]
        yield from torch["internal_symbols"]
