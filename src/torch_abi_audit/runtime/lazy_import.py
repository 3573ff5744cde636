"""Modules of this package that are imported when they are first asked for, by their names.

``importlib`` offers the same, and imports ``warnings`` for it, which takes a tenth of what the
interpreter's own start takes.
"""

from __future__ import annotations

import sys

_PACKAGE = "torch_abi_audit"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def module(name: str) -> ModuleType:
    """The module ``torch_abi_audit.<name>``.

    Raises:
        ModuleNotFoundError: there is none.
    """
    full = f"{_PACKAGE}.{name}"
    __import__(full)
    return sys.modules[full]
