"""The formats of every report: the name that ``--format`` takes, and the module that renders it.

The parsers, their help, shell completion, ``docs/cli.md`` and the renderers all use this table.
Each module has ``render(subject, detail) -> str``, which returns text without a final newline.
"""

from __future__ import annotations

FORMATS = {
    "audit": {
        "text": "report.audit.text",
        "json": "report.audit.json",
        "sarif": "report.audit.sarif",
        "junit": "report.audit.junit",
        "github": "report.audit.github",
        "markdown": "report.audit.markdown",
        "gitlab": "report.audit.gitlab",
    },
    "compat": {
        "text": "report.loads.text",
        "json": "report.loads.json",
        "markdown": "report.loads.markdown",
    },
    "gpus": {
        "text": "report.gpus.text",
        "json": "report.gpus.json",
        "markdown": "report.gpus.markdown",
    },
    "port": {
        "text": "report.port.text",
        "json": "report.port.json",
        "markdown": "report.port.markdown",
    },
    "repair": {
        "text": "report.repair.text",
        "json": "report.repair.json",
        "markdown": "report.repair.markdown",
        "cibuildwheel": "report.repair.cibuildwheel",
    },
    "explain": {
        "text": "report.explain.text",
        "json": "report.explain.json",
        "markdown": "report.explain.markdown",
    },
    "doctor": {
        "text": "report.doctor.text",
        "json": "report.doctor.json",
        "markdown": "report.doctor.markdown",
    },
    "diff": {
        "text": "report.diff.text",
        "json": "report.diff.json",
        "markdown": "report.diff.markdown",
    },
    "rule": {
        "text": "report.rules.text",
        "json": "report.rules.json",
        "markdown": "report.rules.markdown",
    },
    "config": {
        "text": "report.config.text",
        "json": "report.config.json",
    },
}
"""The module of each format of each verb; the first format of a verb is its default."""
