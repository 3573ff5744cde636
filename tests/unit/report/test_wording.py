from __future__ import annotations

from torch_abi_audit.report.wording import some


def test_the_first_and_how_many_more() -> None:
    assert some(["a"]) == "a"
    assert some(("a", "b", "c")) == "a and 2 more"
    assert some(["a", "b"], "library") == "a and 1 more library"
    assert some(["a", "b", "c"], "directory") == "a and 2 more directories"
