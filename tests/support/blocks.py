"""The code blocks of the documentation that users copy, by the name in the comment before each."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"<!-- recipe: ([\w-]+) -->\n```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> dict[str, str]:
    """Name to text of every marked block of a page in docs/."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return {match[1]: match[3] for match in _BLOCK.finditer(text)}
