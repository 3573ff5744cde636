"""Where text goes: results to stdout, complaints to stderr, colours where they are welcome."""

from __future__ import annotations

import os
import sys

from torch_abi_audit.report.text import COLOUR, PLAIN, Style, escape


def style() -> Style:
    """Colours for stdout: ``NO_COLOR``, then ``FORCE_COLOR``, then whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return PLAIN
    if os.environ.get("FORCE_COLOR"):
        return COLOUR
    return COLOUR if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" else PLAIN


def complain(message: str) -> None:
    """Say on stderr what went wrong."""
    print(f"torch-abi-audit: error: {escape(message)}", file=sys.stderr)
