"""Writes the header of ``port --wrappers``: helpers that call operators through the dispatcher."""

from __future__ import annotations

import re
from pathlib import Path

from torch_abi_audit.commands.shared.output import to_file
from torch_abi_audit.commands.shared.terminal import complain, say
from torch_abi_audit.port.wrapper_text import MARKER, NAMESPACE
from torch_abi_audit.port.wrappers import header, needed
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.port.migration import Plan


def write_wrappers(path: str, plans: Sequence[Plan], target: str, *, quiet: bool) -> bool:
    """Write the helpers that plans need to a file, and tell on stderr what was done.

    A file that this program did not write is left as it is. Reports an error and returns False if
    the header cannot be written.

    Args:
        path: The header.
        plans: The plans that say which operators are needed.
        target: The oldest torch release to support, such as ``2.10.0``.
        quiet: Whether to report errors alone.
    """
    wanted = needed(plans)
    name = Path(path)
    made = header(wanted, target, _guard(name.name), _namespace(name.stem))
    if not made.operators:
        if not quiet:
            none = "no operator of the plan can have a helper"
            idle = "the plan calls no operator through the dispatcher"
            say(f"{path} was not written: {none if wanted else idle}")
            for operator, reason in made.left_out:
                say(f"no helper for {operator}: {reason}")
        return True
    if not _replaceable(path):
        return False
    if not to_file(path, made.text.rstrip("\n")):
        return False
    if not quiet:
        left = (
            f"; its first comment says why {_without(len(made.left_out))}" if made.left_out else ""
        )
        say(f"{path}: {plural(len(made.operators), 'helper')}{left}")
    return True


def _replaceable(path: str) -> bool:
    """Whether a file may be written: there is none, or this program wrote it."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            if file.read(len(MARKER)) == MARKER:
                return True
    except FileNotFoundError:
        return True
    except OSError as error:
        complain(f"cannot read {path}: {error.strerror or error}")
        return False
    complain(f"{path} was not written by port --wrappers: remove it, or name another file")
    return False


def _without(count: int) -> str:
    return "1 operator has none" if count == 1 else f"{count} operators have none"


def _guard(name: str) -> str:
    """The name of the macro that guards a header."""
    return "WRAPPERS_" + re.sub(r"\W", "_", name, flags=re.ASCII).upper()


def _namespace(stem: str) -> str:
    """The namespace of a header's helpers: two headers in one program must not share one."""
    return f"{NAMESPACE}_{re.sub('[^A-Za-z0-9]+', '_', stem).strip('_')}".rstrip("_")
