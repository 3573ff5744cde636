"""From the words of a command line to packages; nothing that is named is imported or executed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.sources.found import Found, Inventory


def resolve(target: str, *, search_path: Sequence[str] | None = None) -> Found:
    """The package that ``target`` names: an import or distribution name, a directory, a file.

    A bare word is an import name first, then a path, then a distribution name.

    Args:
        target: As typed.
        search_path: Directories that import and distribution names are looked up in;
            ``sys.path`` where not given.

    Raises:
        TargetError: it names nothing that can be audited.
    """
    raise NotImplementedError


def environment() -> Inventory:
    """Every package of the running interpreter's site-packages directories."""
    raise NotImplementedError


def site_packages(path: str) -> Inventory:
    """Every package below the site-packages directory ``path``.

    Raises:
        TargetError: it is not a directory that can be listed.
    """
    raise NotImplementedError
