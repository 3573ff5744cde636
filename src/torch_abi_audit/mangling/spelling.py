"""Readable C++ and Rust names: demangled like ``nm -C`` does, and safe for a terminal.

The demangler is LLVM's, through ``pycxxfilt``; if that is not installed, or rejects a name, the
mangled name is shown. Some differences from GNU's text remain: the function of a local entity keeps
its return type, and a function in a template argument its parameters; expressions have fewer
brackets; generic lambdas are spelled as LLVM does.
"""

from __future__ import annotations

import re
from functools import cache

from torch_abi_audit.mangling import msvc
from torch_abi_audit.mangling.escaping import escape
from torch_abi_audit.mangling.itanium import names as itanium

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SHORT = 512
"""Bytes of a name up to which no nesting overflows the demangler's stack."""
_LONGEST = 1 << 14
_LONGEST_TEXT = 1 << 20
_FEW = 20
"""Repetitions that expand the text at most 1,600 times: three of three, of three, and so on."""
_THREAD_LOCAL = {
    "thread-local initialization routine for ": "TLS init function for ",
    "thread-local wrapper routine for ": "TLS wrapper function for ",
}


def demangle(names: Iterable[bytes]) -> list[str]:
    """The demangled text of each name, in order, escaped; other names are only escaped."""
    read = _demangler()
    return [escape(_text(name, read) if name[:1] in b"_?" else name) for name in names]


@cache
def _demangler() -> Callable[[str], str | None]:
    try:
        import pycxxfilt  # a compiled module, which few runs need
    except ImportError:
        return lambda _: None
    return pycxxfilt.demangle


def _text(name: bytes, read: Callable[[str], str | None]) -> bytes | str:
    if not _is_tame(name):
        return name
    try:
        text = read(name.decode())
    except ValueError:  # not UTF-8, or not a mangled name
        return name
    if text is None:
        return name
    return text if name[:1] == b"?" else _gnu(text)


def _is_tame(name: bytes) -> bool:
    """Whether it is safe to pass a name to the demangler.

    The demangler has no limits of its own: 100 bytes can expand to gigabytes, because repetitions
    may contain repetitions, and deep nesting overflows its stack.
    """
    if name[:1] == b"?":
        if len(name) <= _SHORT and name.count(b"6") + name.count(b"8") < 2:
            return True  # only function types (P6, P8, A6) repeat parameters
        size = msvc.text_size(name) if len(name) <= _LONGEST else None
    else:
        if len(name) <= _SHORT and name.count(b"_") <= _FEW and b"J" not in name:
            return True  # S_, S1_, T_ and Rust's B1_ repeat text; J is a pack, which expands
        size = itanium.text_size(name) if len(name) <= _LONGEST and name[:2] == b"_Z" else None
    return size is not None and size <= _LONGEST_TEXT


def _gnu(text: str) -> str:
    """LLVM's text of an Itanium name, changed to what ``nm -C`` prints."""
    if ">>" in text:
        text = re.sub(r"(?<!operator)>(?=>)", "> ", text)
    if "operator<<" in text:  # operator<< <int>, operator< <int>
        text = re.sub(r"operator(?:<<(?=<)|<(?=<[^(<>,)]))", r"\g<0> ", text)
    if "'" in text:
        text = _with_lambdas(text)
    if text.startswith("thread-local "):
        for ours, theirs in _THREAD_LOCAL.items():
            text = text.replace(ours, theirs, 1)
    if text.endswith(")") and (match := re.search(r" \(((?:\.\w+)+)\)$", text)):
        clones = re.findall(r"\.[a-zA-Z_]+(?:\.\d+)*", match[1])
        text = text[: match.start()] + "".join(f" [clone {clone}]" for clone in clones)
    return text


def _with_lambdas(text: str) -> str:
    """``'lambda0'(int)`` as ``{lambda(int)#2}``, ``'unnamed'`` as ``{unnamed type#1}``."""
    pieces: list[str] = []
    endings: list[str] = []
    start = 0
    for match in re.finditer(r"'(lambda|unnamed)(\d*)'(\()?|[()]", text):
        pieces.append(text[start : match.start()])
        start = match.end()
        kind, number, bracket = match.groups()
        ending = f"#{int(number or -1) + 2}}}"
        if kind == "lambda" and bracket:
            pieces.append("{lambda(")
            endings.append(")" + ending)
        elif kind == "unnamed":
            pieces.append("{unnamed type" + ending + (bracket or ""))
            if bracket:
                endings.append(")")
        elif match[0] == "(":
            pieces.append("(")
            endings.append(")")
        else:
            pieces.append(endings.pop() if match[0] == ")" and endings else match[0])
    return "".join(pieces) + text[start:]
