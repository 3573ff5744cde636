"""Write docs/rules.md from the rules; ``--check`` fails if the file is stale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
sys.path[:0] = [str(PAGE.parents[1]), str(PAGE.parents[1] / "src")]

from tools.pages import publish  # noqa: E402 - needs the path above
from torch_abi_audit.report.rendering import Detail, render  # noqa: E402 - needs the path above
from torch_abi_audit.report.rules.catalogue import Catalogue  # noqa: E402
from torch_abi_audit.rules import rules  # noqa: E402


def main(words: list[str] | None = None) -> int:
    """Write the page, or compare it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; exit with 1 if stale")
    options = parser.parse_args(words)
    text = render("rule", "markdown", Catalogue(tuple(rules().values()), whole=True), Detail())
    return publish(PAGE, f"{text}\n", __file__, check=options.check)


if __name__ == "__main__":
    sys.exit(main())
