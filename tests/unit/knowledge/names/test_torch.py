"""libtorch's libraries by name, copies of them, and the builds that ship them."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.torch import (
    RUNTIMES,
    Build,
    build_of,
    is_libtorch,
    is_runtime,
    is_vendored_copy,
)


@pytest.mark.parametrize(
    ("library", "build"),
    [
        ("libtorch_cpu.so", Build.ANY),
        ("libc10.so", Build.ANY),
        ("@rpath/libtorch_cpu.2.dylib", Build.ANY),
        ("C:\\torch\\lib\\C10.DLL", Build.ANY),
        ("libtorch_python.so", Build.ANY),
        ("libtorch_cuda.so", Build.CUDA),
        ("libc10_cuda.so", Build.CUDA),
        ("c10_cuda.dll", Build.CUDA),
        ("libtorch_cuda_linalg.so", Build.CUDA),
        ("libtorch_nvshmem.so", Build.CUDA),
        ("caffe2_nvrtc.dll", Build.CUDA),
        ("libtorch_hip.so", Build.ROCM),
        ("libc10_hip.so", Build.ROCM),
        ("libtorch_xpu_ops_sycl_kernels.so", Build.XPU),
        ("c10_xpu.dll", Build.XPU),
        ("libtorch_cuda_cu.so", Build.OLD),
        ("libtorch_cuda_cpp.so", Build.OLD),
        ("libcaffe2_detectron_ops_gpu.so", Build.OLD),
    ],
)
def test_builds_that_have_a_library(library: str, build: Build) -> None:
    assert is_libtorch(library)
    assert not is_vendored_copy(library)
    assert build_of(library) is build


@pytest.mark.parametrize(
    "library",
    [
        *("libc10-e03523b3.so", "libtorch_cpu.faf08d9a.so", "libtorch_hip-0a1b2c3d.so"),
        "torch_cpu-a4c2229bdc2a2a630acdc095b4d86008.dll",
    ],
)
def test_copies(library: str) -> None:
    assert is_vendored_copy(library)
    assert not is_libtorch(library)


@pytest.mark.parametrize(
    "library",
    [
        *(
            "libtorchaudio.so",
            "libtorch_npu.so",
            "libc10d_rbln.so",
            "libtorchcodec_core4.so",
            "libc10x.so",
            "torch",
        ),
        *("libtorch.so.pt112", "libtorch.a", "libc10-dev.so", "libmytorch_cpu.so", ""),
    ],
)
def test_others(library: str) -> None:
    assert not is_libtorch(library)
    assert not is_vendored_copy(library)


@pytest.mark.parametrize("library", [*RUNTIMES, "@rpath/libomp.dylib", "libiomp5md.DLL"])
def test_runtimes_that_the_wheels_of_torch_contain(library: str) -> None:
    assert is_runtime(library)
    assert not is_libtorch(library)


@pytest.mark.parametrize("library", ["libgomp-e985bcbb.so.1.0.0", "libuv.so.1", "libc10.so"])
def test_other_libraries_are_no_runtimes_of_torch(library: str) -> None:
    assert not is_runtime(library)
