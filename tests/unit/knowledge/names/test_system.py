"""The kinds of libraries by file name."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names import system as library_names

NAMES = {
    "is_nvidia_driver": [
        *(
            "libcuda.so",
            "libcuda.so.1",
            "libcuda.so.550.54.14",
            "nvcuda.dll",
            "nvml.dll",
            "libnvidia-a-b_c.so",
        ),
        *("libnvidia-ml.so.1", "libnvidia-ptxjitcompiler.so.535.129.03"),
    ],
    "is_opencl": ["libOpenCL.so", "libOpenCL.so.1", "opencl.dll"],
    "is_rocm": [
        *("libamdhip64.so.6", "libhipblas.so", "libhsa-runtime64.so.1", "libMIOpen.so.1.0"),
        *("amdhip64_6.dll", "librccl.so.1"),
    ],
    "is_oneapi": [
        *("libsycl.so.8", "libtbb-0d1a2b3c.so.12", "libmkl_core.so.2", "libze_loader.so.1"),
        *("sycl8.dll", "ze_loader.dll", "libintlc.so.5"),
    ],
    "is_loader": [
        *("ld-linux-x86-64.so.2", "ld-linux.so.2", "ld64.so.1", "ld.so.1", "linux-vdso.so.1"),
        "linux-vdso",
    ],
    "is_musl": ["libc.musl-x86_64.so.1", "ld-musl-aarch64.so.1"],
    "is_windows_runtime": [
        *("api-ms-win-crt-runtime-l1-1-0.dll", "ext-ms-win-x.dll", "vcruntime140_1.dll"),
        *("msvcp140.dll", "mfc140u.dll", "concrt140.dll", "ucrtbase.dll", "ucrtbased.dll"),
    ],
}
OTHERS = {
    "is_nvidia_driver": [
        *("libcuda.so.2", "libcuda.so.", "libnvidia-.so.1", "libnvidia-ml.so1", "libnvidia-ml"),
        *("libnvidia-ml.so.", "libnvidia-m+l.so", "NVCUDA.dll", "libOpenCL.so.1"),
    ],
    "is_opencl": ["libOpenCL.so.2", "OpenCL.dll"],
    "is_rocm": [
        *("hip-x.dll", "Hip.dll", "libroc", "libsycl.so.8", "libhip.a", "librocksdb.so.9"),
        *("libhipo.so", "librocket.so.1", "libhipsycl-rt.so", "rocket.dll", "rocksdb.dll"),
    ],
    "is_oneapi": ["libtbb.a", "libtbb.so-1", "libtb.so.12", "sycl.so", "libhipblas.so"],
    "is_loader": [
        *("ld-linux-x86-64.so", "ld-linux-x86-64.so.x", "ld-linux.x.so.2", "ld64.so", "libld.so.2"),
    ],
    "is_musl": ["libc.musl-.so.1", "libc.musl-x-y.so.1", "libc.musl-x86_64.so.2", "libc.so.6"],
    "is_windows_runtime": [
        *("python311.dll", "msvcp.dll", "msvcp_1.dll", "mfc140-x.dll", "ucrtbasex.dll"),
        *("api-ms-win.so", "kernel32.dll", "xmsvcp140.dll"),
    ],
}
EVERYDAY = (
    *("libc.so.6", "libm.so.6", "libtorch_cpu.so", "libcudart.so.13", "libavcodec.so.58"),
    *("@rpath/libc10.dylib", "kernel32.dll", "libstdc++.so.6", "libgcc_s.so.1", ""),
)


@pytest.mark.parametrize(
    ("test", "name"), [(test, name) for test, names in NAMES.items() for name in names]
)
def test_names(test: str, name: str) -> None:
    assert getattr(library_names, test)(name)


@pytest.mark.parametrize(
    ("test", "name"),
    [(test, name) for test, names in OTHERS.items() for name in (*names, *EVERYDAY)],
)
def test_other_names(test: str, name: str) -> None:
    assert not getattr(library_names, test)(name)
