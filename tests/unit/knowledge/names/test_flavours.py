"""The flavour in a library's path."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.flavours import flavours, without_flavour


@pytest.mark.parametrize(
    ("path", "kind", "number", "without"),
    [
        ("p/x_cuda_cu118.so", "cu", "118", "p/x.so"),
        ("p/libbitsandbytes_cuda126.so", "cu", "126", "p/libbitsandbytes.so"),
        ("p/hook_cu12.abi3.so", "cu", "12", "p/hook.abi3.so"),
        ("p/x_cu12.4.so", "cu", "124", "p/x.so"),
        ("p/x_cuda_12_4_1.so", "cu", "1241", "p/x.so"),
        ("p/cuda-12.4/_C.so", "cu", "124", "p/_C.so"),
        ("p/cuda12/_C.so", "cu", "12", "p/_C.so"),
        ("p/x_cuda12x.dll", "cu", "12", "p/x.dll"),
        ("p/cpu/_C.so", "cpu", "", "p/_C.so"),
        ("p/x-gpu.so", "cu", "", "p/x.so"),
        ("p/rocm6/_C.so", "rocm", "6", "p/_C.so"),
        ("p/x_rocm714.so", "rocm", "714", "p/x.so"),
        ("p/x_hip.so", "rocm", "", "p/x.so"),
        ("p/x_xpu2025.so", "xpu", "2025", "p/x.so"),
        ("p/x_sycl.so", "xpu", "", "p/x.so"),
        ("p/x_musa.so", "musa", "", "p/x.so"),
        ("p/cxx11/x.so", "abi", "cxx11", "p/x.so"),
        ("p/x.so.pt112cu116", "cu", "116", "p/x.so.pt112"),
    ],
)
def test_flavours(path: str, kind: str, number: str, without: str) -> None:
    (one,) = flavours(path)
    assert (one.kind, one.number) == (kind, number)
    assert without_flavour(path) == without


@pytest.mark.parametrize(
    "path",
    [
        *("libcudart.so.12", "libcublas.so.11.5", "x_cuda_256.so", "x_cu7.so", "cupti/x.so"),
        *("p/accurate.so", "hippo.so", "scipy/x.so", "focus12.so", "x_rocm1.so"),
    ],
)
def test_names_without_a_flavour(path: str) -> None:
    assert flavours(path) == ()


def test_two_flavours_of_different_kinds_are_kept() -> None:
    assert [one.text for one in flavours("cxx11-cu126/x.so")] == ["cxx11", "cu126"]
