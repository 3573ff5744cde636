"""The torch release in a library's path, and the flavours of variants for one release."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.variants import flavour, patch_release, torch_release


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


@pytest.mark.parametrize(
    ("path", "release"),
    [
        ("p/torch-2.10/_C.so", "2.10"),
        ("pytorch_2.1.1/x.so", "2.1"),
        ("p/x_TORCH211.so", "2.11"),
        ("p/x.so.pt112cu116", "1.12"),
        ("p/pt2/x_torch-v2.9.so", "2.9"),
        ("p/torch2.so", None),
        ("p/script2.10.so", None),
        ("p/mytorch2.10.so", None),
        ("torch/lib/libtorch_cpu.so", None),
        ("p/torch-3.1/_C.so", None),
        ("", None),
    ],
)
def test_releases(path: str, release: str | None) -> None:
    assert torch_release(path) == release
