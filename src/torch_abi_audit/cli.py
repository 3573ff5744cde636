"""The command line's entry: finds the verb, and ends quietly when interrupted or no longer read."""

from __future__ import annotations

import gc
import os
import sys

from torch_abi_audit.commands import BROKEN_PIPE, ERROR, INTERRUPTED, VERBS
from torch_abi_audit.runtime.lazy_import import module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


_GARBAGE = 100_000
"""Values made between two looks for cycles: the tables are large, and hardly any cycle is made."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: The words after the program's name; those of the process where not given.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(_GARBAGE)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    verb = words.pop(0) if words and words[0] in VERBS else "audit"
    try:
        code: int = module(f"commands.{verb}").run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _abandon_stdout()  # whoever read us has gone
        return BROKEN_PIPE
    except OSError as error:
        why = _why_not(error)
        if why is None:
            raise
        _abandon_stdout()
        from contextlib import suppress

        from torch_abi_audit.commands.shared.terminal import complain

        with suppress(OSError):  # stderr may be on the same full disk
            complain(why)
        return ERROR
    return code


def program() -> NoReturn:
    """Run the process's command line and end the process with its exit code.

    What was made is left to the system: to take it apart first would be up to a seventh of the run.
    """
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:  # what cannot be written now, after an interruption, changes no exit code
        os._exit(code)


def _open_closed_streams() -> None:
    """Give what the caller closed (``>&-``) something to write to: the exit code still counts."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _abandon_stdout() -> None:
    """Give the interpreter something to flush into when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _why_not(error: OSError) -> str | None:
    """What the system refused to the whole program; None for what should have been caught."""
    try:
        os.getcwd()  # importing pathlib costs more than the run
    except OSError:
        return "the current directory is gone"
    if error.filename is None:
        return f"cannot write to standard output: {error.strerror or error}"
    return None
