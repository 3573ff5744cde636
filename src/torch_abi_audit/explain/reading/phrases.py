"""The literal words in a regular expression: what to look for before the expression is tried.

An expression that begins with an optional path is slow to search for in a long text, and quick to
try where its words are. The words also tell where a line was wrapped: in the middle of a phrase.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"(?P<group>\((?:\?P<\w+>|\?<?[=!]|\?[a-zA-Z-]*:)?)|(?P<end>\))|(?P<or>\|)"
    r"|(?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<times>[*+?]\+?\??|\{\d*,?\d*\}[+?]?)"
    r"|\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|(?P<special>[A-Za-z0-9])|(?P<escaped>.))|(?P<plain>.)",
    re.DOTALL,
)
_FLAGS = re.compile(r"\(\?[a-zA-Z-]+:")
_GAP = ""
"""Stands between two literals that are not neighbours."""


class _Group(list["list[str | _Group]"]):
    """The alternatives of a group, each a sequence of literals, gaps and groups."""

    optional = False


def landmarks(expression: str) -> tuple[str, ...]:
    """Literal texts of which every match contains at least one; empty if there are none."""
    return _best_of(_parsed(expression)) or ()


def phrases(expression: str) -> Iterator[str]:
    """Every literal text in an expression, those that a match need not contain included."""
    yield from _literals(_parsed(expression))


def _literals(group: _Group) -> Iterator[str]:
    for sequence in group:
        for one in sequence:
            if isinstance(one, _Group):
                yield from _literals(one)
            elif one:
                yield one


def _best_of(group: _Group) -> tuple[str, ...] | None:
    """The landmarks of each alternative; None if one has none."""
    found: list[str] = []
    for sequence in group:
        best = max(map(_landmarks_of, sequence), key=_worth, default=None)
        if not best:
            return None
        found += best
    return tuple(dict.fromkeys(found))


def _landmarks_of(one: str | _Group) -> tuple[str, ...] | None:
    if isinstance(one, _Group):
        return None if one.optional else _best_of(one)
    return (one,) if len(one.strip()) > 2 else None


def _worth(found: tuple[str, ...] | None) -> int:
    return min(map(len, found)) if found else 0


def _parsed(expression: str) -> _Group:
    """The whole expression as one group."""
    whole = _Group([[]])
    open_groups = [whole]
    for token in _TOKEN.finditer(expression):
        sequence = open_groups[-1][-1]
        if token["group"]:
            group = _Group([[]])
            group.optional = "=" in token[0] or "!" in token[0] or bool(_FLAGS.match(token[0]))
            sequence.append(group)
            open_groups.append(group)
        elif token["end"]:
            open_groups.pop()
        elif token["or"]:
            open_groups[-1].append([])
        elif token["times"]:
            _repeat(sequence, at_least_once=token[0][0] == "+" or token[0][:2] in _ONCE)
        elif token["class"] or token["special"] or token["plain"] in _ANCHORS:
            sequence.append(_GAP)
        else:
            _append(sequence, _character(token))
    return whole


_ONCE = tuple(f"{{{digit}" for digit in range(1, 10))
_ANCHORS = (".", "^", "$")


def _character(token: re.Match[str]) -> str:
    text = token[0]
    return chr(int(f"0x{text[2:]}", 0)) if text[:2] in ("\\u", "\\x") else text[-1]


def _append(sequence: list[str | _Group], char: str) -> None:
    if sequence and isinstance(sequence[-1], str) and sequence[-1]:
        sequence[-1] += char
    else:
        sequence.append(char)


def _repeat(sequence: list[str | _Group], *, at_least_once: bool) -> None:
    """Apply a quantifier to the last character or group of a sequence."""
    last = sequence[-1]
    if isinstance(last, _Group):
        last.optional = last.optional or not at_least_once
    elif last:
        sequence[-1] = last if at_least_once else last[:-1]
    sequence.append(_GAP)
