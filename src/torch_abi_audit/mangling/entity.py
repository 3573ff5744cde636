"""The entity that a demangled name declares: its qualified name without types and arguments."""

from __future__ import annotations

import re

_TABLES = re.compile(
    r"(?:vtable|VTT|typeinfo(?: name)?|guard variable|TLS (?:init|wrapper) function"
    r"|construction vtable|(?:non-)?virtual thunk|covariant return thunk"
    r"|reference temporary(?: #\d+)?) (?:for|to) "
)
_OPERATOR = re.compile(
    r"operator(?:\(\)|\[\]|->\*?|<=>|<<=?|>>=?|<=?|>=?|\"\" ?\w+|[^\w\s<>()\[\]]+"
    r"| ?(?:new|delete)(?:\[\])?(?=[(<])| [^(]{1,200}(?=\())"
)
_MSVC_WORDS = re.compile(
    r"^(?:(?:\[thunk\]: )?(?:public|protected|private): )?(?:(?:static|virtual) )*"
)
_CALLING = re.compile(r"\b__(?:cdecl|thiscall|stdcall|vectorcall|fastcall|clrcall)\b ")
_MSVC_TABLES = re.compile(r"::`(?:vftable|vbtable|RTTI [\w ]+)'(?:\{.*\})?$|(?: |::)?`RTTI .*'$")
_LONGEST = 1 << 16
"""Most characters that are parsed: no compiler writes longer names."""
_OPEN, _CLOSE = "<({[", ">)}]"


def entity(text: str) -> str:
    """The qualified name in a declaration: ``at::Tensor::add`` for ``… add(int) const``.

    Template arguments, parameters, return types, ABI tags and access specifiers are left out; a
    vtable or type information gives the name of its class. The text is in the form that ``c++filt``
    or MSVC's ``undname`` prints; any other text is returned unchanged.
    """
    if len(text) > _LONGEST:
        return text
    text = _TABLES.sub("", text)
    if "`" in text:
        text = _MSVC_TABLES.sub("", text).removeprefix("const ")
    text = _MSVC_WORDS.sub("", text)
    if calling := _CALLING.search(text):
        text = text[calling.end() :]
    return _declared(text)


def _declared(text: str) -> str:
    """Everything outside of brackets after the last space, up to the parameters."""
    pieces: list[str] = []
    depth = pos = 0
    while pos < len(text):
        char = text[pos]
        if depth == 0 and (match := _OPERATOR.match(text, pos)) and _starts_word(text, pos):
            pieces.append(match[0])
            pos = match.end()
            continue
        if char == "(" and depth == 0:
            if text.startswith("(anonymous namespace)", pos):
                pieces.append("(anonymous namespace)")
                pos += 21
                continue
            if pieces and pieces[-1] != " ":
                break
        if char == "[" and text.startswith("[abi:", pos):
            pos = text.find("]", pos) + 1 or len(text)
            continue
        if char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
        elif depth == 0:
            if char == " ":
                pieces.clear()
            elif char not in "*&":
                pieces.append(char)
        pos += 1
    return "".join(pieces) or text


def _starts_word(text: str, pos: int) -> bool:
    return pos == 0 or text[pos - 1] in ": "
