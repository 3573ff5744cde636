"""The include directives of a source: which go, and where new ones are put."""

from __future__ import annotations

import re

from torch_abi_audit.runtime.records import MappingProxyType, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_HIDDEN = re.compile(
    rb"""
    //(?:[^\n\\]|\\.)* | /\*.*?(?:\*/|\Z)
  | (?P<raw>R"(?P<mark>[^\s()\\]{0,16})\(.*?(?:\)(?P=mark)"|\Z))
  | "(?:[^"\\\n]|\\.)*" | (?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)*'
    """,
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVE = re.compile(rb"^(?:\xef\xbb\xbf)?([ \t]*#[ \t]*(\w+)[ \t]*([^\r\n]*))", re.MULTILINE)
_HEADER = re.compile(r"[<\"]([^>\"]+)[>\"]")
_OPENING = frozenset({b"if", b"ifdef", b"ifndef"})
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _Directive:
    word: bytes
    rest: bytes
    start: int
    """Offset of its line."""
    depth: int
    """Number of conditions that it is within, the include guard aside."""


def headers_in(text: str) -> list[str]:
    """The headers that the include directives in a text name."""
    return [
        match[1]
        for line in text.splitlines()
        if line.lstrip().startswith("#") and (match := _HEADER.search(line))
    ]


def with_headers(
    data: bytes,
    gone: Sequence[tuple[int, int]],
    needed: Collection[str],
    instead: Mapping[int, Sequence[str]] = MappingProxyType({}),
) -> bytes:
    """A source without some lines, and with includes of the headers that it lacks.

    The new ones are sorted, and stand in place of the first line that goes, if that is under no
    condition; else before the first include, or where one would be.

    Args:
        data: The source.
        gone: Spans within the lines that go.
        needed: The headers, as between angle brackets.
        instead: Headers in the very place of a span, by its start: under the same condition. Of
            several such places the first is taken that is under none, or else all are.
    """
    lines = sorted({_line(data, *span) for span in gone})
    directives = _directives(data)
    kept = [one for one in directives if not any(start <= one.start < end for start, end in lines)]
    present = {
        header
        for one in kept
        if one.word == b"include" and not one.depth
        for header in headers_in("#include " + one.rest.decode("utf-8", "replace"))
    }
    lacking = sorted(set(needed) - present)
    if not lines and not lacking:
        return data
    newline = b"\r\n" if 2 * data.count(b"\r\n") > data.count(b"\n") else b"\n"
    text = b"".join(b"#include <" + one.encode() + b">" + newline for one in lacking)
    place = _place(data, directives, lines) if lacking else 0
    if place == len(data) and data and not data.endswith(b"\n"):
        text = newline + text
    placed = _always(directives, {_line(data, at, at)[0]: instead[at] for at in sorted(instead)})
    parts = []
    position = 0
    for start, end in [*lines, (len(data), len(data))]:
        if position <= place <= start and text:
            parts += [data[position:place], text]
            position, text = place, b""
        parts.append(data[position:start])
        parts += [b"#include <" + one.encode() + b">" + newline for one in placed.get(start, ())]
        position = end
    return b"".join(parts)


def _always(
    directives: Sequence[_Directive], places: Mapping[int, Sequence[str]]
) -> Mapping[int, Sequence[str]]:
    """The first of the lines that have headers and are under no condition, or else all of them."""
    depths = {one.start: one.depth for one in directives}
    for start, headers in places.items():
        if headers and not depths.get(start):
            return {start: headers}
    return places


def _place(data: bytes, directives: Sequence[_Directive], lines: Iterable[tuple[int, int]]) -> int:
    """The offset of the line before which new includes are put."""
    starts = {start for start, _ in lines}
    includes = [one for one in directives if one.word == b"include" and not one.depth]
    for one in includes:
        if one.start in starts:
            return one.start
    if includes:
        return includes[0].start
    for number, one in enumerate(directives):
        guard = one.word == b"define" and number == 1 and _is_guarded(directives)
        if guard or (one.word == b"pragma" and one.rest.startswith(b"once")):
            return _line(data, one.start, one.start)[1]
    return len(_BOM) if data.startswith(_BOM) else 0


def _directives(data: bytes) -> list[_Directive]:
    """The directives of a source in order, those in comments and raw texts aside."""
    plain = _HIDDEN.sub(_blanked, data)
    found = []
    depth = 0
    for match in _DIRECTIVE.finditer(plain):
        if match[2] == b"endif":
            depth -= 1
        found.append(_Directive(match[2], match[3].strip(), match.start(1), max(depth, 0)))
        if match[2] in _OPENING:
            depth += 1
    if not _is_guarded(found):
        return found
    return [_Directive(one.word, one.rest, one.start, max(one.depth - 1, 0)) for one in found]


def _blanked(match: re.Match[bytes]) -> bytes:
    """Spaces for a comment or raw text, with its newlines; other literals as they are."""
    text = match[0]
    if text[:1] in b"\"'":
        return text
    return re.sub(rb"[^\n]", b" ", text)


def _is_guarded(directives: Sequence[_Directive]) -> bool:
    """Whether the first two directives and the last one are an include guard."""
    if len(directives) < 3:
        return False
    first, second, *_, last = directives
    depth = 0
    for one in directives[:-1]:
        depth += (one.word in _OPENING) - (one.word == b"endif")
        if depth < 1:  # it has ended before the last directive
            return False
    return (
        first.word == b"ifndef"
        and second.word == b"define"
        and last.word == b"endif"
        and second.rest.split()[:1] == first.rest.split()[:1]
    )


def _line(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The span of the whole lines that a span touches, with their newline."""
    begin = data.rfind(b"\n", 0, start) + 1
    stop = data.find(b"\n", max(start, end - 1))
    if not begin and data.startswith(_BOM):
        begin = len(_BOM)
    return begin, len(data) if stop < 0 else stop + 1
