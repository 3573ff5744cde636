"""Renders plans of wheel repairs as JSON. Every key is always present; names are escaped."""

from __future__ import annotations

import json

from torch_abi_audit.mangling import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.repair.plan import Repair, RepairPlan
    from torch_abi_audit.report.rendering import Detail

SCHEMA_VERSION = 1
"""Incremented when a key is removed or changes meaning, not when one is added."""


def render(plans: Sequence[RepairPlan], _detail: Detail) -> str:
    """Return an indented JSON document."""
    document = {
        "packages": [
            {
                "name": escape(plan.name),
                "root": escape(plan.root),
                "notes": [escape(note) for note in plan.notes],
                "repairs": [_repair(one) for one in plan.repairs],
            }
            for plan in plans
        ],
        "schema_version": SCHEMA_VERSION,
    }
    return json.dumps(document, indent=2)


def _repair(one: Repair) -> dict[str, object]:
    return {
        "system": one.system,
        "tool": one.tool,
        "since": one.since,
        "command": escape(one.command),
        "repair_wheel_command": escape(one.ci_command),
        "excluded": [
            {
                "library": escape(each.library),
                "origin": each.origin,
                "brought_by": escape(each.by),
                "needed_by": [escape(path) for path in each.needed_by],
                "copy": None if each.copy is None else escape(each.copy),
            }
            for each in one.excluded
        ],
        "copied": [
            {
                "library": escape(each.library),
                "needed_by": [escape(path) for path in each.needed_by],
                "note": each.note or None,
            }
            for each in one.copied
        ],
        "checks": [escape(check) for check in one.checks],
    }
