"""Architectures as compute capabilities."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.arch_names import capability, major


@pytest.mark.parametrize(
    ("target", "text", "number"),
    [
        ("sm_89", "8.9", "8"),
        ("compute_120", "12.0", "12"),
        ("sm_90a", "9.0a", "9"),
        ("compute_100f", "10.0f", "10"),
        ("gfx942:xnack-", "gfx942:xnack-", "gfx942:xnack-"),
        ("sm_", "sm_", "sm_"),
    ],
)
def test_capabilities(target: str, text: str, number: str) -> None:
    assert (capability(target), major(target)) == (text, number)
