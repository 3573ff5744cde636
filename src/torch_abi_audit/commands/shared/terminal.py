"""Prints messages to stderr, and decides whether stdout is coloured."""

from __future__ import annotations

import os
import sys

from torch_abi_audit.mangling import escape
from torch_abi_audit.report.style import COLOUR, PLAIN, Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def style(choice: str = "auto") -> Style:
    """The style of stdout, from ``--color``, ``NO_COLOR``, ``FORCE_COLOR`` and the terminal."""
    if choice != "auto":
        return COLOUR if choice == "always" else PLAIN
    if os.environ.get("NO_COLOR"):
        return PLAIN
    if os.environ.get("FORCE_COLOR"):
        return COLOUR
    return COLOUR if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" else PLAIN


def columns() -> int:
    """The width of stdout: ``COLUMNS``, or that of the terminal up to 120; else 100."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return min(os.get_terminal_size(sys.stdout.fileno()).columns, 120) or 100
    except (OSError, ValueError):
        return 100


def complain(message: str) -> None:
    """Print an error to stderr."""
    print(f"torch-abi-audit: error: {escape(message)}", file=sys.stderr)


def warn(message: str) -> None:
    """Print a warning to stderr."""
    print(f"torch-abi-audit: warning: {escape(message)}", file=sys.stderr)


def say(message: str) -> None:
    """Print a note to stderr."""
    print(f"torch-abi-audit: {escape(message)}", file=sys.stderr)


def announce_failures(lines: Sequence[str]) -> None:
    """Print the failures of a check to stderr, if there are any."""
    if lines:
        print("FAIL:", *(f"\n  {escape(line)}" for line in lines), sep="", file=sys.stderr)
