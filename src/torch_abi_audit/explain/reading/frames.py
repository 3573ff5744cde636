"""The frames of tracebacks in a text: Python's, IPython's, pytest's, rich's, and those of C++."""

from __future__ import annotations

import re
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAME = re.compile(
    r"(?:^|[\"\s])(?P<quoted>[^\"\n]{1,600})\", line \d{1,7}"
    r"|^[ \t]*(?:File )?(?P<plain>[^\s\"(]{1,600}?\.(?:py|pyx|pyi))"
    r"(?:\(\d{1,7}\)|:\d{1,7})?(?::? in [^\n]{1,80}|, in [^\n]{1,80}|:\d{1,7}$)",
)
_START = "Traceback (most recent call last)"
_NEAR, _LINES = 600, 6
"""Characters and lines between a line of source and the error that it raises."""
_LONGEST = 1000
"""Characters of a line in which a frame is sought."""
_NATIVE = re.compile(r"frame #\d{1,3}: [^\n]{0,4000}\(0x[0-9a-f]{4,16} in [^\s)]{1,400}\)")
_OF_TORCH = re.compile(r"(?:^|/)torch/(?P<module>[\w/]{1,200})\.py$")
_BEFORE_LIBRARIES = frozenset({"__init__", "_utils_internal", "torch_version", "version"})
"""Modules of torch that run before its libraries are open."""
_MACHINERY = re.compile(r"(?:^|/)(?:ctypes/__init__|importlib/\w+|_bootstrap\w*)\.py$|^<frozen ")
_SHOWS_TORCH = (
    "torch.ops.load_library",
    "_OpNamespace",
    "(most recent call first)",
    "c10::Error",
    "Error in dlopen",
    "torch_extensions/",
)
"""Words that only a process prints that has opened torch's libraries."""


class Frame(NamedTuple):
    """A frame of a Python traceback."""

    start: int
    """Where it stands in the text."""
    file: str
    """Its source, with slashes."""


def frames(text: str, end: int) -> tuple[Frame, ...]:
    """The frames of the traceback that ends at a position, outermost first."""
    begin = max(text.rfind(_START, 0, end), 0, end - (1 << 18))
    return tuple(_frames(text, begin, end))


def _frames(text: str, begin: int, end: int) -> Iterator[Frame]:
    at = begin
    for line in text[begin:end].split("\n"):
        if ".py" in line and len(line) <= _LONGEST and (match := _FRAME.search(line)):
            file = (match["quoted"] or match["plain"]).replace("\\", "/")
            yield Frame(at, file)
        at += len(line) + 1


def innermost(found: tuple[Frame, ...]) -> str | None:
    """The source that opened the library: the innermost frame outside of Python's machinery."""
    files = (one.file for one in reversed(found))
    return next((file for file in files if _MACHINERY.search(file) is None), None)


def imports_torch(file: str | None) -> bool:
    """Whether a source is the one that opens torch's own libraries: ``torch/__init__.py``."""
    match = _OF_TORCH.search(file) if file else None
    return match is not None and match["module"] == "__init__"


def follows_import(text: str, start: int) -> bool:
    """Whether the line of torch's source that opens its libraries stands before an error."""
    before = text[max(0, start - _NEAR) : start]
    at = before.rfind("from torch._C import")
    return at >= 0 and before.count("\n", at) <= _LINES and '", line ' not in before[at:]


def shows_torch(text: str, found: tuple[Frame, ...]) -> bool:
    """Whether torch was imported before the error: its own code runs, or its libraries are open."""
    modules = (match["module"] for one in found if (match := _OF_TORCH.search(one.file)))
    return (
        any(module not in _BEFORE_LIBRARIES for module in modules)
        or any(word in text for word in _SHOWS_TORCH)
        or _NATIVE.search(text) is not None
    )
