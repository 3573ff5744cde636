"""MSVC manglings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cursor import Name


def owner(_symbol: bytes) -> Name:
    """Where the declared entity lives; empty where nothing named is declared."""
    return ()


def mentions(_symbol: bytes) -> frozenset[Name]:
    """Every qualified name in the symbol, at its outermost level."""
    return frozenset()
