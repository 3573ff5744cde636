"""Symbols of other projects' interfaces, by their prefixes and namespaces."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.known import Known

_CXX = r"_?_ZT?[NISVK]{1,3}"
_ONE_RELEASE = (
    "install the packages that share it from one source, in releases that belong together"
)
_SECOND_COPY = "look for a second copy of the library: LD_LIBRARY_PATH, conda, the system"


def _of_rocm(names: str, library: str, title: str) -> Known:
    """A function that one library of ROCm exports in all its releases."""
    return Known(
        names,
        f"a function of {title}, a library of ROCm",
        "ROCm",
        (Cause.INCOMPLETE_BUILD, Cause.NOT_INSTALLED),
        (f"what needs it is not linked to lib{library}.so, so the loader does not seek it there",),
        (
            f"link it with -l{library} when it is built, and rebuild it",
            f"or start Python with LD_PRELOAD set to lib{library}.so, to see whether that is all",
        ),
        source=f"ROCm: the headers of {title}",
    )


_ROCM = tuple(
    _of_rocm(*row)
    for row in (
        (r"_?rsmi_\w+", "rocm_smi64", "ROCm SMI"),
        (r"_?amdsmi_\w+", "amd_smi", "AMD SMI"),
        (r"_?hipblasLt\w+", "hipblaslt", "hipBLASLt"),
        (r"_?hipblas\w+", "hipblas", "hipBLAS"),
        (r"_?rocblas_\w+", "rocblas", "rocBLAS"),
        (r"_?hipfft[A-Z]\w*", "hipfft", "hipFFT"),
        (r"_?rocfft_\w+", "rocfft", "rocFFT"),
        (r"_?hiprand[A-Z_]\w*", "hiprand", "hipRAND"),
        (r"_?rocrand_\w+", "rocrand", "rocRAND"),
        (r"_?hipsolver\w+", "hipsolver", "hipSOLVER"),
        (r"_?rocsolver_\w+", "rocsolver", "rocSOLVER"),
        (r"_?hipsparseLt\w+", "hipsparselt", "hipSPARSELt"),
        (r"_?hipsparse[A-Z]\w*", "hipsparse", "hipSPARSE"),
        (r"_?rocsparse_\w+", "rocsparse", "rocSPARSE"),
        (r"_?hiprtc[A-Z]\w*", "hiprtc", "HIPRTC"),
        (r"_?miopen[A-Z]\w*", "MIOpen", "MIOpen"),
        (r"_?hsa_\w+", "hsa-runtime64", "ROCr"),
        (r"_?roctx\w+", "roctx64", "roctx"),
        (r"_?roctracer_\w+", "roctracer64", "roctracer"),
        (r"_?amd_comgr_\w+", "amd_comgr", "comgr"),
    )
)

PROJECT_SYMBOLS: tuple[Known, ...] = (
    Known(
        _CXX + r"3tbb6detail2r1\w*|_?TBB_runtime_\w+",
        "a function of oneTBB (TBB since 2021, libtbb.so.12)",
        "TBB",
        (Cause.NOT_INSTALLED, Cause.OTHER_COPY),
        ("libtbb.so.12 was not loaded, or an older TBB (libtbb.so.2) was found in its place",),
        (
            "pip install tbb, or conda install -c conda-forge tbb",
            _SECOND_COPY,
        ),
        source="oneapi-src/oneTBB include/oneapi/tbb/detail/_namespace_injection.h",
    ),
    Known(
        _CXX
        + r"3tbb\d{1,2}(?:internal|interface|task|filter|pipeline|mutex|spin|queuing|captured)\w*",
        "a function of TBB up to 2020 (libtbb.so.2)",
        "TBB",
        (Cause.NOT_INSTALLED, Cause.OTHER_COPY),
        ("libtbb.so.2 was not loaded, or a newer TBB (libtbb.so.12) was found in its place",),
        ("conda install tbb=2020, or the system's package libtbb2", _SECOND_COPY),
        source="oneapi-src/oneTBB, the branch of TBB 2020",
    ),
    Known(
        _CXX + r"4absl\d{1,2}lts_(?P<day>\d{8})\w*",
        "a function of Abseil, release {day}: its namespace names the release",
        "Abseil",
        (Cause.MIXED, Cause.OTHER_COPY),
        ("the library was built with Abseil {day}, and another release was loaded",),
        (
            _ONE_RELEASE,
            "with conda, update the packages of libabseil, libprotobuf and what uses them together",
        ),
        source="abseil-cpp absl/base/options.h",
    ),
    Known(
        _CXX + r"6google8protobuf\w*",
        "a function of protobuf's C++ runtime, which changes with every release",
        "protobuf",
        (Cause.MIXED, Cause.OTHER_COPY),
        ("the library was built with another protobuf than the one that was loaded",),
        (_ONE_RELEASE, _SECOND_COPY),
        source="protobuf: cross-version runtime guarantees",
    ),
    Known(
        _CXX + r"4gloo\w*",
        "a function of Gloo, which torch contains",
        "libtorch",
        (Cause.MIXED, Cause.OTHER_COPY),
        ("torch's libraries of two releases are mixed, or a Gloo of the system was found first",),
        (_SECOND_COPY,),
        source="pytorch third_party/gloo",
    ),
    Known(
        _CXX + r"4sycl\w*|_?ur[A-Z]\w+|__sycl_\w+|"
        r"_?ze[stl]?(?:Init|Driver|Device|Context|Command|Module|Kernel|Mem)\w*",
        "a function of the SYCL runtime or of Level Zero",
        "oneAPI",
        (Cause.OTHER_COPY, Cause.OTHER_TORCH),
        ("the library was built with another release of oneAPI's compiler than torch's",),
        ("install the package's build for the installed torch (XPU), or rebuild it",),
        source="intel/llvm sycl, oneapi-src/level-zero",
    ),
    Known(
        _CXX + r"5arrow\w*",
        "a function of Apache Arrow, whose interface changes with every release",
        "Apache Arrow",
        (Cause.OTHER_COPY, Cause.NOT_INSTALLED),
        ("the library was built with another pyarrow than the one that was loaded",),
        ("install the pyarrow that the package was built for, or rebuild it",),
        source="apache/arrow docs/source/python/extending.rst",
    ),
    Known(
        _CXX + r"2cv\w*",
        "a function of OpenCV",
        "OpenCV",
        (Cause.INCOMPLETE_BUILD, Cause.OTHER_COPY),
        ("the library of OpenCV that has it was not linked, or is of another release",),
        ("link the module of OpenCV that defines it (opencv_core …)", _SECOND_COPY),
        source="opencv modules",
    ),
    *_ROCM,
    Known(
        r"_?hip\w+R0[67]00|_?hipGetDeviceProperties\w*",
        "a function of HIP whose name has the number of a release of ROCm",
        "ROCm",
        (Cause.OTHER_COPY, Cause.OTHER_TORCH),
        ("R0600 is of ROCm 6 and later: an older ROCm is loaded than the one it was built with",),
        ("install the package's build for the ROCm release of the installed torch", _SECOND_COPY),
        source="ROCm/hip include/hip/hip_runtime_api.h",
    ),
    Known(
        r"_?hip[A-Z]\w+|_{0,3}hip(?:RegisterFatBinary|PushCallConfiguration|RegisterFunction)\w*",
        "a function of the HIP runtime (libamdhip64.so)",
        "ROCm",
        (Cause.OTHER_TORCH, Cause.OTHER_COPY, Cause.INCOMPLETE_BUILD),
        ("another ROCm than torch's was loaded, or libamdhip64.so is not linked",),
        ("install the package's build for the ROCm release of the installed torch", _SECOND_COPY),
        source="ROCm/hip",
    ),
    Known(
        r"_?cblas_(?:gemm_\w+|\w+_(?:batch\w*|pack\w*|compute)|hgemm|[cz]gemm3m)",
        "a function of Intel's MKL beyond BLAS: new releases of MKL add such functions",
        "oneAPI",
        (Cause.OTHER_COPY, Cause.NOT_INSTALLED, Cause.INCOMPLETE_BUILD),
        ("an older MKL than the one it was built with is loaded, or another BLAS in its place",),
        ("update mkl, from the source that what needs it is from", _SECOND_COPY),
        source="Intel oneMKL reference: BLAS-like extensions",
    ),
    Known(
        r"_?mkl_\w+|_?MKL_\w+|_?vml?[SDCZ]\w+",
        "a function of Intel's MKL",
        "oneAPI",
        (Cause.OTHER_COPY, Cause.NOT_INSTALLED, Cause.INCOMPLETE_BUILD),
        ("MKL's libraries of two releases are in the process, or MKL was not linked",),
        ("reinstall mkl and what uses it from one source", _SECOND_COPY),
        source="Intel oneMKL: linking",
    ),
    Known(
        r"_?cblas_\w+|_?LAPACKE_\w+|_?openblas_\w+|_?[sdcz](?:gemm|gemv|axpy|dot[uc]?|scal|nrm2|"
        r"trsm|getr[fsi]|gesv|gesdd|gesvd|potr[fsi]|geqrf|syev[dr]?|heev[dr]?|geev|gels[dy]?|"
        r"ormqr|orgqr|copy|swap)_?",
        "a function of BLAS or LAPACK",
        "BLAS",
        (Cause.INCOMPLETE_BUILD, Cause.OTHER_COPY),
        ("BLAS or LAPACK was not linked: torch contains it, but does not export all of it",),
        ("link OpenBLAS or MKL: -lopenblas", _SECOND_COPY),
        source="netlib BLAS and LAPACK",
    ),
    Known(
        r"_?(?:av|avcodec|avformat|avfilter|avdevice|avutil|avio|sws|swr)_\w+",
        "a function of FFmpeg",
        "FFmpeg",
        (Cause.OTHER_COPY, Cause.NOT_INSTALLED),
        ("FFmpeg of another major release was loaded, or a part of it is missing",),
        ("install the major release of FFmpeg that the library was built for", _SECOND_COPY),
        source="FFmpeg doc/APIchanges",
    ),
    Known(
        r"_?(?:MPI|PMPI|OMPI|ompi|opal|mca|PMIx|prte)_\w+|_?MPIR_\w+",
        "a function of MPI",
        "MPI",
        (Cause.OTHER_COPY, Cause.INCOMPLETE_BUILD),
        ("Open MPI, MPICH and Intel MPI, and their releases, have different symbols",),
        ("load the MPI that the library was built with, and rebuild it with mpicxx otherwise",),
        source="the MPI Forum's ABI working group",
    ),
    Known(
        r"_?uc[pstmx]_\w+|_?ibv_\w+|_?mlx[45]dv_\w+|_?rdma_\w+|_?fi_\w+",
        "a function of UCX, libibverbs or libfabric",
        "the network's libraries",
        (Cause.OTHER_COPY, Cause.OLD_SYSTEM),
        (
            (
                "the installed release of rdma-core, UCX or libfabric is older, or a second copy "
                "came first"
            ),
        ),
        ("install the newer release (rdma-core, UCX)", _SECOND_COPY),
        source="openucx/ucx, linux-rdma/rdma-core",
    ),
    Known(
        r"_?(?:ffi|SSL|EVP|OPENSSL|BIO|X509|CRYPTO|sqlite3|png|jpeg|XML|curl|FT|hb|g|BZ2|lzma|"
        r"ZSTD|LZ4|LZ4F|archive|cairo|pango|rl|krb5|gss|nghttp2|ares|uv|tiff)_\w+|_?(?:TIFF|WebP|"
        r"H5)[A-Z]\w+|_?(?:deflate|inflate|crc32|compress2?)\w*|_?xml[A-Z]\w+",
        "a function of a C library that the system and conda both bring",
        "another package",
        (Cause.OTHER_COPY, Cause.OLD_SYSTEM),
        ("a copy of another release was loaded first, or its library was not linked",),
        (
            "start with an environment without LD_LIBRARY_PATH, or install the library in conda",
            _SECOND_COPY,
        ),
        unknown=("which copy was loaded: LD_DEBUG=libs shows it",),
        source="libffi, OpenSSL, SQLite, libpng and others: their prefixes",
    ),
)
