"""Renders a migration plan as JSON. Every key is always present; names are escaped."""

from __future__ import annotations

import json
from typing import Any

from torch_abi_audit.mangling import escape
from torch_abi_audit.port.compile_options import compile_options, headers
from torch_abi_audit.report.port import source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch_abi_audit.port.migration import Fallback, Item, Plan, Site, UnitProgress
    from torch_abi_audit.report.rendering import Detail

SCHEMA_VERSION = 1
"""Incremented when a key is removed or changes meaning, not when one is added."""


def render(plans: Sequence[Plan], _detail: Detail) -> str:
    """Return one plan, or several under ``plans``, as an indented document."""
    document = _plan(plans[0]) if len(plans) == 1 else {"plans": [_plan(one) for one in plans]}
    return json.dumps({**document, "schema_version": SCHEMA_VERSION}, indent=2)


def _plan(plan: Plan) -> dict[str, Any]:
    since = plan.since
    return {
        "name": escape(plan.name),
        "root": escape(plan.root),
        "verdict": plan.verdict,
        "target": plan.target,
        "compile_options": list(compile_options(plan)),
        "headers": _headers(plan),
        "coverage": plan.coverage,
        "classified": plan.classified,
        "unstable_symbols": plan.symbols,
        "internal_symbols": plan.internal,
        "uses": plan.uses,
        "apis": [_item(one) for one in plan.items],
        "targets": [
            {
                "release": one.release,
                "coverage": one.coverage,
                "unlocks": list(one.unlocks),
                "loses": list(one.loses),
            }
            for one in plan.targets
        ],
        "floor": plan.floor,
        "floor_steps": [
            {"release": one.release, "without": list(one.without)} for one in plan.floor_steps
        ],
        "could_be_dropped": [
            {"what": escape(one.what), "why": escape(one.why), "files": _names(one.units)}
            for one in plan.drops
        ],
        "object_files": plan.objects,
        "files": [_unit(one) for one in plan.units],
        "since": None
        if since is None
        else {
            "gone": _names(since.gone),
            "new": _names(since.new),
            "before": since.before,
            "now": since.now,
            "files": [
                {"name": escape(name), "before": then, "now": now}
                for name, then, now in since.units
            ],
        },
        "notes": _names(plan.notes),
        "source": source.document(plan.source),
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "api": escape(item.api),
        "class": item.way,
        "replacement": item.use,
        "header": item.header,
        "since": item.since,
        "runtime_floor": item.floor,
        "effort": item.effort,
        "note": item.note,
        "macros": list(item.macros),
        "fallback": _fallback(item.fallback),
        "differs": item.differs,
        "refused": list(item.refused),
        "origin": item.origin,
        "shims": list(item.shims),
        "symbols": _names(item.symbols),
        "files": _names(item.units),
        "uses": item.uses,
        "uses_in_own_source": item.own,
        "sites": [_site(unit, site) for unit, site in item.sites],
    }


def _headers(plan: Plan) -> dict[str, Any] | None:
    needs = headers(plan)
    if needs is None:
        return None
    return {
        "needed": needs.needed,
        "newer_than_target": _names(needs.apis),
        "with_fallbacks": needs.with_fallbacks,
    }


def _fallback(other: Fallback | None) -> dict[str, str] | None:
    if other is None:
        return None
    return {"use": other.use, "header": other.header, "since": other.since}


def _site(unit: str, site: Site) -> dict[str, Any]:
    return {
        "file": escape(unit),
        "function": _optional(site.function),
        "source": _optional(site.source),
        "line": site.line,
        "count": site.count,
        "own_source": site.own,
    }


def _unit(unit: UnitProgress) -> dict[str, Any]:
    return {
        "name": escape(unit.name),
        "state": unit.state,
        "unstable": unit.unstable,
        "internal": unit.internal,
        "stable_shim_count": unit.shims,
        "source": _optional(unit.source),
        "last_to_need": _names(unit.last_to_need),
        "uses_in_own_source": unit.own,
        "header_evidence": _names(unit.evidence),
        "error": _optional(unit.error),
    }


def _names(names: Iterable[str]) -> list[str]:
    return [escape(name) for name in names]


def _optional(text: str | None) -> str | None:
    return None if text is None else escape(text)
