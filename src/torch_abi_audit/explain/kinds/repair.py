"""Texts of the tools that repair wheels."""

from __future__ import annotations

from torch_abi_audit.explain.kinds.kind import REPAIR, ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        REPAIR,
        forms=(
            Form(
                "linux",
                r"Cannot repair wheel, because required\s{1,80}library\s{0,80}[\\\"'`]{0,4}"
                r"(?P<library>[^\s\"'`\\]{1,400})[\\\"'`]{0,4}\s{1,80}could not be located",
            ),
            Form(
                "macos",
                r"(?P<library>[^\s'\"]{1,400}) not found(?::\s{0,80}(?:\n[^\n]{0,120}?)?"
                r"Needed by: (?P<file>[^\n'\"]{1,400})|, requested by )",
            ),
            Form("macos", r"DelocationError: Could not find all dependencies"),
            Form(
                "windows",
                r"Unable to find library: [\\\"'`]{0,4}(?P<library>[^\s\"'`\\]{1,400}\.dll)",
            ),
            Form("windows", r"(?P<library>[^\s'\"]{1,400}\.dll) \(Error: Not Found\)"),
        ),
    ),
)
