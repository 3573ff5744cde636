"""Selects the environment in which every verb looks up names.

It is the environment of ``--python``; otherwise, if the program runs from an environment of its own
(pipx, uv), the activated one; otherwise the one that the program runs in.
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
    """The environment in which names are looked up."""

    path: Sequence[str]
    """Its ``sys.path``."""
    sites: tuple[str, ...] | None
    """Its site-packages directories; None for those of the running interpreter."""
    python: str
    """The version of its Python, such as ``3.12``."""


def environment(python: str | None, *, quiet: bool) -> Environment:
    """The selected environment; a line on stderr names an activated one that was chosen.

    Args:
        python: The value of ``--python``.
        quiet: Do not print that line.

    Raises:
        TargetError: the interpreter does not exist or does not answer.
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
        return None  # skip the imports in the common case
    from torch_abi_audit.commands.shared.terminal import say
    from torch_abi_audit.sources.installed.interpreters import activated

    prefix = activated()
    if prefix is not None and not quiet:
        say(f"using the activated environment {prefix} (select another with --python)")
    return prefix
