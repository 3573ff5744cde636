"""Selects the environment in which every verb looks up names.

It is the environment of ``--python``; otherwise, if pipx or uv has made an environment for the
program, the activated one or the nearest ``.venv``; otherwise the one that the program runs in.
"""

from __future__ import annotations

import os
import sys

from torch_abi_audit.model.errors import TargetError
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


def environment(python: str | None, *, quiet: bool, whole: bool = False) -> Environment:
    """The selected environment; a line on stderr names one that was chosen for the user.

    Args:
        python: The value of ``--python``.
        quiet: Do not print that line.
        whole: The environment itself is to be audited, and must be one that the user can mean.

    Raises:
        TargetError: the interpreter does not exist or does not answer, or the whole environment is
            the program's own.
    """
    place = meant(quiet=quiet) if python is None else python
    if place is None:
        if whole:
            _refuse_own()
        return own()
    from torch_abi_audit.sources.installed.interpreters import interpreter

    other = interpreter(place)
    return Environment(other.path, other.sites, other.python)


def own() -> Environment:
    """The environment that the program runs in."""
    return Environment(sys.path, None, ".".join(map(str, sys.version_info[:2])))


def meant(*, quiet: bool) -> str | None:
    """The environment that the user means where a tool runner has made the program's own.

    Args:
        quiet: Do not print a line that names it.
    """
    if sys.prefix == sys.base_prefix:
        return None  # skip the imports where there is no virtual environment
    from torch_abi_audit.sources.installed import own_environment

    prefix = own_environment.meant()
    if prefix is not None and not quiet:
        from torch_abi_audit.commands.shared.terminal import say

        activated = prefix in (os.environ.get("VIRTUAL_ENV"), os.environ.get("CONDA_PREFIX"))
        kind = "activated environment" if activated else "environment"
        say(f"using the {kind} {prefix} (select another with --python)")
    return prefix


def _refuse_own() -> None:
    """Raise an error if the program's environment holds nothing that an audit could be about."""
    from torch_abi_audit.sources.installed.environment import running_directories
    from torch_abi_audit.sources.installed.own_environment import holds_only_the_program

    if holds_only_the_program(running_directories()):
        raise TargetError(
            f"the environment {sys.prefix} holds only this program and what it requires: select "
            "the one to audit with --python PATH, or activate it"
        )
