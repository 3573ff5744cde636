"""What an error's text says: its kind, the symbol, the library, the file, and on which system."""

from __future__ import annotations

import re

from torch_abi_audit.explain.error_kinds import KINDS, ErrorKind
from torch_abi_audit.runtime.records import dataclass

_MOST = 16 << 10
"""Bytes that are looked at: errors are short."""


@dataclass(frozen=True, slots=True)
class Clue:
    """What one error's text says."""

    kind: ErrorKind
    system: str | None
    """``linux``, ``macos`` or ``windows``, where the form of the text is one system's."""
    symbol: str | None = None
    library: str | None = None
    """The library that is missing or should provide the symbol."""
    file: str | None = None
    """The library that needs it."""
    version: str | None = None
    a: str | None = None
    b: str | None = None
    """Two releases that do not go together."""


_COMPILED = [
    (kind, system, re.compile(form, re.DOTALL if system == "macos" else re.MULTILINE))
    for kind in KINDS
    for system, form in kind.forms
]


def clue(text: str) -> Clue | None:
    """What an error's text says; None where it has no form that is known."""
    text = text[:_MOST]
    for kind, system, form in _COMPILED:
        if match := form.search(text):
            found = match.groupdict()
            named = {name: _clean(found.get(name)) for name in ("symbol", "library", "file")}
            if kind.name in named and named[kind.name] is None:
                continue  # quotes and nothing between them
            releases = {name: found.get(name) or None for name in ("version", "a", "b")}
            return Clue(kind, system, **named, **releases)
    return None


def _clean(text: str | None) -> str | None:
    """What stands between quotes and brackets of the sentence around it."""
    if not text:
        return None
    plain = text.strip(" '\"`,;").rstrip(".")
    if "(" not in plain or ")" not in plain:
        plain = plain.strip("()")
    return plain.strip(" '\"`,;") or None
