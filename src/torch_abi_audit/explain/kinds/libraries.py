"""Texts about a library that was not found."""

from __future__ import annotations

from torch_abi_audit.explain.kinds.kind import DEPENDENCY, LIBRARY, ErrorKind, Form, Rank

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        LIBRARY,
        forms=(
            Form(
                "linux",
                r"(?P<library>[^\s:'\"]{1,400}): cannot open shared object file: "
                r"No such file(?: or directory)?",
            ),
            Form(
                "linux",
                r"Error loading shared library (?P<library>[^\s:]{1,400}): "
                r"No such file[^\n(]{0,40}(?:\(needed by (?P<file>[^\s)]{1,400})\))?",
            ),
            Form(
                "macos",
                r"(?:Library not loaded|image not found):\s*"
                r"(?P<library>[^\n]{1,400}?)\s*(?:\n|$)"
                r"(?:\s*Referenced from:\s*(?:<[^>]{0,80}>\s*)?(?P<file>[^\n]{1,400}))?",
            ),
        ),
        source="glibc elf/dl-load.c; musl ldso/dynlink.c; dyld",
    ),
    ErrorKind(
        DEPENDENCY,
        forms=(
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
        rank=Rank.CONSEQUENCE,
        source="torch/__init__.py; CPython Lib/ctypes/__init__.py and Modules/_ctypes/callproc.c",
    ),
)
