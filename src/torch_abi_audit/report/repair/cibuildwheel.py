"""Renders plans of wheel repairs as the ``[tool.cibuildwheel]`` tables of pyproject.toml."""

from __future__ import annotations

from torch_abi_audit.mangling import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.repair.plan import RepairPlan
    from torch_abi_audit.report.rendering import Detail


def render(plans: Sequence[RepairPlan], _detail: Detail) -> str:
    """Return a table for each system, in the order of the plans.

    A system of several plans that differ has a comment for each, and the table of the first one
    only once: TOML allows one value.
    """
    tables: dict[str, dict[str, list[str]]] = {}
    for plan in plans:
        for one in plan.repairs:
            tables.setdefault(one.system, {}).setdefault(one.ci_command, []).append(plan.name)
    return "\n\n".join(_table(system, commands) for system, commands in tables.items())


def _table(system: str, commands: dict[str, list[str]]) -> str:
    lines = [f"[tool.cibuildwheel.{system}]"]
    for at, (command, names) in enumerate(commands.items()):
        if len(commands) > 1:
            lines.append(f"# {escape(', '.join(names))}")
        mark = "# " if at else ""
        lines.append(f"{mark}repair-wheel-command = {_string(command)}")
    return "\n".join(lines)


def _string(text: str) -> str:
    """A basic string of TOML."""
    return '"' + escape(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
