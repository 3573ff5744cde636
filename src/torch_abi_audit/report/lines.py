"""Wraps the lines of a text report to the width of a terminal. Names and paths are never cut."""

from __future__ import annotations

from textwrap import wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def filled(text: str, width: int, indent: int, hanging: int | None = None) -> Iterator[str]:
    """Yield the lines of one text.

    Args:
        text: Without line ends.
        width: The width of the terminal, in characters.
        indent: Spaces before the first line.
        hanging: Spaces before the others; two more than ``indent`` if None.
    """
    yield from wrap(
        text,
        max(width, 40),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2 if hanging is None else hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )


def fitting(names: Sequence[str], room: int, *, least: int = 0) -> str:
    """As many names as fit in ``room`` characters, and how many more there are.

    Args:
        names: The names; where not even ``least`` fit, that many are given all the same.
        room: The width, in characters.
        least: With 0, the text is empty if the first name does not fit.
    """
    for count in range(len(names), least, -1):
        text = _with_rest(names, count)
        if len(text) <= room:
            return text
    return _with_rest(names, least) if names and least else ""


def _with_rest(names: Sequence[str], count: int) -> str:
    left = len(names) - count
    return ", ".join(names[:count]) + (f" and {left} more" if left else "")
