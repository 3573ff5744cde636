"""The names that C++ headers declare: macros, functions, types, constants and methods.

Reads the output of ``g++ -E -dD``: conditions are decided, macros are expanded, and line markers
say which header a declaration is from. No compiler is asked for types, so what a name is follows
from the shape of its declaration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Kind(StrEnum):
    """What a declaration makes."""

    MACRO = "macro"
    FUNCTION = "function"
    TYPE = "type"
    CONSTANT = "constant"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A name and the header that declares it."""

    name: str
    """Qualified: ``at::Tensor::permute``."""
    kind: Kind
    header: str
    """As the line marker has it."""


@dataclass(slots=True)
class _Scope:
    """A pair of braces that is open."""

    kind: str
    """``namespace``, ``class`` or ``other``: nothing in the last is looked at."""
    name: str = ""
    public: bool = True
    keeps: bool = False
    """Whether the declaration goes on after it, as after an initialiser."""


_MARKER = re.compile(r'# \d+ "((?:[^"\\]|\\.)*)"')
_DEFINE = re.compile(r"#define ([A-Za-z_]\w*)")
_WORD = re.compile(
    r"""(?P<raw>R"(?P<d>[^(\s]{0,16})\(.*?\)(?P=d)")|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+'"""
    r"|[A-Za-z_]\w*|\d(?:'?[\w.])*|::|->|\[\[|\]\]|[^\s\w]",
    re.DOTALL,
)
_NOT_NAMES = frozenset(
    {
        *("if", "for", "while", "switch", "return", "sizeof", "decltype", "alignas", "noexcept"),
        *("requires", "explicit", "throw", "new", "delete", "operator", "static_assert", "typeid"),
        *("catch", "asm", "__asm__", "__attribute__", "and", "or", "not"),
    }
)
"""Words before a parenthesis that are not the name of a function."""
_TYPES = frozenset({"class", "struct", "union", "enum"})


def declarations(
    preprocessed: str, wanted: Callable[[str], bool] = lambda _: True
) -> Iterator[Declaration]:
    """Yield what a preprocessed text declares outside of functions, in its order.

    Args:
        preprocessed: The output of ``g++ -E -dD``.
        wanted: Whether the declarations of a header are wanted, by the header's path.
    """
    reader = _Reader()
    header = ""
    text: list[str] = []
    for line in preprocessed.split("\n"):
        if not line.startswith("#"):
            text.append(line)
            continue
        if marker := _MARKER.match(line):
            if marker[1] != header:
                yield from reader.read("\n".join(text), header, wanted=wanted(header))
                text, header = [], marker[1]
        elif (define := _DEFINE.match(line)) and wanted(header):
            yield Declaration(define[1], Kind.MACRO, header)
    yield from reader.read("\n".join(text), header, wanted=wanted(header))


class _Reader:
    """The open braces and the tokens of the current declaration, from one header to the next."""

    def __init__(self) -> None:
        self._scopes: list[_Scope] = []
        self._tokens: list[str] = []

    def read(self, text: str, header: str, *, wanted: bool) -> Iterator[Declaration]:
        """Yield the declarations that end in a piece of text, if they are wanted.

        A piece that opens and closes its braces by itself is read only if it is wanted.
        """
        if not wanted and not self._tokens and text.count("{") == text.count("}"):
            return
        found = self._read(text, header)
        if wanted:
            yield from found
        else:
            for _ in found:
                pass

    def _read(self, text: str, header: str) -> Iterator[Declaration]:
        for match in _WORD.finditer(text):
            word = match[0]
            inside = self._scopes[-1] if self._scopes else None
            if inside is not None and inside.kind == "other":
                self._skip(word)
            elif word == "{":
                yield from self._opened(header)
            elif word == "}":
                self._tokens.clear()
                if self._scopes:
                    self._scopes.pop()
            elif word == ";":
                yield from self._ended(header)
            elif word == ":" and self._tokens in (["public"], ["private"], ["protected"]):
                if inside is not None:
                    inside.public = self._tokens == ["public"]
                self._tokens.clear()
            else:
                self._tokens.append(word)

    def _skip(self, word: str) -> None:
        if word == "{":
            self._scopes.append(_Scope("other"))
        elif word == "}":
            scope = self._scopes.pop()
            if not self._scopes or self._scopes[-1].kind != "other":
                if scope.keeps:
                    self._tokens.append("{}")
                else:
                    self._tokens.clear()

    def _opened(self, header: str) -> Iterator[Declaration]:
        """Decide what a brace opens."""
        if self._tokens.count("(") > self._tokens.count(")"):
            self._scopes.append(_Scope("other", keeps=True))  # a default argument
            return
        tokens = _bare(self._tokens)
        if tokens[:1] == ["extern"] and len(tokens) == 2:
            self._scopes.append(_Scope("namespace"))
            self._tokens.clear()
        elif "namespace" in tokens[:2]:
            path = [one for one in tokens if re.fullmatch(r"\w+", one)]
            name = "::".join(one for one in path if one not in {"namespace", "inline"})
            self._scopes.append(_Scope("namespace", name or "{unnamed}"))
            self._tokens.clear()
        elif (named := _type_name(tokens)) is not None:
            yield from self._named(named, Kind.TYPE, header)
            kind = "other" if "enum" in tokens else "class"
            public = "class" not in tokens
            self._scopes.append(_Scope(kind, named, public=public, keeps=kind == "other"))
            if kind == "class":
                self._tokens.clear()
        elif "(" in tokens and "=" not in _outside(tokens):
            if _initialises_member(tokens):
                self._scopes.append(_Scope("other", keeps=True))
                return
            yield from self._function(tokens, header)
            self._scopes.append(_Scope("other"))
        else:
            self._scopes.append(_Scope("other", keeps=True))

    def _ended(self, header: str) -> Iterator[Declaration]:
        tokens = _bare(self._tokens)
        self._tokens.clear()
        if not tokens or tokens[0] in {"friend", "template", "static_assert", "extern", "public"}:
            return
        if tokens[0] == "using":
            if "=" in tokens and len(tokens) > 2:
                yield from self._named(tokens[1], Kind.TYPE, header)
            elif tokens[1:2] != ["namespace"] and re.fullmatch(r"\w+", tokens[-1]):
                yield from self._named(tokens[-1], Kind.TYPE, header)
        elif tokens[0] == "typedef":
            if re.fullmatch(r"\w+", tokens[-1]):
                yield from self._named(tokens[-1], Kind.TYPE, header)
        elif tokens[0] in _TYPES and (len(tokens) < 4 or "{}" in tokens):
            return  # declared elsewhere, or when its body began
        elif "(" in _outside(tokens) and not _before(tokens, "=", "("):
            yield from self._function(tokens, header)
        else:
            outside = _outside(tokens)
            head = outside[: outside.index("=")] if "=" in outside else outside
            words = [one for one in head if re.fullmatch(r"[A-Za-z_]\w*", one)]
            if len(words) > 1:
                yield from self._named(words[-1], Kind.CONSTANT, header)

    def _function(self, tokens: list[str], header: str) -> Iterator[Declaration]:
        at = _outside_index(tokens, "(")
        if at is None or at == 0 or "operator" in tokens[:at]:
            return
        name = tokens[at - 1]
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or name in _NOT_NAMES:
            return
        if at > 1 and tokens[at - 2] in {"::", "~"}:
            return  # a definition of what a class declares, or a destructor
        yield from self._named(name, Kind.FUNCTION, header)

    def _named(self, name: str, kind: Kind, header: str) -> Iterator[Declaration]:
        path = [one.name for one in self._scopes if one.name]
        inside = [one for one in self._scopes if one.kind == "class"]
        if not name or "{unnamed}" in path or not all(one.public for one in inside):
            return
        if inside:
            if kind is not Kind.FUNCTION or name == inside[-1].name:
                return
            kind = Kind.METHOD
        yield Declaration("::".join([*path, name]), kind, header)


def _bare(tokens: list[str]) -> list[str]:
    """A declaration without template parameters, attributes and the words before it."""
    found: list[str] = []
    at = 0
    while at < len(tokens):
        word = tokens[at]
        if word == "template" and tokens[at + 1 : at + 2] == ["<"]:
            at = _closing(tokens, at + 1, "<", ">") + 1
        elif word == "operator":
            call = tokens[at + 1 : at + 3] == ["(", ")"]
            at = next(
                (n for n in range(at + 1 + 2 * call, len(tokens)) if tokens[n] == "("), at + 1
            )
            found.append(word)
        elif word == "[[":
            at = tokens.index("]]", at) + 1 if "]]" in tokens[at:] else len(tokens)
        elif word in {"__attribute__", "alignas", "__declspec", "requires"} and tokens[
            at + 1 : at + 2
        ] == ["("]:
            at = _closing(tokens, at + 1, "(", ")") + 1
        elif word in {"__extension__", "inline", "static", "constexpr", "virtual", "explicit"}:
            found += ["inline"] if word == "inline" and "namespace" in tokens else []
            at += 1
        else:
            found.append(word)
            at += 1
    return found


def _closing(tokens: list[str], start: int, opening: str, closing: str) -> int:
    """The position of the bracket that closes the one at ``start``; the last position if none.

    Angle brackets in parentheses are taken for comparisons.
    """
    depth = inside = 0
    for at in range(start, len(tokens)):
        if opening == "<":
            inside += (tokens[at] == "(") - (tokens[at] == ")")
        if inside <= 0:
            depth += (tokens[at] == opening) - (tokens[at] == closing)
        if depth == 0:
            return at
    return len(tokens) - 1


def _outside(tokens: list[str]) -> list[str]:
    """The tokens that are in no round or square brackets and no template arguments."""
    found: list[str] = []
    depth = 0
    for at, word in enumerate(tokens):
        if word in "(<[" and len(word) == 1:
            if depth == 0:
                found.append(word)
            depth += 1
        elif word in ")>]" and len(word) == 1:
            depth = max(0, depth - 1) if not (word == ">" and tokens[at - 1] == "-") else depth
        elif depth == 0:
            found.append(word)
    return found


def _outside_index(tokens: list[str], wanted: str) -> int | None:
    """The position of a word that is in no template arguments."""
    depth = 0
    for at, word in enumerate(tokens):
        if word == wanted and depth == 0:
            return at
        depth += (word == "<") - (word == ">" and depth > 0)
    return None


def _before(tokens: list[str], first: str, second: str) -> bool:
    outside = _outside(tokens)
    return first in outside and (
        second not in outside or outside.index(first) < outside.index(second)
    )


def _initialises_member(tokens: list[str]) -> bool:
    """Whether the brace after ``tokens`` is of a constructor's list: ``A() : a{1}``."""
    first = _outside_index(tokens, "(")
    if first is None:
        return False
    after = tokens[_closing(tokens, first, "(", ")") :]
    return ":" in after and re.fullmatch(r"\w+|>", after[-1]) is not None


def _type_name(tokens: list[str]) -> str | None:
    """The name of the class or enumeration whose body begins; None for anything else."""
    if not tokens or tokens[0] not in {*_TYPES, "typedef"}:
        return None
    words = tokens[1:] if tokens[0] != "typedef" else tokens[2:]
    if tokens[0] == "typedef" and (len(tokens) < 2 or tokens[1] not in _TYPES):
        return None
    outside = _outside([one for one in words if one not in _TYPES])
    if "(" in outside:
        return None
    head = outside[: outside.index(":")] if ":" in outside else outside
    named = [one for one in head if re.fullmatch(r"[A-Za-z_]\w*", one) and one != "final"]
    return named[-1] if named and "::" not in head else ""
