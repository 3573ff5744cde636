"""C++ and CUDA source text as tokens: comments gone, brackets matched, directives apart. Linear.

There is no preprocessor: both sides of an ``#if`` are read, with the brackets that were open before
it. The text is bytes read as Latin-1, so that every offset is one of the file.
"""

from __future__ import annotations

import re

from torch_abi_audit.runtime.records import dataclass

_TOKEN = re.compile(
    r"""
    (?P<skip> //(?:[^\\\n]|\\\r?\n|\\)* | /\*[\s\S]*?(?:\*/|\Z) | \\\r?\n )
  | (?P<raw> (?:u8|[uUL])?R"([^()\\\s"]{0,16})\([\s\S]*?(?:\)\3"|\Z) )
  | (?P<text> (?:u8|[uUL])?"(?:[^"\\\n]|\\[\s\S])*"? | (?:u8|[uUL])?'(?:[^'\\\n]|\\[\s\S])*'? )
  | (?P<name> [A-Za-z_\x80-\xff][\w\x80-\xff]* )
  | (?P<number> \.?[0-9](?:[eEpP][+-]|'?[\w.])* )
  | (?P<directive> ^[ \t]*\#[ \t]*(?P<word>[a-z]*) )
  | (?P<mark> ::|->|<<<|\.\.\.|<<|\+\+|--|[-+*/%&|^<>=!]=|&&|\|\||\S )
    """,
    re.VERBOSE | re.MULTILINE,
)
_LINE = re.compile(r"(?:[^\\\n/]|\\\r?\n|\\|/\*[\s\S]*?(?:\*/|\Z)|/(?!/|\*))*")
"""The rest of a directive: to the end of the line, without a comment at the end."""
_INCLUDE = re.compile(r'\s*(?:<([^>\n]*)>|"([^"\n]*)")')
_DEFINE = re.compile(r"[ \t]*(\w+)(\([^)\n]*\))?")
_NAMES = re.compile(r"[A-Za-z_]\w*")
_CLOSES = {")": "(", "]": "[", "}": "{"}

NAME, TEXT, NUMBER, MARK, BRANCH = "n", "t", "d", "m", "b"
"""Kinds of tokens; ``BRANCH`` is an ``if``, ``else`` or ``endif`` of the preprocessor."""


@dataclass(frozen=True, slots=True)
class Include:
    """An ``#include``."""

    start: int
    """The offset of its line."""
    end: int
    """The offset of its end, before the line break."""
    at: int
    """The offset of the path, including its bracket or quote."""
    path: str
    quoted: bool


class Tokens:
    """The tokens of one source, as columns of the same length."""

    __slots__ = (
        "defined",
        "defines",
        "ends",
        "includes",
        "kinds",
        "pairs",
        "parameters",
        "starts",
        "texts",
    )

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.kinds: list[str] = []
        self.pairs: list[int] = []
        """The index of the matching bracket; -1 for anything else, and for unmatched brackets."""
        self.includes: list[Include] = []
        self.defined: set[str] = set()
        """Names of the macros that the source defines."""
        self.defines: dict[int, int] = {}
        """Index of the first token of a macro's body, to the index after its last."""
        self.parameters: dict[int, tuple[str, ...]] = {}
        """Index of the first token of a macro's body, to the names of the macro's parameters."""


def tokens(text: str) -> Tokens:
    """Read a source."""
    found = Tokens()
    _read(text, found)
    _match(found)
    return found


_INCLUDES = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)


def include_paths(data: bytes) -> list[str]:
    """The paths of the includes of a source, those in comments among them."""
    return [path.decode("latin-1") for path in _INCLUDES.findall(data)]


def _read(text: str, found: Tokens) -> None:  # noqa: PLR0912, PLR0915 - the hottest loop
    texts, starts, ends, kinds = found.texts, found.starts, found.ends, found.kinds
    length = len(text)
    position, body, body_end, off = 0, -1, length, 0
    search = _TOKEN.search
    while (token := search(text, position)) is not None:
        start, position = token.span()
        if body >= 0 and start >= body_end:
            if len(texts) > body:
                found.defines[body] = len(texts)
            body, body_end = -1, length
        kind = token.lastgroup
        if kind == "directive":
            if body >= 0:  # an operator in the body of a macro
                continue
            word = token["word"]
            rest = _LINE.match(text, position)
            end = position if rest is None else rest.end()
            if off:  # within #if 0
                off += (word in ("if", "ifdef", "ifndef")) - (word == "endif")
                if not off or (off == 1 and word in ("else", "elif")):
                    off = 0
                    _branch(found, word, start, end)
                position = end
            elif word == "define":
                if name := _DEFINE.match(text, position):
                    found.defined.add(name[1])
                    position, body, body_end = name.end(), len(texts), max(end, name.end())
                    if name[2]:
                        found.parameters[body] = tuple(_NAMES.findall(name[2]))
            else:
                if word == "include" and (path := _INCLUDE.match(text, position, end)):
                    line = start
                    at = path.start(1 if path[1] is not None else 2) - 1
                    quoted = path[1] is None
                    found.includes.append(
                        Include(line, end, at, path[2] if quoted else path[1], quoted)
                    )
                elif word in ("if", "ifdef", "ifndef", "elif", "else", "endif"):
                    _branch(found, word, start, end)
                    if word == "if" and text[position:end].strip() == "0":
                        off = 1
                position = end
            if off:
                position = _next_directive(text, position)
            continue
        if kind == "skip":
            continue
        texts.append(token[0])
        starts.append(start)
        ends.append(position)
        if kind == "name":
            kinds.append(NAME)
        elif kind == "mark":
            kinds.append(MARK)
        elif kind == "number":
            kinds.append(NUMBER)
        else:
            kinds.append(TEXT)
    if 0 <= body < len(texts):
        found.defines[body] = len(texts)


def _branch(found: Tokens, word: str, start: int, end: int) -> None:
    found.texts.append("#if" if word.startswith("if") else f"#{word}")
    found.starts.append(start)
    found.ends.append(end)
    found.kinds.append(BRANCH)


_DIRECTIVE = re.compile(r"^[ \t]*#", re.MULTILINE)


def _next_directive(text: str, position: int) -> int:
    """Where the next directive begins, at or after a position; the end if there is none."""
    following = _DIRECTIVE.search(text, position)
    return len(text) if following is None else following.start()


_REPAIR = 64
"""How many unclosed brackets a closing one may close."""


class _Open:
    """An open bracket, and those around it."""

    __slots__ = ("around", "index", "text")

    def __init__(self, index: int, text: str, around: _Open | None) -> None:
        self.index, self.text, self.around = index, text, around


def _match(found: Tokens) -> None:
    """Match brackets; a macro's body and each side of an ``#if`` by themselves."""
    texts, kinds, pairs = found.texts, found.kinds, [-1] * len(found.texts)
    found.pairs = pairs
    now: _Open | None = None
    outside: _Open | None = None
    branches: list[_Open | None] = []
    ends_at = -1
    for index, text in enumerate(texts):
        if index == ends_at:
            now, ends_at = outside, -1
        if index in found.defines:
            outside, now, ends_at = now, None, found.defines[index]
        if kinds[index] == MARK:
            if text in "([{":
                now = _Open(index, text, now)
            elif text in _CLOSES and (closed := _closed(now, _CLOSES[text])) is not None:
                pairs[index], pairs[closed.index] = closed.index, index
                now = closed.around
        elif kinds[index] == BRANCH:
            if text == "#if":
                branches.append(now)
            elif branches:
                if text == "#endif":
                    branches.pop()
                else:
                    now = branches[-1]


def _closed(now: _Open | None, wanted: str) -> _Open | None:
    """The open bracket that a closing one closes."""
    for _ in range(_REPAIR):
        if now is None:
            return None
        if now.text == wanted:
            return now
        if wanted != "{":  # only a brace shows that a bracket before it was left open
            return None
        now = now.around
    return None
