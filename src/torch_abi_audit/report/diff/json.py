"""Renders differences as JSON. Lists are complete; names are escaped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from torch_abi_audit.mangling import escape

if TYPE_CHECKING:
    from torch_abi_audit.diff.difference import Changed, Difference, GpuChange, Symbols
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.report.rendering import Detail

SCHEMA_VERSION = 1


def render(differences: tuple[Difference, ...], _detail: Detail) -> str:
    """Return one indented document for all packages."""
    return json.dumps(
        {
            "packages": [_package(one) for one in differences],
            "worse": any(one.worse for one in differences),
            "schema_version": SCHEMA_VERSION,
        },
        indent=2,
    )


def _package(one: Difference) -> dict[str, Any]:
    return {
        "name": escape(one.name),
        "old": None if one.old is None else escape(str(one.old.root)),
        "new": None if one.new is None else escape(str(one.new.root)),
        "changes": [_change_json(change) for change in one.changes],
        "libraries": [
            {
                "old": None if library.old is None else escape(library.old),
                "new": None if library.new is None else escape(library.new),
                "changes": [_change_json(change) for change in library.changes],
                "symbols": [_symbols_json(part) for part in library.symbols],
                "gpus": [_gpu_json(gpu) for gpu in library.gpus],
            }
            for library in one.libraries
        ],
        "unchanged_libraries": one.unchanged,
        "symbols": [_symbols_json(part) for part in one.symbols],
        "releases_gained": list(one.releases_gained),
        "releases_lost": list(one.releases_lost),
        "gpus": [_gpu_json(gpu) for gpu in one.gpus],
        "findings_gained": [_finding_json(finding) for finding in one.findings_gained],
        "findings_lost": [_finding_json(finding) for finding in one.findings_lost],
        "worse": [escape(clause) for clause in one.worse],
        "notes": [escape(note) for note in one.notes],
    }


def _change_json(change: Changed) -> dict[str, str | None]:
    old, new = (None if one is None else escape(one) for one in (change.old, change.new))
    return {"what": change.what, "old": old, "new": new}


def _gpu_json(change: GpuChange) -> dict[str, str]:
    gpu = change.gpu
    return {"gpu": gpu.name, "target": gpu.target, "old": change.old, "new": change.new}


def _symbols_json(part: Symbols) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "gained": [escape(one) for one in part.gained],
        "lost": [escape(one) for one in part.lost],
    }


def _finding_json(one: Finding) -> dict[str, str | None]:
    library = None if one.library is None else escape(one.library)
    message = escape(one.message)
    return {"rule": one.rule, "severity": one.severity, "library": library, "message": message}
