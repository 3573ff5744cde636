"""The verbs of the command line, one module each: ``run(words) -> exit code`` and ``syntax()``.

A module is imported when its verb is given. Without a verb, ``audit`` runs. Parsers, help,
completion and docs/cli.md are made of what ``syntax`` names of ``shared/options.py``.
"""

from __future__ import annotations

VERBS = {
    "audit": "which stable ABIs the libraries keep to; what runs without a verb",
    "compat": "which torch releases they load on",
    "port": "what to replace on the way to the stable ABI, cheapest first",
    "explain": "what a load error, a symbol, a label or a rule means, and what to do",
    "diff": "what changed between two targets or saved reports",
    "rule": "the rules, or one of them",
    "config": "the settings in force, and where each was set",
    "completion": "a completion script for the shell",
}
"""Words that, standing first, name a command rather than a TARGET, and what each answers."""

OK, FAILED, ERROR, EMPTY, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 3, 130, 141
"""Exit codes: done; a gate failed; an operational error; a gate that had nothing to audit; ended
by Ctrl-C; the reader went away."""
