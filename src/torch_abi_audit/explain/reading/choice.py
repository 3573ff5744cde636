"""Chooses, among the errors of one text, the one that says why; the others are listed."""

from __future__ import annotations

import re

from torch_abi_audit.explain.kinds.kind import LIBRARY, LINK, REPAIR, SYMBOL, VERSION
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch_abi_audit.explain.reading.error_text import Clue

_ATTEMPTS = re.compile(
    r"FFmpeg version \d|[Aa]ttempted locations|previous import attempts"
    r"|[Ww]e attempt(?:ed)? to load|exceptions were raised as we tried"
    r"|[Tt]ried (?:the following|to load)|load attempts?"
)
"""Words of programs that try to load one of several libraries."""
_TOGETHER = frozenset({SYMBOL, LINK, REPAIR, VERSION})
"""Kinds of which several errors about one file have one answer."""
_LONGEST = 160
_MOST = 20
_NEAR = 12
"""Characters between two parts of one message."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The error that is explained."""

    clue: Clue
    together: tuple[Clue, ...]
    """It and the errors of the same kind about the same file, in the order of the text."""
    others: tuple[str, ...]
    """The remaining errors, each in a line."""


def choose(clues: Sequence[Clue], text: str) -> Choice:
    """The error that decides: the last one of those closest to the cause.

    A program that tries several libraries fails with each of them: the attempt that got furthest
    decides, so a missing symbol counts for more than a missing library.
    """
    highest = max(one.kind.rank for one in clues)
    closest = [one for one in clues if one.kind.rank == highest]
    if _ATTEMPTS.search(text):
        closest = [one for one in closest if one.kind.name != LIBRARY] or closest
    last = closest[-1]
    together = tuple(one for one in clues if one is last or _belongs(one, last))
    return Choice(last, together, tuple(_lines(clues, together, text)))


def _belongs(one: Clue, last: Clue) -> bool:
    """Whether an error is explained together with another."""
    if one.kind.name != last.kind.name or one.kind.name not in _TOGETHER:
        return False
    return one.file == last.file or one.kind.name in (REPAIR, LINK)


def _is_part(one: Clue, other: Clue, text: str) -> bool:
    """Whether an error is only the beginning or the end of another's line."""
    first, last = sorted((one, other), key=lambda clue: clue.start)
    between = text[first.end : last.start]
    return first is not last and len(between) < _NEAR and "\n" not in between and ";" not in between


def _lines(clues: Iterable[Clue], together: Sequence[Clue], text: str) -> list[str]:
    """The errors that are not explained, each once and in one line."""
    explained = {_line(one) for one in together}
    apart = (one for one in clues if not any(_is_part(one, other, text) for other in together))
    lines = list(dict.fromkeys(line for one in apart if (line := _line(one)) not in explained))
    if len(lines) > _MOST:
        lines = [*lines[:_MOST], f"and {len(lines) - _MOST} more"]
    return lines


def _line(clue: Clue) -> str:
    line = " ".join(clue.text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
