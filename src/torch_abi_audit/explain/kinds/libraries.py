"""Texts about a library that was not found."""

from __future__ import annotations

from torch_abi_audit.explain.kinds.kind import LIBRARY, ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        LIBRARY,
        forms=(
            Form(
                "linux",
                r"(?P<library>[^\s:'\"]{1,400}): cannot open shared object file: No such file",
            ),
            Form(
                "linux",
                r"Error loading shared library (?P<library>[^\s:]{1,400}): "
                r"No such file[^\n]{0,400}"
                r"(?:needed by (?P<file>[^\s)]{1,400}))?",
            ),
            Form(
                "macos",
                r"(?:Library not loaded|image not found):\s*"
                r"(?P<library>[^\n]{1,400}?)\s*(?:\n|$)"
                r"(?:\s*Referenced from:\s*(?:<[^>]*>\s*)?(?P<file>[^\n]{1,400}))?",
            ),
            Form(
                "windows",
                r"Error loading \"?(?P<library>[^\"\n]{1,400}?\.dll)\"? or one of its dependencies",
            ),
            Form(
                "windows",
                r"Could not find module '?(?P<library>[^'\n]{1,400}?)'? "
                r"\(or one of its dependencies\)",
            ),
        ),
    ),
)
