"""Whether the process of an error is not Python: a program, a plug-in, or another language."""

from __future__ import annotations

import re

_OF_PYTHON = re.compile(
    r"Traceback|(?:Import|OS|ModuleNotFound|Runtime)Error\b|\.pyd?\b|-packages/|^>>> |\bimport \w"
    r"|\bpip3? install|cpython-|\bPython\b",
    re.MULTILINE,
)
"""Words that a text about Python has."""
_OF_ITS_FILES = re.compile(r"(?:^|/)[Pp]ython[\w.-]*(?:/|$)|-packages/")
_PROGRAM = re.compile(
    r"^(?P<name>[^\n:]{0,400}): error while loading shared libraries: ", re.MULTILINE
)
_SIGNS = re.compile(
    r"^dyld(?:\[\d{1,8}\])?: (?:Library not loaded|Symbol not found|[Mm]issing symbol)"
    r"|java\.lang\.UnsatisfiedLinkError"
    r"|Error in dyn\.load\(|unable to load shared object '"  # R
    r"|could not load library \""  # Julia
    r"|(?:execution cannot proceed because|program can't start because)"
    r"|application was unable to start correctly"
    r"|\.(?:app/Contents|framework/|vst3?|component/|scx|clap|mexa64|mexmaci64|mexw64|node)\b"
    r"|thread '[^'\n]{1,80}' panicked|cargo run",
    re.MULTILINE,
)
"""Words of programs, of plug-ins and of other languages."""
_BINARY = re.compile(r"(?:^|/)(?:bin|build|Debug|Release|MacOS)/[^/.\s]+$")


def is_native(text: str, message: str, file: str | None) -> bool:
    """Whether a process that is not Python failed: it cannot ``import torch``.

    Args:
        text: All of the text.
        message: The error itself.
        file: The file that fails, if it is known.
    """
    if program := _PROGRAM.search(message):
        return "python" not in program["name"].rpartition("/")[2]
    if file is not None and _OF_ITS_FILES.search(file):
        return False
    if _OF_PYTHON.search(text):
        return False
    return _SIGNS.search(text) is not None or bool(file and _BINARY.search(file))
