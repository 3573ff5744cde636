"""What is known of a symbol or a library by its name, where no table of exports can say it."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
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
