"""NVIDIA's libraries, the CUDA release in a library's name, and the names of functions."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.names.cuda import (
    is_brought_by_torch,
    is_cuda,
    is_cuda_function,
    major,
    own_version,
)
from torch_abi_audit.knowledge.names.distribution import required


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("libcudart.so.12", 12),
        ("libcudart.so.11.0", 11),
        ("libcudart-d0da41ae.so.11.0", 11),
        ("libnvrtc.so.13", 13),
        ("libnppial.so.12", 12),
        ("cudart64_110.dll", 11),
        ("cudart64_12.dll", 12),
        ("cublasLt64_13.dll", 13),
        ("nvrtc64_120_0.dll", 12),
        ("libcufft.so.11", None),
        ("libcudnn.so.9", None),
        ("libcuda.so.1", None),
        ("libcudartish.so.12", None),
        ("libcublasLt-0d1a2b3c.so.12.8.4.1", 12),
        ("libnvrtc-builtins.so.13.0", 13),
        ("libnvrtc-builtins-0d1a2b3c.so.12", 12),
        ("libnvJitLink.so.12.", 12),
        ("/usr/local/cuda/lib64/libcudart.so.12", 12),
        ("libcudart.so", None),
        ("libcudart.so.", None),
        ("libcudart.so.x", None),
        ("libcudart-0d1a2b3.so.12", None),
        ("libcudart-0D1A2B3C.so.12", None),
        ("libCUDART.so.12", None),
        ("CUDART64_12.DLL", 12),
        ("cudart64_1.dll", 1),
        ("nvrtc-builtins64_128.dll", 12),
        ("npps64_11-0d1a2b3c4d5e6f70.dll", 11),
        ("cudart32_80.dll", None),
        ("cudart64_.dll", None),
        ("cudart64_12x.dll", None),
        ("cudnn64_9.dll", None),
        ("KERNEL32.dll", None),
        ("", None),
    ],
)
def test_the_cuda_that_a_library_stands_for(name: str, number: int | None) -> None:
    assert major(name) == number


@pytest.mark.parametrize(
    "name",
    [
        *("libcudart.so", "libcudnn_graph.so.9", "@rpath/libnccl.so.2", "libcusolverMg.so.11"),
        *("libnvshmem_host.so.3", "libnppc.so.13", "libnvToolsExt-0d1a2b3c.so.1"),
        *("cudnn_ops_infer64_8.dll", "CUDNN64_9.dll", "cufft64_11.dll"),
    ],
)
def test_libraries_of_cuda(name: str) -> None:
    assert is_cuda(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "libcuda.so.1",
            "libc10_cuda.so",
            "libcudnn-x.so.9",
            "libnpp1.so.12",
            "libcusolvermg.so.11",
        ),
        *("libcudart.dylib", "libcudart64_12.dll", "cudnn64.dll", "cudnn_ops.dll", "ncclx_2.dll"),
        *("nvcuda.dll", "libnvidia-ml.so.1", "libcurl.so.4", "libc.so.6", "cudart.so.12"),
    ],
)
def test_libraries_that_are_not_of_cuda(name: str) -> None:
    assert not is_cuda(name)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("libcufft.so.11", "11"),
        ("libcudart.41118559.so.12", "12"),
        ("libcudart.so.11.0", "11"),
        ("nvrtc64_120_0.dll", "12"),
        ("cudart64_110.dll", "11"),
        ("libcudnn.so", None),
        ("libc.so.6", None),
    ],
)
def test_the_version_in_a_name(name: str, version: str | None) -> None:
    assert own_version(name) == version


@pytest.mark.parametrize(
    "name",
    [
        *("cudaMalloc", "__cudaRegisterFatBinary", "cublasLtMatmul", "cuLaunchKernel", "cuptiX"),
        *("ncclAllReduce", "nvrtcCompileProgram", "nvJitLinkCreate", "nvjpegCreateEx_v2"),
        *("nppiMirror_8u_C1R", "__fatbinwrap_x", "nvtxRangePop"),
    ],
)
def test_functions_of_cuda(name: str) -> None:
    assert is_cuda_function(name)


@pytest.mark.parametrize(
    "name",
    ["custom_op", "curl_easy_init", "cuda", "cudart", "nccl", "c10Malloc", "cuda Malloc", ""],
)
def test_other_functions(name: str) -> None:
    assert not is_cuda_function(name)


@pytest.mark.parametrize(
    ("name", "brought"),
    [
        *(("libcudart.so.12", True), ("libcublasLt.so.13", True), ("cudart64_12.dll", True)),
        *(("libcudnn_graph.so.9", True), ("libnvshmem_host.so.3", True), ("libnccl.so.2", True)),
        *(("libnppicc.so.13", False), ("libnvjpeg.so.12", False), ("nvjpeg64_13.dll", False)),
        *(("libnvfatbin.so.12", False), ("libcutensor.so.2", False), ("libavutil.so.58", False)),
        *(("libcudart-d0da41ae.so.12", False), ("libcudart.faf08d9a.so.13", False)),
    ],
)
def test_what_torch_brings(name: str, brought: bool) -> None:
    assert is_brought_by_torch(name) == brought


def test_torch_requires_what_it_brings() -> None:
    """The requirements of torch's wheels name each package that the table lists, and no other."""
    words = set()
    for one in export_index.releases("linux_x86_64"):
        for line in one.cuda_packages:
            name, _, rest = line.partition("[")
            extras = rest.partition("]")[0].split(",") if name == "cuda-toolkit" else []
            plain = required(line).removeprefix("nvidia-").removeprefix("cuda-")
            words |= {plain.partition("-cu")[0], *extras}
    assert words - {"toolkit", "bindings", "runtime"} == {
        *("cublas", "cudart", "cudnn", "cufft", "cufile", "cupti", "curand", "cusolver"),
        *("cusparse", "cusparselt", "nccl", "nvjitlink", "nvrtc", "nvshmem", "nvtx"),
    }
