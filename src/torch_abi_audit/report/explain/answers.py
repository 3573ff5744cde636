"""An explanation as text, Markdown and JSON."""

from __future__ import annotations

import json

from torch_abi_audit.explain.explanation import TITLES, span
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.report.style import PLAIN, Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.explanation import Explanation, History

SCHEMA_VERSION = 1
"""Raised when a key changes its meaning or goes; new keys do not raise it."""
_HONESTY = (
    "presence of a symbol is necessary for loading, not sufficient for working: layouts may differ"
)


def format_explanation(one: Explanation, *, style: Style = PLAIN) -> str:
    """Text for a terminal, without a final newline."""
    del style  # nothing of it is a verdict
    return "\n".join(_text(one))


def format_explanation_markdown(one: Explanation) -> str:
    """A Markdown list for an issue, without a final newline."""
    lines = [f"### `{escape(one.demangled or one.subject)}`", ""]
    for title, texts in _sections(one):
        lines += [f"- **{title}**: {_plain(text)}" for text in texts]
    return "\n".join(lines)


def format_explanation_json(one: Explanation) -> str:
    """An indented JSON document, without a final newline."""
    known = one.history
    document = {
        "subject": escape(one.subject),
        "kind": one.kind,
        "is_a": [escape(text) for text in one.is_a],
        "symbol": None if one.symbol is None else escape(one.symbol),
        "demangled": None if one.demangled is None else escape(one.demangled),
        "owner": None if one.owner is None else escape(one.owner),
        "provider": None if one.provider is None else escape(one.provider),
        "history": None if known is None else _history(known),
        "causes": list(one.causes),
        "why": [escape(text) for text in one.why],
        "advice": [escape(text) for text in one.advice],
        "unknown": [escape(text) for text in one.unknown],
        "at_hand": [escape(text) for text in one.pair],
        "schema_version": SCHEMA_VERSION,
    }
    return json.dumps(document, indent=2)


def ranges(known: History) -> tuple[str, str]:
    """Which releases export a symbol, and which do not, as text."""
    order = sorted({*known.releases, *known.missing}, key=release_key)
    return span(known.releases, order), span(known.missing, order)


def _text(one: Explanation) -> Iterator[str]:
    yield escape(one.demangled or one.subject)
    for title, texts in _sections(one):
        yield from (f"  {title + ':':<14} {escape(text)}" for text in texts)


def _sections(one: Explanation) -> Iterator[tuple[str, tuple[str, ...]]]:
    if one.symbol is not None and one.symbol != one.demangled:
        yield "symbol", (one.symbol,)
    yield "what", one.is_a
    if one.owner is not None:
        yield "owner", (one.owner,)
    if one.provider is not None:
        yield "provided by", (one.provider,)
    if one.history is not None:
        having, lacking = ranges(one.history)
        build = ", CUDA builds only" if one.history.cuda else ""
        if having:
            yield "exported by", (f"torch {having} ({one.history.platform}{build})",)
        if lacking:
            yield "missing in", (f"torch {lacking}",)
        yield "there instead", one.history.instead
        moved = [
            f"{library} in torch {span(releases, sorted(releases, key=release_key))}"
            for library, releases in one.history.libraries
        ]
        if len(moved) > 1:
            yield "moved", tuple(moved)
    yield "likely cause", tuple(f"{TITLES[cause]} [{cause}]" for cause in one.causes)
    yield "because", one.why
    yield "what to do", one.advice
    yield "at hand", one.pair
    yield "not known", one.unknown
    if one.history is not None:
        yield "note", (_HONESTY,)


def _history(known: History) -> dict[str, object]:
    return {
        "platform": known.platform,
        "oldest_known": known.oldest,
        "newest_known": known.newest,
        "exported_by": list(known.releases),
        "missing_in": list(known.missing),
        "libraries": {library: list(releases) for library, releases in known.libraries},
        "cuda_only": known.cuda,
        "instead": [escape(text) for text in known.instead],
        "pre_cxx11": known.old_string,
    }


def _plain(text: str) -> str:
    shown = escape(text)
    for mark in ("\\", "|", "*", "_", "<", "["):
        shown = shown.replace(mark, "\\" + mark)
    return shown
