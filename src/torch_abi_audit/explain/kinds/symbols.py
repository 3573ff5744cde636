"""Texts about a symbol that is undefined, or whose version is missing."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import SYMBOL, ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        SYMBOL,
        forms=(
            Form(
                "windows",
                r"procedure entry point (?P<symbol>\S{1,4000}) could not be located in "
                r"the dynamic link library "
                r"(?P<library>[^\n]{1,400}?)\.?\s*$",
            ),
            Form(
                "macos",
                r"Symbols? not found:\s*(?P<symbol>\S{1,4000})"
                r"(?:.{0,600}?Referenced from:\s*(?:<[^>]*>\s*)?"
                r"(?P<file>[^\n]{1,400}?))?"
                r"(?:\s+Expected in:\s*(?:<[^>]*>\s*)?"
                r"(?P<library>[^\n]{1,400}?))?\s*(?:$|\n|'|\))",
            ),
            Form(
                "macos",
                r"(?:dlopen\((?P<file>[^,\n]{1,400}),.{0,600}?)?"
                r"symbol not found in flat namespace '?\(?'?(?P<symbol>[^\s')]{1,4000})",
            ),
            Form(
                "linux",
                r"(?:(?P<file>[^\s:'\"]{1,400}): )?undefined symbol: ?"
                r"(?P<symbol>[\w?@$.]{1,4000})"
                r"(?:,? version (?P<version>[\w.]{1,400}))?",
            ),
            Form(
                "linux",
                r"Error relocating (?P<file>[^\s:]{1,400}): "
                r"(?P<symbol>[\w?@$.]{1,4000}): symbol not found",
            ),
            Form(None, r"undefined reference to [`'\u2018\"]?(?P<symbol>[^'\u2019\"\n]{1,400})"),
            Form(None, r"unresolved external symbol (?:\"[^\"]*\" )?\(?(?P<symbol>[?\w@$]+)"),
        ),
    ),
    ErrorKind(
        "version",
        forms=(
            Form(
                "linux",
                r"version [`'\u2018\"]?(?P<version>(?:GLIBC|GLIBCXX|CXXABI|GCC)_[\w.]{1,400})"
                r"['\u2019\"]? not found"
                r"(?: \(required by (?P<file>[^)\n]{1,400})\))?",
            ),
        ),
        subject=("{version}", "a version"),
        is_a=("the package needs {subject} from the system's libraries",),
        causes=(Cause.OLD_SYSTEM,),
        why=("the package was built on a newer system than this one",),
        advice=(
            "install a build with an older manylinux tag, or run on a newer system",
            "or rebuild the package in a manylinux container",
        ),
    ),
)
