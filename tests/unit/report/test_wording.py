from __future__ import annotations

import re
from pathlib import Path

from torch_abi_audit.report import wording
from torch_abi_audit.report.wording import several, some


def test_the_first_and_how_many_more() -> None:
    assert some(["a"]) == "a"
    assert some(("a", "b", "c")) == "a and 2 more"
    assert some(["a", "b"], "library") == "a and 1 more library"
    assert some(["a", "b", "c"], "directory") == "a and 2 more directories"


def test_the_first_ones_and_how_many_more() -> None:
    assert several(["a"]) == "a"
    assert several(["a", "b"]) == "a and b"
    assert several(["a", "b", "c"], "library") == "a, b and c"
    assert several(["a", "b", "c", "d"], "library") == "a, b, c and 1 more library"
    assert several(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert several(["a", "b", "c", "d", "e"], most=None) == "a, b, c, d and e"


def test_every_noun_is_known() -> None:
    """``facts`` finds the end of such a list by its noun."""
    used = {
        found[1]
        for file in Path(wording.__file__).parents[1].rglob("*.py")
        for found in re.finditer(r"\bsome\([^\n]*?, ['\"](\w+)['\"]\)", file.read_text())
    }
    assert used
    assert used <= set(wording.NOUNS)
