"""Text that is safe for a terminal."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def escape(name: bytes | str) -> str:
    r"""Text without characters that a terminal interprets or does not show.

    Unprintable characters become ``\xNN``, ``\uNNNN`` or ``\UNNNNNNNN``: control characters,
    bidirectional controls, line separators, lone surrogates. So do bytes that are not UTF-8.
    """
    text = name if isinstance(name, str) else name.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(ord(c)) for c in text)


def _escaped(point: int) -> str:
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def mangled(names: Iterable[bytes]) -> list[str]:
    """The mangled names as text, escaped."""
    return [escape(name) for name in names]
