"""What tells variants for one torch release apart, by their paths."""

from __future__ import annotations

import pytest

from torch_abi_audit.variants import flavour, patch_release


@pytest.mark.parametrize(
    ("path", "expected", "patch"),
    [
        ("p/torch-2.10/_C.so", "2.10", None),
        ("p/x_torch211.so", "211", None),
        ("p/x_torch211.abi3.so", "211", None),
        ("p/x.so.pt112cu116", "112cu116", None),
        ("build/torch29-cxx11-cu126-x86_64-linux/x.so", "29-cxx11-cu126-x86_64-linux", None),
        ("dgl/libgraphbolt_pytorch_2.1.1.so", "2.1.1", "2.1.1"),
        ("dgl/pytorch_2.1.10+cu118.so", "2.1.10+cu118", "2.1.10"),
        ("p/_C.so", "", None),
    ],
)
def test_flavours(path: str, expected: str, patch: str | None) -> None:
    assert flavour(path) == expected
    assert patch_release(expected) == patch
