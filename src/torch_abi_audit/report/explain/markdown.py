"""Renders an explanation as a Markdown list, to paste into an issue."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.report.explain.sections import sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Explanation
    from torch_abi_audit.report.rendering import Detail


def render(one: Explanation, _detail: Detail) -> str:
    """Return a heading with the subject, and a list item for each sentence."""
    lines = [f"### `{escape(one.demangled or one.subject)}`", ""]
    for title, texts in sections(one):
        lines += [f"- **{title}**: {_plain(text)}" for text in texts]
    return "\n".join(lines)


def _plain(text: str) -> str:
    shown = escape(text)
    for mark in ("\\", "|", "*", "_", "<", "["):
        shown = shown.replace(mark, "\\" + mark)
    return shown
