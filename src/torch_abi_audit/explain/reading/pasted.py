"""Reads a text as it was pasted: log prefixes, colours, boxes, quotes and wrapped lines undone.

People paste from terminals, logs, mails, issues and addresses. ``read`` gives the error messages
back as the program printed them, each in one line. It takes time in proportion to the text.
"""

from __future__ import annotations

import re

from torch_abi_audit.explain.reading.log_prefixes import without_prefix
from torch_abi_audit.explain.reading.wrapped import joined, unboxed
from torch_abi_audit.runtime.records import dataclass

_LONG = 1 << 18
"""Characters from which on a line is kept only in its first and its last place: logs repeat."""
_CONTROL = re.compile(
    r"\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)?"  # OSC: titles and links of terminals
    r"|[\x1b\x9b][\[(][0-?]{0,60}[ -/]{0,4}[@-~]"  # CSI: colours and the cursor
    r"|\x1b[@-Z\\-_]"
    r"|(?:\\x1[bB]|\\u001[bB]|\\033|\\e|\^\[|\u241b)\[[0-9;?]{0,60}[A-Za-z]"  # the same, escaped
    r"|\[[0-9;]{1,11}m"  # a colour whose escape character was lost
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]"
)
_SPACES = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_QUOTES = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u201b": "'", "\u00b4": "'"}
)
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){1,400}")
_URL = re.compile(r"%(?:20|3A|3a|2F|2f|0A|0a)")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#[xX][0-9a-fA-F]{1,5});")
_TAG = re.compile(r"</?(?:pre|code|p|span|div|b|strong|em|i|a|font|tt|samp)(?: [^<>]{0,300})?>")
_BREAK = re.compile(r"<br ?/?>")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'", "nbsp": " "}
_DRIVE = re.compile(r"\b[A-Za-z]:\\(?!\\)")
_NEWLINE = re.compile(r"(?<!\\)\\{1,2}n")
_NEWLINE_BY_A_PATH = re.compile(r"(?<!\\)\\n(?=\s|$|['\"\\]|[A-Z])")
_ESCAPED = re.compile(r"\\([\\'\"tr/])")


@dataclass(frozen=True, slots=True)
class Pasted:
    """A text as it was pasted and as it was meant."""

    raw: str
    text: str
    """The text in lines as the programs printed them."""


def read(raw: str) -> Pasted:
    """Undo what terminals, logs, mails and pages did to a text."""
    lines = _decoded(raw).split("\n")
    if len(raw) > _LONG:
        lines = _once(lines)
    plain = [without_prefix(line) for line in lines]
    return Pasted(raw, joined(unboxed(plain)))


def _decoded(raw: str) -> str:
    """The text with plain line ends, quotes and spaces, and without escapes of any kind."""
    text = _CONTROL.sub("", raw.replace("\r\n", "\n").replace("\r", "\n"))
    text = _SPACES.sub(" ", text).translate(_QUOTES)
    if "&" in text and _ENTITY.search(text):
        text = _ENTITY.sub(_character, text)
    if "</" in text or "<br" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    if "%" in text or "\\" in text:
        text = "\n".join(map(_unescaped, text.split("\n")))
    return text


def _character(entity: re.Match[str]) -> str:
    name = entity[0][1:-1]
    if name in _ENTITIES:
        return _ENTITIES[name]
    number = int(f"0{name[1:]}", 0) if name[1] in "xX" else int(name[1:])
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"


def _unescaped(line: str) -> str:
    """One line without URL-encoding, and with the escapes of a string's ``repr`` undone."""
    if "%" in line and _URL.search(line):
        line = _PERCENT.sub(_of_bytes, line.replace("+", " ") if " " not in line else line)
    if "\\n" in line:
        newline = _NEWLINE_BY_A_PATH if _DRIVE.search(line) else _NEWLINE
        if newline.search(line):
            line = _ESCAPED.sub(_plain, newline.sub("\n", line))
    if line.count('\\"') > 1:
        line = line.replace('\\"', '"').replace("\\\\", "\\")
    return line


def _of_bytes(codes: re.Match[str]) -> str:
    return bytes.fromhex(codes[0].replace("%", "")).decode("utf-8", "replace").replace("\r", "")


def _plain(escape: re.Match[str]) -> str:
    return {"t": "\t", "r": ""}.get(escape[1], escape[1])


def _once(lines: list[str]) -> list[str]:
    """The lines without the repetitions of each between its first and its last place."""
    last = {line: at for at, line in enumerate(lines)}
    seen: set[str] = set()
    kept = []
    for at, line in enumerate(lines):
        if line not in seen or (line and last[line] == at):
            kept.append(line)
            seen.add(line)
    return kept
