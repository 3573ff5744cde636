"""The verbs of the command line, one module each: ``run(words) -> exit code`` and ``syntax()``.

A module is imported only when its verb is given. Without a verb, ``audit`` runs. Parsers, help,
completion and docs/cli.md are built from ``syntax()`` and the table in ``shared/options.py``.
"""

from __future__ import annotations

VERBS = {
    "audit": "check compiled libraries against the stable ABIs (the default verb)",
    "compat": "list the torch releases that compiled libraries load on",
    "gpus": "list the GPUs that compiled libraries run on",
    "port": "plan the migration to the stable ABI, cheapest replacements first",
    "repair": "print the command that repairs a wheel without bundling torch",
    "explain": "explain a load error, a symbol, a label or a rule, and say what to do",
    "doctor": "say what will not load in an environment, from where, and why",
    "diff": "compare two targets or saved reports",
    "rule": "show rules, or list all of them",
    "config": "show the settings in force, and where each was set",
    "completion": "print a completion script for a shell",
}
"""Words that are verbs, not TARGETs, when they come first; with a summary of each."""

OK, FAILED, ERROR, EMPTY, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 3, 130, 141
"""Exit codes: success; a gate failed; an operational error; a gate found nothing to audit;
interrupted by Ctrl-C; the reader closed the pipe."""
