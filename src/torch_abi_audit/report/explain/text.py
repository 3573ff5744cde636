"""Renders an explanation as text for a terminal."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.report.explain.sections import sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Explanation
    from torch_abi_audit.report.rendering import Detail


def render(one: Explanation, _detail: Detail) -> str:
    """Return the subject, and below it a line for each sentence."""
    lines = [escape(one.demangled or one.subject)]
    for title, texts in sections(one):
        lines += [f"  {title + ':':<14} {escape(text)}" for text in texts]
    return "\n".join(lines)
