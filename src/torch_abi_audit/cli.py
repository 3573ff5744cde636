"""The entry point: runs a verb, and exits quietly on Ctrl-C or a closed pipe."""

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
"""Allocations between two garbage collections: the tables are large and contain no cycles."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: The arguments after the program name; by default, those of the process.
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
        _abandon_stdout()  # the reader has closed the pipe
        return BROKEN_PIPE
    except OSError as error:
        why = _refusal(error)
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
    """Run the command line of the process and exit with its code.

    The process exits without freeing its objects, which would take up to a seventh of the run.
    """
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:  # output that cannot be flushed after an interruption does not change the exit code
        os._exit(code)


def _open_closed_streams() -> None:
    """Redirect streams that the caller closed (``>&-``) to nowhere: the exit code still matters."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _abandon_stdout() -> None:
    """Redirect stdout to nowhere, so that the interpreter's final flush does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refusal(error: OSError) -> str | None:
    """The message for an error that ends the program; None for one that is a bug."""
    try:
        os.getcwd()  # importing pathlib costs more than the run
    except OSError:
        return "the current directory no longer exists"
    if error.filename is None:
        return f"cannot write to standard output: {error.strerror or error}"
    return None
