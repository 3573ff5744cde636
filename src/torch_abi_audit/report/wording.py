"""Phrases that all reports share."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.model.outcome import Entry


NOUNS = ("library", "DLL", "directory", "file", "symbol")
"""What ``some`` may call the names that it counts."""


def plural(count: int, noun: str) -> str:
    """A count and its noun: ``1 file``, ``2 files``, ``3 libraries``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{count} {noun}s"


def outside_symbols(unstable: int, internal: int) -> str:
    """The number of symbols outside the LibTorch Stable ABI: ``4 unstable symbols``.

    Internal ones are counted separately, as in a row: ``164 unstable and 2 internal symbols``.
    """
    if unstable and internal:
        return f"{unstable} unstable and {plural(internal, 'internal symbol')}"
    return plural(internal, "internal symbol") if internal else plural(unstable, "unstable symbol")


def of_baseline(entries: Sequence[Entry]) -> str:
    """The number of findings and symbols in baseline entries: ``2 findings (3 symbols)``."""
    findings = plural(len(entries), "finding")
    symbols = sum(len(one.symbols) for one in entries)
    return f"{findings} ({plural(symbols, 'symbol')})" if symbols else findings


def some(names: Sequence[str], noun: str = "") -> str:
    """The first name, and how many more there are: ``a``, ``a and 2 more``, ``a and 1 more file``.

    Args:
        names: One name or more.
        noun: What one of the others is called; nothing is said if empty.
    """
    if len(names) == 1:
        return names[0]
    others = len(names) - 1
    return f"{names[0]} and {plural(others, f'more {noun}') if noun else f'{others} more'}"


def several(names: Sequence[str], noun: str = "", *, most: int | None = 3) -> str:
    """The first names, and how many more there are: ``a and b``, ``a, b, c and 2 more files``.

    Args:
        names: One name or more.
        noun: What one of the others is called; nothing is said if empty.
        most: Maximum number of names; all are given if None.
    """
    shown = list(names[:most])
    others = len(names) - len(shown)
    if others:
        shown.append(plural(others, f"more {noun}") if noun else f"{others} more")
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)
