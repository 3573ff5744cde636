"""Answers one question: an error's text, a symbol, a row's label or a rule.

The answer lists what could not be determined. Pure: it reads only the tables in ``data/``, and
opens them when they are needed.
"""

from __future__ import annotations

import re

from torch_abi_audit.explain.error_text import Clue, clue
from torch_abi_audit.explain.explanation import (
    Cause,
    Explanation,
    Installed,
    installed_torch,
)
from torch_abi_audit.explain.kinds.kind import LIBRARY, REPAIR, SYMBOL
from torch_abi_audit.rules import rule, rules
from torch_abi_audit.runtime.records import replace

__all__ = ["Installed", "explain"]

_FIELD = re.compile(r"\{(\w+)\}")

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
_LABEL_ADVICE = {
    "UNSTABLE": (
        "run torch-abi-audit port TARGET to see the stable replacements",
        "run torch-abi-audit compat TARGET to see which torch releases it loads on",
    ),
    "ERROR": ("see the row for the reason; the exit code is 2",),
    "abi3-tagged-violations": ("run torch-abi-audit rule P201",),
}


def explain(
    text: str, installed: Installed | None = None, python: str | None = None
) -> Explanation:
    """Answer one question.

    Args:
        text: An error, a symbol, a label or a rule.
        installed: The installed torch, if any.
        python: The Python of the environment, such as ``3.12``.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    answer = _answer(text.strip(), installed, python)
    if answer.advice and answer.advice[0].startswith("or "):  # the alternative to it did not apply
        first = answer.advice[0].removeprefix("or ")
        return replace(answer, advice=(first, *answer.advice[1:]))
    return answer


def _answer(asked: str, installed: Installed | None, python: str | None) -> Explanation:
    labels = {label.lower(): label for label in _LABELS}
    if label := labels.get(asked.lower().strip("[]").strip()):
        advice = _LABEL_ADVICE.get(label, ())
        return Explanation(label, "label", is_a=(_LABELS[label],), advice=advice)
    for one in rules().values():
        if asked.upper() == one.id or asked.lower() == one.name:
            return _of_rule(one.id)
    if found := clue(asked):
        answer = _of_clue(found, installed, python)
        return replace(answer, kind="error")
    if asked and "\n" not in asked and _is_symbol(asked):
        from torch_abi_audit.explain.symbol import symbol  # reads tables

        answer = symbol(asked, None, installed)
        if Cause.IMPORT_ORDER in answer.causes and installed is None:
            return replace(answer, causes=(), advice=answer.advice[-1:])  # no failure was reported
        return answer
    return Explanation(
        asked.partition("\n")[0][:200],
        "unknown",
        causes=(Cause.UNKNOWN,),
        unknown=("what this is: not a known error message, symbol, label or rule",),
        advice=("pass the line of the error that names a symbol, a library or a file",),
    )


def _is_symbol(text: str) -> bool:
    return (
        text.startswith(("_Z", "__Z", "?"))
        or "::" in text
        or (" " not in text and re.fullmatch(r"\w+", text) is not None and "_" in text)
    )


def _of_rule(rule_id: str) -> Explanation:
    one = rule(rule_id)
    return Explanation(
        f"{one.id} {one.name}", "rule", is_a=(f"{one.title}.",), why=(one.why,), advice=(one.fix,)
    )


def _of_clue(found: Clue, installed: Installed | None, python: str | None) -> Explanation:
    if found.kind.name == SYMBOL and found.symbol:
        from torch_abi_audit.explain.symbol import symbol  # reads tables

        answer = symbol(found.symbol, found.system, installed)
        if found.system is None:  # the message is a linker's: nothing was loaded yet
            return _at_link_time(answer)
        if found.version and found.version.startswith(("GLIBC", "CXXABI")):
            return replace(answer, causes=(Cause.OLD_SYSTEM,))
        return answer
    if found.kind.name == LIBRARY and found.library:
        from torch_abi_audit.explain.library import library  # reads tables

        return library(found.library, found.system, installed)
    if found.kind.name == REPAIR:
        from torch_abi_audit.explain.repair_error import repair_failure  # reads tables

        return repair_failure(found.libraries, found.system)
    return _from_row(found, installed, python)


def _from_row(found: Clue, installed: Installed | None, python: str | None) -> Explanation:
    """The answer from the table of kinds, with its fields filled in."""
    row = found.kind
    names = ("symbol", "library", "file", "version", "a", "b")
    known = {name: word for name in names if (word := getattr(found, name)) is not None}
    known["here"] = f" (this is Python {python})" if python else ""

    def filled(sentences: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            one.format_map(known) for one in sentences if known.keys() >= {*_FIELD.findall(one)}
        )

    known["subject"] = filled(row.subject)[0]
    return Explanation(
        known["subject"],
        "error",
        is_a=filled(row.is_a),
        causes=row.causes,
        why=filled(row.why),
        advice=filled(row.advice),
        unknown=filled(row.unknown),
        pair=installed_torch(installed) if row.about_torch else (),
    )


def _at_link_time(answer: Explanation) -> Explanation:
    """The answer to a linker's error: for a libtorch symbol, the link itself is incomplete."""
    kept = (Cause.OLD_STRING, Cause.OTHER_TORCH)
    causes: list[Cause] = [one for one in answer.causes if one in kept]
    why = answer.why
    advice = answer.advice
    if answer.owner in ("libtorch", "libtorch's C shim"):
        home = f" ({answer.provider})" if answer.provider else ""
        causes.append(Cause.INCOMPLETE_BUILD)
        why = (*why, f"no library on the linker's command line exports it{home}")
        advice = ("link libtorch from the same torch whose headers were used", *advice)
        if Cause.OTHER_TORCH not in answer.causes:
            causes.sort(key=lambda one: one is not Cause.INCOMPLETE_BUILD)
        return replace(answer, causes=tuple(causes), why=why, advice=advice)
    return answer
