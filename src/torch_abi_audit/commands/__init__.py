"""The verbs of the command line, one module each: ``run(words) -> exit code`` and ``parser()``.

A module is imported when its verb is given. Without a verb, ``audit`` runs. Completion reads the
parsers of all.
"""

from __future__ import annotations

VERBS = (
    "audit",
    "compat",
    "completion",
    "config",
    "diff",
    "explain",
    "port",
    "rule",
)
"""Words that, standing first, name a command rather than a TARGET."""

OK, FAILED, ERROR, EMPTY, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 3, 130, 141
"""Exit codes: done; a gate failed; an operational error; a gate that had nothing to audit; ended
by Ctrl-C; the reader went away."""
