from __future__ import annotations

import pytest

from torch_abi_audit.model.declared import WheelTag


@pytest.mark.parametrize(
    ("python", "interpreter"),
    [
        ("cp311", ("cp", 11)),
        ("py3", ("py", None)),
        ("pp310", ("pp", 10)),
        ("py2", None),
        ("cp3x", None),
        ("cp311t", None),
        ("graalpy311", None),
        ("", None),
    ],
)
def test_interpreters_of_tags(python: str, interpreter: tuple[str, int | None] | None) -> None:
    assert WheelTag(python, "none", "any").interpreter == interpreter
