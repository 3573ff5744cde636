"""What every text renderer shares: safe names, relative paths, colours."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.model import relative_path
from torch_abi_audit.record import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model import Severity

__all__ = ["COLOUR", "PLAIN", "Style", "escape", "plural", "relative_path"]

_CODES = {
    "ERROR": "1;31",
    "UNSTABLE": "31",
    "STABLE": "32",
    "NO-TORCH": "2",
    "error": "31",
    "warning": "33",
    "note": "36",
    "yes": "32",
    "no": "31",
    "needs CUDA build": "33",
    "unknown": "33",
}


@dataclass(frozen=True, slots=True)
class Style:
    """Whether verdicts are coloured; widths count what is seen, not the escape codes."""

    colour: bool = False

    def verdict(self, word: str, *, width: int = 0) -> str:
        """A verdict, padded to ``width``."""
        return self._paint(word, f"{word:<{width}}")

    def loads(self, word: str, *, width: int = 0) -> str:
        """An answer of the load matrix, padded to ``width``."""
        return self._paint(word, f"{word:<{width}}")

    def severity(self, severity: Severity) -> str:
        """A finding's severity, padded to the longest."""
        return self._paint(severity.value, f"{severity.value:<7}")

    def _paint(self, word: str, text: str) -> str:
        code = _CODES.get(word)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text


PLAIN = Style()
COLOUR = Style(colour=True)


def plural(count: int, noun: str) -> str:
    """A count and its noun: ``1 file``, ``2 files``, ``3 libraries``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{count} {noun}s"
