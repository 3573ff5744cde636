"""Joins lines that a box, a terminal, a log or a mail wrapped in the middle of a message.

A line end is undone only with a reason: the box has no room for the next word, the message of a
known error goes on, or a path or a mangled name is only half there.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import NamedTuple

from torch_abi_audit.explain.kinds import KINDS
from torch_abi_audit.explain.reading.phrases import phrases
from torch_abi_audit.mangling import demangle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SIDE = re.compile(r"\s{0,40}[\u2502\u2503\u2551|](.*?)([\u2502\u2503\u2551|]?)\s*$")
_RULE = re.compile(r"\s{0,40}[\u2500-\u257f+][\u2500-\u257f+=-]{2,}")
_WIDE = 60
"""Columns of the narrowest terminal whose hard line ends are recognised."""
_NAME = re.compile(r"(?:^|[^\w?@$.])((?:__?Z|\?)[\w?@$.]{2,4000})$")
_NAME_GOES_ON = re.compile(r"[\w?@$.]{1,4000}")
_PARAMETERS = re.compile(r"(?=\w{0,40}[A-Z_])(?=\w{0,40}[\d_a-z])\w{4}")
_HALF_PATH = re.compile(
    r"(?:Error\b|dlopen\(|undefined symbol|File \")[^\n]{0,2000}?[/\\][^\s:'\"]*$"
)
_HALF_FRAME = re.compile(r"File \"[^\"]{1,1000}$")
_PATH_GOES_ON = re.compile(r"[^\s:'\"/]{0,80}[^\s:'\"]{0,400}\.(?:so|pyd|dll|dylib|py)\b")
_WORD_END, _WORD_START = re.compile(r"[/\\\w.@$?+-]$"), re.compile(r"[/\\\w.@$?+-]")
_ODD = re.compile(r"[/\\][^\s]*$|(?:^|[\s:])_{1,2}Z?$|_Z\w*$|\?\w+@[^\s]*$|\.so[\w.]*$")
_WHOLE_FILE = re.compile(r"\w\.(?:so(?:\.\d+)*|pyd|dll|dylib|py)$")
_MOST_NAMES = 200
"""Names at line ends that are tried with what follows them."""
_MOST_PIECES = 8
_PHRASE = 80
"""Characters of the longest phrase that is recognised across a cut."""


class Line(NamedTuple):
    """A line, and the columns of the box that it was in; None outside of boxes."""

    text: str
    width: int | None = None


class _Split(NamedTuple):
    """A phrase of a known error, cut between two of its words."""

    head: str
    tail: str


def unboxed(lines: Iterable[str]) -> list[Line]:
    """Take lines out of the boxes that ``rich`` and tables draw around them."""
    found = []
    for line in lines:
        text, width = line, None
        while (side := _SIDE.match(text)) is not None and (side[2] or "|" not in text[:40]):
            inner = side[1]
            width = len(inner) - 2 if side[2] else None
            text = inner.removeprefix(" ")
        if width is not None:
            text = text.rstrip()
        found.append(Line("" if _RULE.match(text) else text, width))
    return found


def joined(lines: list[Line]) -> str:
    """The text of lines, with wrapped ones joined."""
    hard = _hard_width(lines)
    names = 0
    done: list[str] = []
    pieces: list[str] = []  # of the last line
    before = ""
    for at, line in enumerate(lines):
        text = line.text
        tail = text.lstrip()
        joint = None
        if before and tail:
            joint = _of_box(lines[at - 1], line, tail)
            if joint is None:
                joint = _of_phrase(before, tail)
            if joint is None:
                joint = _of_path(before, tail)
            if joint is None and names < _MOST_NAMES and (half := _NAME.search(before[-4096:])):
                names += 1
                joint = "" if _completes(half[1], lines, at) else None
            if joint is None and len(lines[at - 1].text) == hard:
                joint = _at_full_width(before, text)
        if joint is None:
            done.append("".join(pieces))
            pieces = [text]
            before = text.rstrip()
        else:
            pieces[-1] = pieces[-1].rstrip()
            pieces += [joint, tail]
            before = f"{before[-8192:]}{joint}{tail}".rstrip()
    return "\n".join([*done[1:], "".join(pieces)])


def _of_box(last: Line, line: Line, tail: str) -> str | None:
    """The joint if the box had no room for the next word."""
    if last.width is None or line.width != last.width or not last.text:
        return None
    room = last.width - len(last.text)
    if room <= 0 and " " not in last.text.strip():
        return ""  # a word longer than a line
    return " " if len(tail.partition(" ")[0]) + 1 > room else None


def _of_phrase(before: str, tail: str) -> str | None:
    """The joint if a message goes on: cut between two words of a known error's phrase."""
    last = before.rpartition(" ")[2]
    first = tail.partition(" ")[0]
    table = _splits()
    for head, rest in (*table.get((last, first), ()), *table.get((last, ""), ())):
        if before.endswith(head) and (tail.startswith(rest) or rest.startswith(tail)):
            return " "
    for head, rest in table.get(("", first), ()):
        if before.endswith(head) and tail.startswith(rest):
            return " "
    return None


@cache
def _splits() -> Mapping[tuple[str, str], tuple[_Split, ...]]:
    """Every phrase of a known error, cut at each space, by the words around the cut."""
    found: dict[tuple[str, str], dict[_Split, None]] = {}
    every = {each for kind in KINDS for form in kind.forms for each in phrases(form.expression)}
    for phrase in sorted(every):
        words = phrase.split(" ")
        for at in range(1, len(words)):
            head, tail = " ".join(words[:at]), " ".join(words[at:])
            open_end = not tail and (" " in head.strip() or head.endswith(":"))
            open_start = head in ("", ":") and " " in tail.strip()
            if (head.strip(" :") and tail) or open_end or open_start:
                key = (head.rpartition(" ")[2].strip(":") and words[at - 1], words[at])
                found.setdefault(key, {})[_Split(head, tail)] = None
        if " " in phrase.strip() and phrase[:1].isalpha():
            found.setdefault(("", words[0]), {})[_Split(":", phrase)] = None
        if phrase.endswith(":") and " " in phrase.strip():
            found.setdefault((words[-1], ""), {})[_Split(phrase.lstrip(), "")] = None
    return {key: tuple(splits) for key, splits in found.items()}


def _of_path(before: str, tail: str) -> str | None:
    """The joint if a path was cut."""
    end = before[-2048:]
    if _HALF_FRAME.search(end) and '"' in tail:
        return ""
    if _WORD_END.search(end) and _HALF_PATH.search(end) and _PATH_GOES_ON.match(tail):
        word = end.rpartition(" ")[2]
        return None if re.search(r"\.(?:so|pyd|dll|dylib|py)\b", word) else ""
    return None


def _completes(name: str, lines: list[Line], at: int) -> bool:
    """Whether a mangled name is whole only together with the beginning of the lines after it.

    A name without its parameters is whole as well: a word that can be parameters belongs to it.
    """
    whole = _is_whole(name)
    for line in lines[at : at + _MOST_PIECES]:
        more = _NAME_GOES_ON.match(line.text.strip())
        if more is None or (whole and _PARAMETERS.match(more[0]) is None):
            return False
        name += more[0]
        if _is_whole(name):
            return True
        if len(more[0]) != len(line.text.strip()):
            return False
    return False


def _is_whole(name: str) -> bool:
    """Whether a mangled name follows the grammar to its end."""
    raw = (name[1:] if name.startswith("__Z") else name).encode("ascii", "replace")
    return demangle([raw])[0].encode("utf-8", "replace") != raw


def _at_full_width(before: str, text: str) -> str | None:
    """The joint if a terminal cut a path, a name or a known phrase at its last column."""
    if _WORD_START.match(text) is None:
        return None
    if _WHOLE_FILE.search(before[-80:]) and text[0] not in ".0123456789":
        return None
    if _ODD.search(before[-1024:]):
        return ""
    head, tail = before[-_PHRASE:], text[:_PHRASE]
    around = head + tail
    cut = (around.find(phrase, max(0, len(head) - len(phrase) + 1)) for phrase in _long_phrases())
    return "" if any(0 <= at < len(head) for at in cut) else None


@cache
def _long_phrases() -> tuple[str, ...]:
    every = {each for kind in KINDS for form in kind.forms for each in phrases(form.expression)}
    return tuple(sorted(each for each in every if len(each) > 7 and len(each) <= _PHRASE))


def _hard_width(lines: list[Line]) -> int:
    """The column at which a terminal cut several lines; 0 if none is known."""
    widths = Counter(len(line.text) for line in lines if len(line.text) >= _WIDE)
    if not widths:
        return 0
    widest = max(widths)
    return widest if widths[widest] > 1 or widest in (79, 80, 100, 120, 132) else 0
