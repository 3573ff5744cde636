"""Explains the labels of a report's rows, and the rules."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Explanation
from torch_abi_audit.rules import rule, rules

_LABELS = {
    "STABLE": "the library uses torch only through the C shims of the LibTorch Stable ABI",
    "UNSTABLE": "the library imports libtorch symbols outside the LibTorch Stable ABI",
    "NO-TORCH": "the library imports no libtorch symbol; it may still be linked to libtorch",
    "ERROR": "the library could not be read, so it has no verdict",
    "abi3-ok": "the file is tagged abi3, and every Py* symbol it imports is in the limited API",
    "abi3-tagged-violations": "the file is tagged abi3, but imports CPython symbols that are not "
    "in the limited API",
    "abi3-tagged-no-capi": "the file is tagged abi3, and imports no CPython symbol at all",
    "uses-private-api": "the file is not tagged abi3, and imports CPython symbols that are not in "
    "the limited API",
    "not-abi3": "the file is not tagged abi3; it imports no CPython symbols, or only stable ones",
}
_ADVICE = {
    "UNSTABLE": (
        "run torch-abi-audit port TARGET to see the stable replacements",
        "run torch-abi-audit compat TARGET to see which torch releases it loads on",
    ),
    "ERROR": ("see the row for the reason; the exit code is 2",),
    "abi3-tagged-violations": ("run torch-abi-audit rule P201",),
}
_LONGEST = 80


def labels() -> tuple[str, ...]:
    """The labels that are known."""
    return tuple(_LABELS)


def label_or_rule(asked: str) -> Explanation | None:
    """The answer to a label or to the id or name of a rule; None for any other text."""
    if len(asked) > _LONGEST:
        return None
    labels = {label.lower(): label for label in _LABELS}
    if label := labels.get(asked.lower().strip("[]").strip()):
        advice = _ADVICE.get(label, ())
        return Explanation(label, "label", is_a=(_LABELS[label],), advice=advice)
    for one in rules().values():
        if asked.upper() == one.id or asked.lower() == one.name:
            return _of_rule(one.id)
    return None


def _of_rule(rule_id: str) -> Explanation:
    one = rule(rule_id)
    return Explanation(
        f"{one.id} {one.name}", "rule", is_a=(f"{one.title}.",), why=(one.why,), advice=(one.fix,)
    )
