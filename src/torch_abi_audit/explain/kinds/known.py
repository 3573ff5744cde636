"""What is known of a symbol or a library by its name, where no table of exports can say it."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from torch_abi_audit.explain.explanation import Cause


@dataclass(frozen=True, slots=True)
class Known:
    """The facts about the names that a pattern matches as a whole.

    Sentences may contain the named groups of the pattern in braces.
    """

    names: str
    """A regular expression."""
    is_a: str
    owner: str
    causes: tuple[Cause, ...]
    """Likely causes of its absence, most likely first."""
    why: tuple[str, ...]
    advice: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    source: str = ""
    """Where the facts come from: a project and a file of it, or an address."""


def known_name(name: str, rows: Sequence[tuple[re.Pattern[str], Known]]) -> Known | None:
    """The first row whose pattern matches the whole name, with its sentences filled in."""
    for pattern, row in rows:
        if match := pattern.fullmatch(name):
            said = match.groupdict(default="")
            return replace(
                row,
                is_a=row.is_a.format_map(said),
                why=tuple(one.format_map(said) for one in row.why),
                advice=tuple(one.format_map(said) for one in row.advice),
            )
    return None


def library_file(stem: str, version: str = "") -> str:
    """A pattern for a library's file names on Linux, macOS and Windows."""
    if not version:
        return rf"(?:lib)?(?:{stem})(?:\.so(?:\.[\d.]+)?|(?:\.[\d.]+)?\.dylib|[-_]?\d*\.dll)"
    return (
        rf"(?:lib)?(?:{stem})(?:\.so\.{version}(?:\.[\d.]+)?|\.{version}(?:\.[\d.]+)?\.dylib|"
        rf"[-_]?{version}\.dll)"
    )
