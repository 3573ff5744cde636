"""The library that exports a function of a project other than torch, by the function's name.

The beginnings are those of the public headers: CUDA Toolkit 11 to 13, cuDNN, NCCL; ROCm 5 to 7;
oneMKL, Level Zero, ITT and oneTBB; FFmpeg 4 to 8; GCC's and LLVM's OpenMP runtimes; libgcc's
arithmetic on wide numbers (GCC internals, "Routines for floating point emulation"); torch's TH.
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
    ROCM = "ROCm"
    ONEAPI = "oneAPI"
    OPENMP = "OpenMP"
    FFMPEG = "FFmpeg"
    COMPILER = "the compiler's runtime"
    OLD_TORCH = "torch before 1.11"


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
_WIDE_ARITHMETIC = (
    r"__(?:add|sub|mul|div|neg|eq|ne|lt|le|gt|ge|cmp|unord|pow|fix|fixuns|float|floatun|extend"
    r"|trunc|mod|udiv|umod|ashl|ashr|lshr)[a-z]{2,6}\d?$"
)
_ROWS = (
    *((Project.CUDA, name, f"lib{library}.so", title) for name, library, title in _CUDA),
    (Project.ROCM, r"hipblasLt[A-Z]", "libhipblaslt.so", "hipBLASLt"),
    (Project.ROCM, r"hipblas[A-Z]", "libhipblas.so", "hipBLAS"),
    (Project.ROCM, r"hipsparse[A-Z]", "libhipsparse.so", "hipSPARSE"),
    (Project.ROCM, r"hipsolver[A-Z]", "libhipsolver.so", "hipSOLVER"),
    (Project.ROCM, r"hipfft[A-Z]", "libhipfft.so", "hipFFT"),
    (Project.ROCM, r"hiprand[A-Z]", "libhiprand.so", "hipRAND"),
    (Project.ROCM, r"hiprtc[A-Z]", "libhiprtc.so", "hipRTC"),
    (Project.ROCM, r"_{0,2}hip[A-Z]", "libamdhip64.so", "the HIP runtime"),
    (Project.ROCM, r"rocblas_", "librocblas.so", "rocBLAS"),
    (Project.ROCM, r"rocsolver_", "librocsolver.so", "rocSOLVER"),
    (Project.ROCM, r"rocsparse_", "librocsparse.so", "rocSPARSE"),
    (Project.ROCM, r"rocrand_", "librocrand.so", "rocRAND"),
    (Project.ROCM, r"rocfft_", "librocfft.so", "rocFFT"),
    (Project.ROCM, r"rocprofiler_", "librocprofiler64.so", "ROCProfiler"),
    (Project.ROCM, r"roctracer_", "libroctracer64.so", "ROCTracer"),
    (Project.ROCM, r"roctx[A-Z]", "libroctx64.so", "ROCTX"),
    (Project.ROCM, r"rsmi_", "librocm_smi64.so", "ROCm SMI"),
    (Project.ROCM, r"miopen[A-Z]", "libMIOpen.so", "MIOpen"),
    (Project.ROCM, r"hsa_", "libhsa-runtime64.so", "the HSA runtime"),
    (Project.ONEAPI, r"iJIT_", "libittnotify.so", "Intel's ITT"),
    (Project.ONEAPI, r"__itt_", "libittnotify.so", "Intel's ITT"),
    (Project.ONEAPI, r"mkl_|MKL_|Dfti[A-Z]|vsl[A-Z]|vml[A-Z]", "libmkl_rt.so", "oneMKL"),
    (Project.ONEAPI, r"ze[a-z]?[A-Z]", "libze_loader.so.1", "the Level Zero loader"),
    (Project.ONEAPI, r"ur[A-Z]", "libur_loader.so.0", "the Unified Runtime"),
    (Project.ONEAPI, r"__intel_|__svml_|_intel_", "libintlc.so.5", "Intel's compiler runtime"),
    (Project.OPENMP, r"GOMP_", "libgomp.so.1", "GCC's OpenMP runtime"),
    (Project.OPENMP, r"__kmpc_|__kmp_|kmp_", "libomp.so", "LLVM's OpenMP runtime"),
    (Project.OPENMP, r"omp_", "libgomp.so.1", "an OpenMP runtime"),
    (Project.FFMPEG, r"avcodec_|av_packet_|av_bsf_|avsubtitle_", "libavcodec.so", "FFmpeg"),
    (Project.FFMPEG, r"avformat_|avio_|av_read_|av_seek_", "libavformat.so", "FFmpeg"),
    (Project.FFMPEG, r"avfilter_|av_buffersink_|av_buffersrc_", "libavfilter.so", "FFmpeg"),
    (Project.FFMPEG, r"swscale_|sws_", "libswscale.so", "FFmpeg"),
    (Project.FFMPEG, r"swr_|swresample_", "libswresample.so", "FFmpeg"),
    (Project.FFMPEG, r"av_|avutil_", "libavutil.so", "FFmpeg"),
    (
        Project.COMPILER,
        _WIDE_ARITHMETIC,
        "libgcc_s.so.1",
        "the compiler's arithmetic",
    ),
    (Project.COMPILER, r"_Unwind_|__gcc_personality|__emutls_", "libgcc_s.so.1", "GCC's runtime"),
    (Project.COMPILER, r"_gfortran_", "libgfortran.so", "the Fortran runtime"),
    (
        Project.OLD_TORCH,
        r"_?TH(?:C|CS|CUNN|NN|S|D)?_?(?:[A-Z][a-z]\w*|NN_\w+)$",
        "libtorch.so",
        "TH, the C library of torch up to 1.10",
    ),
)
_C_NAME = re.compile(r"\w{1,400}")
_SPACES = {
    b"tbb": Provider(Project.ONEAPI, "libtbb.so.12", "oneTBB"),
    b"sycl": Provider(Project.ONEAPI, "libsycl.so", "the SYCL runtime"),
    b"oneapi": Provider(Project.ONEAPI, "libmkl_sycl.so", "oneMKL"),
    b"ccl": Provider(Project.ONEAPI, "libccl.so.1", "oneCCL"),
    b"rocprim": Provider(Project.ROCM, "libamdhip64.so", "rocPRIM"),
}
"""Top-level C++ namespaces, and the library that defines them."""


def provider_of(name: str, namespace: bytes = b"") -> Provider | None:
    """The library that exports a function or variable; None if its name tells nothing.

    Args:
        name: The C name, or any name of a C++ entity.
        namespace: The outermost namespace of a C++ entity.
    """
    if namespace:
        return _SPACES.get(namespace)
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
