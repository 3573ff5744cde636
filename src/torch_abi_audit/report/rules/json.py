"""Renders rules as JSON."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.report.rendering import Detail
    from torch_abi_audit.report.rules.catalogue import Catalogue


def render(catalogue: Catalogue, _detail: Detail) -> str:
    """Return the rules as a list of objects with the fields of ``Rule``."""
    return json.dumps(
        [
            {
                "id": one.id,
                "name": one.name,
                "title": one.title,
                "why": one.why,
                "fix": one.fix,
                "severity": one.severity,
                "default": one.default,
                "itemized": one.itemized,
                "about": one.about,
                "check": one.check,
                "baseline": one.baseline,
                "example": one.example,
            }
            for one in catalogue.rules
        ],
        indent=2,
    )
