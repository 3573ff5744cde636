"""Extracts the kind, symbol, library, file and system from the text of an error."""

from __future__ import annotations

import re

from torch_abi_audit.explain.kinds import KINDS
from torch_abi_audit.explain.kinds.kind import REPAIR, ErrorKind
from torch_abi_audit.runtime.records import dataclass

_MOST = 16 << 10
"""Characters that are searched: error messages are short."""


@dataclass(frozen=True, slots=True)
class Clue:
    """The facts found in one error message."""

    kind: ErrorKind
    system: str | None
    """``linux``, ``macos`` or ``windows``; None where several systems print such a message."""
    symbol: str | None = None
    library: str | None = None
    """The library that is missing, or that should provide the symbol."""
    file: str | None = None
    """The library that needs the symbol or library."""
    version: str | None = None
    a: str | None = None
    b: str | None = None
    """Two releases that do not match."""
    libraries: tuple[str, ...] = ()
    """All libraries that the kind's patterns find, in the order of the text; for ``REPAIR``."""


_COMPILED = [
    (kind, system, re.compile(form, re.DOTALL if system == "macos" else re.MULTILINE))
    for kind in KINDS
    for system, form in kind.forms
]


def clue(text: str) -> Clue | None:
    """The facts in an error's text; None if no known pattern matches."""
    text = text[:_MOST]
    for kind, system, form in _COMPILED:
        if match := form.search(text):
            found = match.groupdict()
            named = {name: _clean(found.get(name)) for name in ("symbol", "library", "file")}
            if kind.name in named and named[kind.name] is None:
                continue  # an empty pair of quotes
            releases = {name: found.get(name) or None for name in ("version", "a", "b")}
            every = _libraries(text, kind) if kind.name == REPAIR else ()
            return Clue(kind, system, **named, **releases, libraries=every)
    return None


def _libraries(text: str, kind: ErrorKind) -> tuple[str, ...]:
    """All libraries that patterns of a kind find, each once, in the order of the text."""
    found = [
        (match.start(), name)
        for one, _, form in _COMPILED
        if one is kind and "library" in form.groupindex
        for match in form.finditer(text)
        if (name := _clean(match["library"])) is not None
    ]
    return tuple(dict.fromkeys(name for _, name in sorted(found)))


def _clean(text: str | None) -> str | None:
    """Strip the quotes and brackets around a name; None if nothing is left."""
    if not text:
        return None
    plain = text.strip(" '\"`,;").rstrip(".")
    if "(" not in plain or ")" not in plain:
        plain = plain.strip("()")
    return plain.strip(" '\"`,;") or None
