"""Renders the settings in force as TOML, with a comment that says where each was set."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from torch_abi_audit.mangling import escape
from torch_abi_audit.report.config.values import values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.report.rendering import Detail
    from torch_abi_audit.settings.schema import Settings

_WIDTH = 44


def render(settings: Settings, _detail: Detail) -> str:
    """Return a line for each key, and a line for each ignore with a reason."""
    return "\n".join(_lines(settings))


def _lines(settings: Settings) -> Iterator[str]:
    for key, value in values(settings):
        origin = settings.origins.get(key, "default")
        if key == "ignore" and settings.ignores:
            yield f"{key} = [  # {origin}"
            yield from (f"  {escape(_toml(one))}," for one in value)
            yield "]"
        else:
            yield f"{escape(f'{key} = {_toml(value)}'):<{_WIDTH}}  # {escape(origin)}"


def _toml(value: object) -> str:
    if value is None:
        return "(not set)"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
