"""Renders the settings in force as JSON, with the value and origin of each."""

from __future__ import annotations

import json

from torch_abi_audit.report.config.values import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.report.rendering import Detail
    from torch_abi_audit.settings.schema import Settings


def render(settings: Settings, _detail: Detail) -> str:
    """Return an indented JSON object; the origin of a default is ``null``."""
    document = {
        key: {"value": value, "origin": settings.origins.get(key)}
        for key, value in values(settings)
    }
    return json.dumps(document, indent=2)
