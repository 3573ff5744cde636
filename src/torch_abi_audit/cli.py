"""The command line's entry: finds the verb, and ends quietly when interrupted or no longer read."""

from __future__ import annotations

import gc
import os
import sys

from torch_abi_audit.commands import BROKEN_PIPE, INTERRUPTED, VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


_GARBAGE = 100_000
"""Values made between two looks for cycles: the tables are large, and hardly any cycle is made."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: The words after the program's name; those of the process where not given.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(_GARBAGE)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    verb = words.pop(0) if words and words[0] in VERBS else "audit"
    try:
        code = _run(verb, words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read us has gone: give the interpreter something to flush into
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _run(verb: str, words: list[str]) -> int:
    from importlib import import_module

    code: int = import_module(f"torch_abi_audit.commands.{verb}").run(words)
    return code
