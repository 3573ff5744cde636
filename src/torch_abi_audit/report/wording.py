"""Words that every report puts in the same way."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """A count and its noun: ``1 file``, ``2 files``, ``3 libraries``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{count} {noun}s"
