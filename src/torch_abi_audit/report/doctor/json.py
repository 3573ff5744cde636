"""Renders a diagnosis as JSON. Every key is always present; names are escaped."""

from __future__ import annotations

import json

from torch_abi_audit.mangling import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torch_abi_audit.doctor.diagnosis import Copies, Diagnosis, Examined, Problem
    from torch_abi_audit.doctor.imports import Attempt
    from torch_abi_audit.doctor.process import Failure, Opened
    from torch_abi_audit.report.rendering import Detail

SCHEMA_VERSION = 1
"""Incremented when a key is removed or changes meaning, not when one is added."""


def render(found: Diagnosis, _detail: Detail) -> str:
    """Return an indented JSON document."""
    document = {
        "python": found.python,
        "executable": escape(found.executable),
        "site_packages": [escape(one) for one in found.sites],
        "torch_directory": escape(found.torch_place),
        "variables": {name: escape(value) for name, value in found.variables},
        "torch": _examined(found.torch),
        "packages": [_examined(one) for one in found.packages],
        "copies": [_copies(one) for one in found.copies],
        "unknown": [escape(text) for text in found.unknown],
        "schema_version": SCHEMA_VERSION,
    }
    return json.dumps(document, indent=2)


def _examined(one: Examined) -> dict[str, Any]:
    ended = one.ended
    return {
        "name": escape(one.name),
        "distribution": _optional(one.distribution),
        "version": _optional(one.version),
        "status": one.status,
        "problem": None if one.problem is None else _problem(one.problem),
        "parts": [_problem(part) for part in one.parts],
        "ended": None
        if ended is None
        else {
            "exception": escape(ended.kind),
            "message": _message(ended.text),
            "source": escape(ended.source),
            "line": ended.line,
        },
        "attempts": [_attempt(each) for each in one.attempts],
        "opened": [_opened(each) for each in one.opened],
        "notes": [escape(note) for note in one.notes],
        "unknown": [escape(text) for text in one.unknown],
        "limits": [escape(text) for text in one.limits],
    }


def _message(text: str) -> str:
    """An exception's message, which may have several lines."""
    return "\n".join(map(escape, text.split("\n")))


def _problem(one: Problem) -> dict[str, Any]:
    where = one.opened_at
    return {
        "text": _message(one.text),
        "raises": None if one.raises is None else _message(one.raises),
        "library": _optional(one.library),
        "source": None if where is None else escape(where[0]),
        "line": None if where is None else where[1],
        "failure": None if one.failure is None else _failure(one.failure),
        "causes": list(one.causes),
        "why": [escape(text) for text in one.why],
        "advice": [escape(text) for text in one.advice],
    }


def _failure(one: Failure) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "file": escape(one.file),
        "symbol": _optional(one.symbol),
        "version": _optional(one.version),
        "library": _optional(one.library),
        "copy": None if one.copy is None else _opened(one.copy),
    }


def _attempt(one: Attempt) -> dict[str, Any]:
    return {
        "path": escape(one.path),
        "how": one.how,
        "module": _optional(one.module),
        "source": escape(one.source),
        "line": one.line,
        "error": None if one.failure is None else escape(one.failure.text),
        "certain": one.certain,
        "caught": one.caught,
    }


def _opened(one: Opened) -> dict[str, Any]:
    return {
        "path": escape(one.path),
        "asked": escape(one.asked),
        "by": _optional(one.by),
        "found": one.found,
        "where": escape(one.where),
    }


def _copies(one: Copies) -> dict[str, Any]:
    return {
        "name": one.name,
        "package": escape(one.package),
        "effect": one.effect,
        "opened": [_opened(each) for each in one.opened],
    }


def _optional(text: str | None) -> str | None:
    return None if text is None else escape(text)
