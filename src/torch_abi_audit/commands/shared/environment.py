"""Which environment is meant, for every verb.

That of ``--python``; else, where the program runs from an environment of its own (pipx, uv), the
activated one; else the one that the program runs in.
"""

from __future__ import annotations

import os
import sys

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Environment:
    """Where names are looked up."""

    path: Sequence[str]
    """Directories that its interpreter imports from."""
    sites: tuple[str, ...] | None
    """Its site-packages directories; None for those of the running interpreter."""
    python: str
    """Its Python, such as ``3.12``."""


def environment(python: str | None, *, quiet: bool) -> Environment:
    """The environment that is meant; a line on stderr says so where nobody named it.

    Args:
        python: What ``--python`` names.
        quiet: Leave that line out.

    Raises:
        TargetError: there is no interpreter, or it does not answer.
    """
    place = _activated(quiet=quiet) if python is None else python
    if place is None:
        return own()
    from torch_abi_audit.sources.installed.interpreters import interpreter

    other = interpreter(place)
    return Environment(other.path, other.sites, other.python)


def own() -> Environment:
    """The environment that the program runs in."""
    return Environment(sys.path, None, ".".join(map(str, sys.version_info[:2])))


def _activated(*, quiet: bool) -> str | None:
    if not (os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")):
        return None  # the common case pays for no import
    from torch_abi_audit.commands.shared.terminal import say
    from torch_abi_audit.sources.installed.interpreters import activated

    prefix = activated()
    if prefix is not None and not quiet:
        say(f"this is the activated environment {prefix} (--python chooses another)")
    return prefix
