"""Generated pages of ``docs/``: written, or compared with the file."""

from __future__ import annotations

import sys
from pathlib import Path


def publish(page: Path, text: str, program: str, *, check: bool) -> int:
    """Write a page, or compare it with the file, and return the exit code.

    Args:
        page: The file.
        text: Its content.
        program: The file of the program that generates it, for the message.
        check: Write nothing; say on standard error if the file is stale, and return 1.
    """
    if check:
        fresh = page.is_file() and page.read_text(encoding="utf-8") == text
        if not fresh:
            print(f"{page} is stale: run {Path(program).name}", file=sys.stderr)
        return 0 if fresh else 1
    page.parent.mkdir(exist_ok=True)
    page.write_text(text, encoding="utf-8", newline="\n")
    return 0
