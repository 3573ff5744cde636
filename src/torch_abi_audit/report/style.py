"""Colours of the text output."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False

if TYPE_CHECKING:
    from torch_abi_audit.model.findings import Severity


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
    "JIT": "33",
    "some": "33",
    "?": "33",
    "needs CUDA build": "33",
    "unknown": "33",
    "+": "32",
    "-": "31",
}


@dataclass(frozen=True, slots=True)
class Style:
    """Whether verdicts are coloured. Padding counts visible characters, not escape codes."""

    colour: bool = False

    def verdict(self, word: str, *, width: int = 0) -> str:
        """A verdict, padded to ``width``."""
        return self._paint(word, f"{word:<{width}}")

    def loads(self, word: str, *, width: int = 0) -> str:
        """An answer of the load matrix, such as ``yes`` or ``yes, needs CUDA 12``, padded."""
        plain, comma, _ = word.partition(",")
        return self._paint("needs CUDA build" if comma else plain, f"{word:<{width}}")

    def severity(self, severity: Severity) -> str:
        """A finding's severity, padded to the width of the longest."""
        return self._paint(severity.value, f"{severity.value:<7}")

    def change(self, sign: str, line: str) -> str:
        """A line of a comparison, coloured by its sign: ``+`` for added, ``-`` for removed."""
        return self._paint(sign, line)

    def strong(self, text: str) -> str:
        """A text to copy, such as options of a compiler."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text

    def _paint(self, word: str, text: str) -> str:
        code = _CODES.get(word)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text


PLAIN = Style()
COLOUR = Style(colour=True)
