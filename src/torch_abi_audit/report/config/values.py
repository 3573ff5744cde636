"""All settings with their values, in the order in which they are printed."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from torch_abi_audit.gate.ignores import Ignore
    from torch_abi_audit.settings.schema import Settings


def values(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Yield each key and its value as a JSON value."""
    yield "targets", list(settings.targets)
    yield "check", settings.check
    yield "select", list(settings.select)
    yield "ignore", [*settings.ignore, *(_ignore(one) for one in settings.ignores)]
    yield "fail-on", settings.fail_on
    yield "format", [str(one) for one in settings.formats]
    yield "baseline", settings.baseline
    yield "allow-empty", settings.allow_empty
    yield "require.torch", settings.required.torch
    yield "require.python", settings.required.python
    yield "require.gpus", list(settings.required.gpus)


def _ignore(one: Ignore) -> dict[str, str]:
    parts = {
        "rule": one.rule,
        "package": one.package,
        "library": one.library,
        "symbol": one.symbol,
        "reason": one.reason,
        "expires": None if one.expires is None else one.expires.isoformat(),
    }
    return {key: value for key, value in parts.items() if value is not None}
