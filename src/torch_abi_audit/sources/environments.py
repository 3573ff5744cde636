"""Whole environments: every package in their site-packages directories."""

from __future__ import annotations

import os

from torch_abi_audit.model.errors import TargetError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.sources.found import Inventory


def environment() -> Inventory:
    """Every package in the running interpreter's site-packages directories.

    Raises:
        TargetError: a directory cannot be listed.
    """
    from torch_abi_audit.sources.installed.environment import inventory, running_directories

    return inventory(running_directories())


def inventory(directories: Sequence[str]) -> Inventory:
    """Every package in several site-packages directories.

    Raises:
        TargetError: a directory cannot be listed.
    """
    from torch_abi_audit.sources.installed.environment import inventory as divided

    return divided(directories)


def site_packages(path: str) -> Inventory:
    """Every package in the site-packages directory ``path``.

    Raises:
        TargetError: ``path`` is not a directory, or cannot be listed.
    """
    from torch_abi_audit.sources.installed.environment import inventory

    if "\0" in path:
        raise TargetError("a path must not contain a NUL character")
    return inventory((os.path.abspath(path),))
