"""The assertions of glibc's loader that a mixed-up environment breaks, and that end the program."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Assertion:
    """A condition in the loader's source."""

    file: str
    function: str
    condition: str
    lines: Sequence[tuple[tuple[int, int], int]]
    """Release to the line in its source, the newest first."""
    until: tuple[int, int] | None = None
    """The first release without it."""

    def holds_in(self, release: tuple[int, int]) -> bool:
        """Whether a release has the assertion."""
        return self.until is None or release < self.until

    def text(self, release: tuple[int, int]) -> str:
        """The loader's last words."""
        line = next((line for since, line in self.lines if release >= since), self.lines[-1][1])
        return (
            f"Inconsistency detected by ld.so: {self.file}: {line}: {self.function}: "
            f"Assertion `{self.condition}' failed!"
        )


NEEDED = Assertion(
    "dl-version.c",
    "_dl_check_map_versions",
    "needed != NULL",
    (((2, 35), 204), ((2, 27), 205), ((0, 0), 224)),
)
"""A version is needed of a library that is not open under this name."""
VERSIONED = Assertion(
    "dl-lookup.c",
    "check_match",
    "version->filename == NULL || ! _dl_name_match_p (version->filename, map)",
    (
        ((2, 39), 106),
        ((2, 36), 107),
        ((2, 35), 106),
        ((2, 32), 105),
        ((2, 28), 111),
        ((2, 27), 110),
        ((0, 0), 127),
    ),
    until=(2, 41),
)
"""The library that should have a version of a symbol has the symbol, and no versions at all."""
