from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from torch_abi_audit.fix.requirement_text import with_specifiers

WRITTEN = [
    ("torch", ">=2.11", "torch>=2.11"),
    ("torch>=2.9", ">=2.11,<3", "torch>=2.11,<3"),
    ("torch >=2.9", ">=2.11,<3", "torch >=2.11,<3"),
    ("torch >= 2.9, < 3", ">=2.11,!=2.12.0,<3", "torch >= 2.11, != 2.12.0, < 3"),
    ("torch>=2.9, <3", ">=2.11,<3", "torch>=2.11, <3"),
    ("torch (>=2.9)", ">=2.11", "torch (>=2.11)"),
    ("Torch[opt-einsum] ~= 2.9", "~=2.9,>=2.11", "Torch[opt-einsum] ~= 2.9, >= 2.11"),
    (
        "torch>=2.9 ; python_version < '3.13'",
        ">=2.11",
        "torch>=2.11 ; python_version < '3.13'",
    ),
    ('torch; sys_platform == "linux"', "==2.9.*", 'torch==2.9.*; sys_platform == "linux"'),
    ("torch===2.9.0", "===2.9.0,<3", "torch===2.9.0,<3"),
]


@pytest.mark.parametrize(("written", "specifiers", "expected"), WRITTEN)
def test_only_the_specifiers_change(written: str, specifiers: str, expected: str) -> None:
    assert with_specifiers(written, specifiers) == expected
    before, after = Requirement(written), Requirement(expected)
    assert (before.name, before.extras, str(before.marker)) == (
        after.name,
        after.extras,
        str(after.marker),
    )
    assert {str(one) for one in after.specifier} == set(specifiers.split(","))
