"""Texts about a library that was not found."""

from __future__ import annotations

from torch_abi_audit.explain.kinds import loader_words
from torch_abi_audit.explain.kinds.kind import DEPENDENCY, LIBRARY, ErrorKind, Form, Rank

_OTHER_REASONS = (
    "Permission|Exec format|Too many|Cannot|Input/output|Stale|Transport|Operation|Invalid|Not a"
)
"""How other reasons why a file cannot be opened begin."""

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        LIBRARY,
        forms=(
            Form(
                "linux",
                r"(?<![^\s'\"])(?P<file>[^\s:'\"]{1,400}): error while loading shared libraries: "
                r"(?P<library>[^\s:'\"]{1,400}): cannot open shared object file"
                r"(?:: No such file(?: or directory)?)?",
            ),
            Form(
                "linux",
                r"(?P<library>[^\s:'\"]{1,400}): cannot open shared object file"
                rf"(?:: No such file(?: or directory)?|(?!: ?(?:{_OTHER_REASONS})))",
            ),
            Form(
                "linux",
                rf"(?P<library>[^\s:'\"]{{1,400}}): {loader_words.any_of(loader_words.LIBRARY)}",
            ),
            Form(
                "windows",
                r"(?:execution cannot proceed because|program can't start because) "
                r"(?P<library>[\w.+-]{1,200}\.(?:dll|DLL)) (?:was not found|is missing)",
            ),
            Form(None, r"could not load library \"(?P<library>[^\"\n]{1,400})\""),
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
