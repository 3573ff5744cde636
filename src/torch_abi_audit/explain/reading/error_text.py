"""Finds the errors in a text: the kind, symbol, library, file and system of each."""

from __future__ import annotations

import re
from bisect import bisect_left, insort

from torch_abi_audit.explain.kinds import KINDS
from torch_abi_audit.explain.kinds.kind import DEPENDENCY, LIBRARY, LINK, SYMBOL
from torch_abi_audit.explain.reading.phrases import landmarks
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.kinds.kind import ErrorKind, Form
    from torch_abi_audit.explain.reading.pasted import Pasted

_BEHIND, _AHEAD = 1200, 6000
"""Characters around a landmark in which a match begins and ends."""
_MOST = 5000
"""Places where one form of error may stand that are read: the first few, and the last ones."""
_BEGINS = re.compile(r"^|(?<![\w./\\@+~-])(?=\S)", re.MULTILINE)

_FLAGS: dict[str | None, re.RegexFlag] = {"macos": re.MULTILINE | re.DOTALL}

_NAMED_BY = {SYMBOL: "symbol", LINK: "symbol", LIBRARY: "library", DEPENDENCY: "library"}
"""What the messages of a kind must name to be one."""


@dataclass(frozen=True, slots=True)
class Clue:
    """The facts found in one error message."""

    kind: ErrorKind
    system: str | None
    """``linux``, ``macos`` or ``windows``; None where several systems print such a message."""
    start: int = 0
    end: int = 0
    """Where the message stands in the text."""
    text: str = ""
    """The message itself."""
    symbol: str | None = None
    library: str | None = None
    """The library that is missing, or that should provide the symbol."""
    file: str | None = None
    """The library that needs the symbol or library."""
    version: str | None = None
    a: str | None = None
    b: str | None = None
    """Two releases that do not match."""


@dataclass(frozen=True, slots=True)
class Errors:
    """All errors of a text."""

    clues: tuple[Clue, ...]
    """In the order of the text."""
    unread: int = 0
    """Places that look like errors and were not read, since there are very many."""

    def libraries(self, kind: ErrorKind) -> tuple[str, ...]:
        """The libraries that all errors of a kind name, each once, in the order of the text."""
        named = (one.library for one in self.clues if one.kind is kind)
        return tuple(dict.fromkeys(name for name in named if name is not None))


@dataclass(frozen=True, slots=True)
class _Compiled:
    kind: ErrorKind
    system: str | None
    form: re.Pattern[str]
    landmarks: tuple[str, ...]
    begins_in_line: bool
    """Whether a match begins in the line of its landmark."""


def _compiled(kind: ErrorKind, form: Form) -> _Compiled:
    words = landmarks(form.expression)
    written = [_SPECIAL.sub(r"\\\g<0>", word) for word in words]
    before = min((form.expression.find(word) for word in written), default=-1)
    ahead = _CLASS.sub("", form.expression[:before])
    in_line = form.system != "macos" and before >= 0 and not _CROSSES.search(ahead)
    compiled = re.compile(form.expression, _FLAGS.get(form.system, re.MULTILINE))
    return _Compiled(kind, form.system, compiled, words, in_line)


_SPECIAL = re.compile(r"[.()\[\]{}*+?^$|\\]")
_CLASS = re.compile(r"\[\^[^\]]*\]")
_CROSSES = re.compile(r"\\[snDW]|\(\?s")
_FORMS = [_compiled(kind, form) for kind in KINDS for form in kind.forms]


def errors(pasted: Pasted) -> Errors:
    """All errors in a text: in the text as it was meant, or else as it was pasted."""
    found = _errors(pasted.text)
    return found if found.clues or pasted.raw == pasted.text else _errors(pasted.raw)


def _errors(text: str) -> Errors:
    """The errors of a text. Of two at one place, the one whose row comes first is kept."""
    spans: list[tuple[int, int]] = []
    clues: list[Clue] = []
    unread = 0
    for one in _FORMS:
        places, left = _places(text, one.landmarks)
        unread += left
        for match in _matches(text, one, places):
            if _is_free(spans, match.span()) and (clue := _clue(one, match)) is not None:
                insort(spans, match.span())
                clues.append(clue)
    return Errors(tuple(sorted(clues, key=lambda clue: clue.start)), unread)


def _places(text: str, words: tuple[str, ...]) -> tuple[list[int], int]:
    """Where a form's landmarks stand, and how many more such places there are."""
    found: list[int] = []
    for word in words:
        at = text.find(word)
        while at >= 0:
            found.append(at)
            at = text.find(word, at + len(word))
    found.sort()
    left = max(0, len(found) - _MOST)
    return found[: _MOST // 5] + found[left + _MOST // 5 :], left


def _matches(text: str, one: _Compiled, places: list[int]) -> Iterator[re.Match[str]]:
    """The matches of a form around places, from left to right; no beginning is tried twice."""
    form = one.form
    done = 0
    for place in places:
        if place < done:
            continue
        first = max(done, place - _BEHIND)
        if one.begins_in_line:
            first = max(first, text.rfind("\n", first, place) + 1)
        for begin in (first, *(at.start() for at in _BEGINS.finditer(text, first, place)), place):
            match = form.match(text, begin, place + _AHEAD)
            if match is not None and match.end() > place:
                yield match
                done = match.end()
                break
        else:
            done = place + 1


def _is_free(spans: list[tuple[int, int]], span: tuple[int, int]) -> bool:
    """Whether a span overlaps none of the sorted, separate ``spans``."""
    at = bisect_left(spans, span)
    before = at == 0 or spans[at - 1][1] <= span[0]
    return before and (at == len(spans) or spans[at][0] >= span[1])


def _clue(one: _Compiled, match: re.Match[str]) -> Clue | None:
    """The facts of a match; None if what it must name is only an empty pair of quotes."""
    found = match.groupdict()
    named = {name: clean(found.get(name)) for name in ("symbol", "library", "file")}
    if (must := _NAMED_BY.get(one.kind.name)) is not None and named[must] is None:
        return None
    releases = {name: found.get(name) or None for name in ("version", "a", "b")}
    start, end = match.span()
    return Clue(one.kind, one.system, start, end, match[0], **named, **releases)


def clean(text: str | None) -> str | None:
    """Strip the quotes and brackets around a name; None if nothing is left."""
    if not text:
        return None
    plain = text.strip(" '\"`,;").rstrip(".")
    if "(" not in plain or ")" not in plain:
        plain = plain.strip("()")
    return plain.strip(" '\"`,;") or None
