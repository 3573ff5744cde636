"""Imports modules of this package by name, when they are first needed.

``importlib`` can do the same, but it imports ``warnings``, which takes a tenth of the time that the
interpreter takes to start.
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
        ModuleNotFoundError: there is no such module.
    """
    full = f"{_PACKAGE}.{name}"
    __import__(full)
    return sys.modules[full]
