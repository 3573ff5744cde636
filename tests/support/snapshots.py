"""Compares whole outputs with files; ``UPDATE_SNAPSHOTS=1`` rewrites the files, for review."""

from __future__ import annotations

import os
from pathlib import Path

SNAPSHOTS = Path(__file__).parents[1] / "cli" / "snapshots"


def matches(name: str, text: str, **places: object) -> None:
    """Compare ``text`` with the snapshot ``name``, with each of ``places`` as ``<its name>``."""
    for place, value in places.items():
        text = text.replace(str(value), f"<{place}>")
    file = SNAPSHOTS / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text(encoding="utf-8")
