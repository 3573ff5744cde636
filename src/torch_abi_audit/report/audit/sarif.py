"""Renders SARIF 2.1.0: one run, with a result for each library and rule, suppressed or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from torch_abi_audit import __version__
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.audit.grouping import grouped, uri

if TYPE_CHECKING:
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.report.audit.grouping import Group
    from torch_abi_audit.report.rendering import Detail
    from torch_abi_audit.rules.definition import Rule

LISTED = 100
"""Maximum number of pieces of evidence in a result; the rest is counted."""

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render(outcome: Outcome, _detail: Detail) -> str:
    """Return the log as indented JSON."""
    groups = grouped(outcome.results)
    rules = {one.rule.id: one.rule for one in groups}
    ids = sorted(rules)
    run = {
        "tool": {
            "driver": {
                "name": "torch-abi-audit",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(rules[one]) for one in ids],
            }
        },
        "invocations": [
            {"executionSuccessful": not any(one.rule.unread and not one.reason for one in groups)}
        ],
        "columnKind": "utf16CodeUnits",
        "results": [_result(one, ids.index(one.rule.id)) for one in groups],
    }
    return json.dumps({"version": "2.1.0", "runs": [run]}, indent=2)


def _rule(one: Rule) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "shortDescription": {"text": f"{one.title}."},
        "fullDescription": {"text": one.why},
        "help": {"text": one.fix, "markdown": f"{one.why}\n\n**Fix:** {one.fix}"},
        "defaultConfiguration": {"enabled": one.default, "level": _LEVELS[one.severity]},
    }


def _result(one: Group, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": one.rule.id,
        "ruleIndex": index,
        "level": _LEVELS[one.severity],
        "message": {"text": one.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri(one.path)},
                    "region": {"startLine": 1},
                }
            }
        ],
        "partialFingerprints": {"torchAbiAudit/v1": one.fingerprint},
        "properties": {"evidence": list(one.evidence[:LISTED]), "evidenceCount": len(one.evidence)},
    }
    if one.hidden:
        result["properties"]["suppressedEvidenceCount"] = one.hidden
    if one.reason is not None:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": one.reason}
        ]
    return result
