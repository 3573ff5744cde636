"""Renders an explanation as JSON. Every key is always present; names are escaped."""

from __future__ import annotations

import json

from torch_abi_audit.mangling import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Explanation, History
    from torch_abi_audit.report.rendering import Detail

SCHEMA_VERSION = 1
"""Incremented when a key is removed or changes meaning, not when one is added."""


def render(one: Explanation, _detail: Detail) -> str:
    """Return an indented JSON document."""
    known = one.history
    document = {
        "subject": escape(one.subject),
        "kind": one.kind,
        "is_a": [escape(text) for text in one.is_a],
        "symbol": None if one.symbol is None else escape(one.symbol),
        "demangled": None if one.demangled is None else escape(one.demangled),
        "fails": one.fails,
        "file": None if one.file is None else escape(one.file),
        "owner": None if one.owner is None else escape(one.owner),
        "provider": None if one.provider is None else escape(one.provider),
        "history": None if known is None else _history(known),
        "causes": list(one.causes),
        "why": [escape(text) for text in one.why],
        "advice": [escape(text) for text in one.advice],
        "unknown": [escape(text) for text in one.unknown],
        "gpu": _gpu(one),
        "code_for_gpu": [
            {
                "owner": escape(code.owner),
                "targets": list(code.targets),
                "runs": code.run.answer,
                "used": list(code.run.used),
            }
            for code in one.code
        ],
        "did_you_mean": [escape(text) for text in one.nearby],
        "here": [escape(text) for text in one.here],
        "at_hand": [escape(text) for text in one.pair],
        "symbols": [escape(text) for text in one.symbols],
        "also": [escape(text) for text in one.others],
        "schema_version": SCHEMA_VERSION,
    }
    return json.dumps(document, indent=2)


def _gpu(one: Explanation) -> dict[str, str] | None:
    gpu = None if one.device is None else one.device.gpu
    return None if gpu is None else {"name": gpu.name, "target": gpu.target}


def _history(known: History) -> dict[str, object]:
    return {
        "platform": known.platform,
        "oldest_known": known.oldest,
        "newest_known": known.newest,
        "exported_by": list(known.releases),
        "missing_in": list(known.missing),
        "exported_before": list(known.before),
        "libraries": {library: list(releases) for library, releases in known.libraries},
        "cuda_only": known.cuda,
        "instead": [escape(text) for text in known.instead],
        "pre_cxx11": known.old_string,
    }
