"""Renders SARIF 2.1.0: one run, with a result for each fact, suppressed or not.

A fact about several libraries is one result: its location is the first library, and the others are
related locations, which the message links to. GitHub shows only the first of ``locations``, and
SARIF (3.27.12) allows several only if every one of them has to be changed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from torch_abi_audit import __version__
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.audit.facts import SHOWN
from torch_abi_audit.report.audit.grouping import grouped, uri
from torch_abi_audit.report.wording import several

if TYPE_CHECKING:
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.report.audit.grouping import Group
    from torch_abi_audit.report.rendering import Detail
    from torch_abi_audit.rules.definition import Rule

LISTED = 100
"""Maximum number of pieces of evidence, and of related locations, in a result; GitHub takes 100."""

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
        "locations": [_location(one.paths[0])],
        "partialFingerprints": {"torchAbiAudit/v1": one.fingerprint},
        "properties": {"evidence": list(one.evidence[:LISTED]), "evidenceCount": len(one.evidence)},
    }
    others = one.paths[1:]
    if others:
        linked = [f"[{_bracketed(path)}]({at})" for at, path in enumerate(others[:SHOWN], 1)]
        left = len(others) - len(linked)
        linked += [f"{left} more"] if left else []
        result["message"]["text"] += f" (also in {several(linked, most=None)})"
        result["relatedLocations"] = [
            {"id": at, **_location(path), "message": {"text": path}}
            for at, path in enumerate(others[:LISTED], 1)
        ]
        result["properties"]["libraryCount"] = len(one.paths)
    if one.hidden:
        result["properties"]["suppressedEvidenceCount"] = one.hidden
    if one.reason is not None:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": one.reason}
        ]
    return result


def _location(path: str) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri(path)},
            "region": {"startLine": 1},
        }
    }


def _bracketed(text: str) -> str:
    """A text as the text of a link: SARIF (3.11.6) escapes brackets with a backslash."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
