"""Compares the unstable symbols of a saved report with those of a plan. Pure."""

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
    """A file is not a saved report, or has no entry for the target."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The unstable symbols of one target in a saved report."""

    symbols: frozenset[str]
    """All unstable symbols, demangled."""
    units: Mapping[str, int]
    """The number of unstable symbols that each library or object file needs."""


def saved(text: bytes, name: str) -> Saved:
    """Read the entry of the target ``name`` from a report saved with ``--json``.

    The report may be that of an audit or of a plan. A report on one target is used whatever its
    name is.

    Raises:
        SavedReportError: it is not such a report, or has no entry for the target.
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
            raise SavedReportError(f"the saved report has no entry for {name}")
        return _plan(chosen) if "apis" in chosen else _audit(chosen)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SavedReportError("not a report saved with --json") from error


def since(plan: Plan, then: Saved) -> Since:
    """The symbols that are gone and new in a plan, compared with a saved report."""
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
