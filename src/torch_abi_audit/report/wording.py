"""Words that every report puts in the same way."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def plural(count: int, noun: str) -> str:
    """A count and its noun: ``1 file``, ``2 files``, ``3 libraries``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{count} {noun}s"


def some(names: Sequence[str], rest: str = "more") -> str:
    """The first name, and how many more there are: ``a``, ``a and 2 more``, ``a and 2 more files``.

    Args:
        names: One at least.
        rest: What the others are called.
    """
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} {rest}"
