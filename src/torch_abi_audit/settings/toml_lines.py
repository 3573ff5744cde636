"""Finds the line of a TOML document that sets a value, for error messages."""

from __future__ import annotations

from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list positions, from the top of the document."""


def line_of(text: str, path: Path) -> int:
    """The line, from 1, on which the value at ``path`` begins.

    The parser finds it: the shortest run of lines from the top that is valid TOML and contains the
    value ends where the value ends. In a value of several lines, the line that contains the key or
    the string is the answer.
    """
    import tomllib  # only for messages

    lines = text.splitlines(keepends=True)
    parsed = 0
    for end in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        if _holds(document, path):
            return _narrowed(lines, parsed, end, path, document)
        parsed = end
    return 1


def _holds(document: object, path: Path) -> bool:
    for part in path:
        if isinstance(document, list):
            document = dict(enumerate(document))
        if not isinstance(document, dict) or part not in document:
            return False
        document = document[part]
    return True


def _narrowed(lines: list[str], start: int, end: int, path: Path, document: object) -> int:
    for part in path:
        document = document[part]  # type: ignore[index]  # ``_holds`` has walked it
    marks = [str(one) for one in path[-1:] if isinstance(one, str)]
    marks += [document] if isinstance(document, str) else []
    if isinstance(document, dict):
        marks += [one for one in document.values() if isinstance(one, str)]
    for at in range(start, end):
        if any(mark in lines[at] for mark in marks):
            return at + 1
    while start < end - 1 and lines[start].lstrip()[:1] in ("", "#"):
        start += 1
    return start + 1
