"""``FORMAT[:FILE]``: the format of a report and the file it is written to."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class Destination:
    """One format, written to a file or to standard output."""

    format: str
    file: str | None = None
    """None for standard output."""

    @classmethod
    def parse(cls, word: str, known: Collection[str]) -> Destination:
        """Parse a word such as ``sarif:out/audit.sarif``.

        Args:
            word: As typed.
            known: The names of the formats.

        Raises:
            ValueError: the format is unknown, or no file follows the colon.
        """
        name, colon, file = word.partition(":")
        if name not in known:
            from difflib import get_close_matches  # only needed for mistakes

            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
            raise ValueError(f"no format is called {name}; {hint}")
        if colon and not file:
            raise ValueError(f"{word} names no file after the colon")
        return cls(name, file or None)

    def __str__(self) -> str:
        """The word it was parsed from."""
        return self.format if self.file is None else f"{self.format}:{self.file}"
