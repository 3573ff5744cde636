"""Renders a GitLab code quality report: an issue for each open fact, at its first library."""

from __future__ import annotations

import json

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.audit.grouping import grouped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.report.audit.grouping import Group
    from torch_abi_audit.report.rendering import Detail

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render(outcome: Outcome, _detail: Detail) -> str:
    """Return indented JSON. Suppressed findings are left out: GitLab has no such status."""
    issues = [
        {
            "description": f"{one.rule.id}: {one.message}{_spread(one)}",
            "check_name": one.rule.id,
            "fingerprint": one.fingerprint,
            "severity": _SEVERITIES[one.severity],
            "location": {"path": one.paths[0], "lines": {"begin": 1}},
        }
        for one in grouped(outcome.standing)
    ]
    return json.dumps(issues, indent=2)


def _spread(one: Group) -> str:
    return f", in {one.where}" if len(one.paths) > 1 else ""
