"""The library that exports a function of CUDA, NVIDIA's driver or OpenMP, by the function's name.

The beginnings are those of the public headers: CUDA Toolkit 11 to 13, cuDNN, NCCL, cuTENSOR, cuDSS;
GCC's and LLVM's OpenMP runtimes.
"""

from __future__ import annotations

import re
from functools import cache

from torch_abi_audit.knowledge.names.cuda import driver_of
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass


class Project(StrEnum):
    """Whose function it is."""

    CUDA = "CUDA"
    DRIVER = "the NVIDIA driver"
    OPENMP = "OpenMP"


@dataclass(frozen=True, slots=True)
class Provider:
    """The library that exports a function."""

    project: Project
    library: str
    """Without version: ``libcublasLt.so``, or as the loader names it: ``libcuda.so.1``."""
    title: str
    """The name of the library in its documentation."""

    @property
    def option(self) -> str:
        """What a linker is told: ``-lcublasLt``."""
        stem = self.library.partition(".so")[0]
        return f"-l{stem.removeprefix('lib')}"


_CUDA = (
    (r"nccl[A-Z]|pnccl[A-Z]", "nccl", "NCCL"),
    (r"cudnn[A-Z]", "cudnn", "cuDNN"),
    (r"cusparseLt[A-Z]", "cusparseLt", "cuSPARSELt"),
    (r"cusparse[A-Z]", "cusparse", "cuSPARSE"),
    (r"cublasLt[A-Z]", "cublasLt", "cuBLASLt"),
    (r"cublas[A-Z]", "cublas", "cuBLAS"),
    (r"curand[A-Z]", "curand", "cuRAND"),
    (r"cufft[A-Z]", "cufft", "cuFFT"),
    (r"cusolverMg[A-Z]", "cusolverMg", "cuSOLVER"),
    (r"cusolver[A-Z]", "cusolver", "cuSOLVER"),
    (r"_{0,2}nvJitLink", "nvJitLink", "nvJitLink"),
    (r"cupti[A-Z]", "cupti", "CUPTI"),
    (r"nvrtc[A-Z]", "nvrtc", "NVRTC"),
    (r"nvtx[A-Z]", "nvToolsExt", "NVTX"),
    (r"nvjpeg[A-Z]", "nvjpeg", "nvJPEG"),
    (r"nvshmem[a-z_]*\w", "nvshmem_host", "NVSHMEM"),
    (r"cutensor[A-Z]", "cutensor", "cuTENSOR"),
    (r"cudss[A-Z]", "cudss", "cuDSS"),
    (r"cuFile[A-Z]", "cufile", "cuFile"),
    (r"nppi?[a-z]*(?:Get|Set|i[A-Z]|s[A-Z]|[A-Z])", "nppc", "NPP"),
    (r"_{0,3}cuda[A-Z]", "cudart", "the CUDA runtime"),
)
_ROWS = (
    *((Project.CUDA, name, f"lib{library}.so", title) for name, library, title in _CUDA),
    (Project.OPENMP, r"GOMP_", "libgomp.so.1", "GCC's OpenMP runtime"),
    (Project.OPENMP, r"__kmpc_|__kmp_|kmp_", "libomp.so", "LLVM's OpenMP runtime"),
    (Project.OPENMP, r"omp_", "libgomp.so.1", "an OpenMP runtime"),
)
_C_NAME = re.compile(r"\w{1,400}")


def provider_of(name: str) -> Provider | None:
    """The library that exports a C function or variable; None if its name tells nothing."""
    if _C_NAME.fullmatch(name) is None:
        return None
    if (driver := driver_of(name)) is not None:
        return Provider(Project.DRIVER, driver, "the NVIDIA driver")
    return next((one for pattern, one in _compiled() if pattern.match(name)), None)


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], Provider], ...]:
    return tuple(
        (re.compile(pattern), Provider(project, library, title))
        for project, pattern, library, title in _ROWS
    )
