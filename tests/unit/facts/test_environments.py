from __future__ import annotations

import pytest

from torch_abi_audit.facts.environments import pythons
from torch_abi_audit.model.declared import Declared


@pytest.mark.parametrize(
    ("said", "oldest"),
    [
        (">=3.9", "3.9"),
        (">= 3.10 ", "3.10"),
        (">=3.9.0", "3.9"),
        (">=3.9.*", "3.9"),
        (">=3", "3.6"),
        (">=3.*", "3.6"),
        (">=3.0", "3.6"),
        (">=3.9.1", "3.9"),
        (" >=3.9", "3.9"),
        (">=3.9,<4", "3.9"),
        (">=2.7", "3.6"),
        (">=3.x", "3.6"),
        ("", "3.6"),
    ],
)
def test_the_oldest_python_that_is_admitted(said: str, oldest: str) -> None:
    assert pythons(Declared(requires_python=said))[0] == oldest
