"""Symbols whose absence has a known cause: runtimes of compilers, other projects' interfaces.

They are neither torch's nor in a table of exports. The first row that matches decides.
"""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.known import Known
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_CXX = r"_?_ZT?[NISVK]{1,3}"
_ONE_RELEASE = (
    "install the packages that share it from one source, in releases that belong together"
)
_SECOND_COPY = "look for a second copy of the library: LD_LIBRARY_PATH, conda, the system"

KNOWN_SYMBOLS: tuple[Known, ...] = (
    Known(
        r"_{0,3}cudaRegisterLinkedBinary\w*|_{0,3}fatbinwrap_\w+",
        "a symbol of CUDA's device link, which joins the device code of several files",
        "the extension",
        (Cause.INCOMPLETE_BUILD,),
        ("files were compiled with -rdc=true (-dc), and the step nvcc -dlink was left out",),
        (
            "pass dlink=True, and dlink_libraries, to CUDAExtension",
            "or run nvcc -dlink on the object files, and link its result with -lcudadevrt",
            "or compile without -rdc=true",
        ),
        source="the NVCC guide, Separate Compilation; pytorch torch/utils/cpp_extension.py",
    ),
    Known(
        r"_?iJIT_\w+",
        "a function of Intel's JIT profiling interface, which MKL exported until 2024.0",
        "oneAPI",
        (Cause.MIXED, Cause.OTHER_COPY),
        ("conda's builds of torch up to 2.3 take it from MKL, and MKL 2024.1 removed it",),
        (
            'conda install "mkl<2024.1"',
            "or install torch by pip, or a later release of torch",
        ),
        source="pytorch/pytorch#123097",
    ),
    Known(
        r"_{0,2}(?:TH(?:Error|Arg|Assert|Alloc|Realloc|Free|Float|Double|Byte|Char|Short|Int|Long|"
        r"Half|Bool|BFloat16|Storage|Tensor|Generator|Random|Log|Map|Atomic|Blas|Vector|Lapack|"
        r"Cuda|Set|Cleanup|Desc)\w*|THC(?!P)[A-Z_]\w*|TH(?:CUNN|NN|D)_?[A-Z]\w*)",
        "a function of TH or THC, the C libraries of old torch: gone since torch 1.11",
        "libtorch",
        (Cause.OTHER_TORCH,),
        ("the package was built for torch 1.10 or older",),
        (
            "install the package's build for the installed torch",
            "or port the source from TH and THC to ATen, and rebuild it",
        ),
        source="pytorch release notes of 1.11 (removal of TH and THC)",
    ),
    Known(
        r"_{2,3}(?:asan|ubsan|tsan|msan|lsan|hwasan|sanitizer|sanitizer_cov)_\w+",
        "a function of a sanitizer's runtime",
        "the compiler",
        (Cause.INCOMPLETE_BUILD,),
        ("the library was compiled with -fsanitize, and Python was not",),
        (
            "start Python with LD_PRELOAD set to the runtime: $(gcc -print-file-name=libasan.so)",
            "or rebuild it without -fsanitize",
        ),
        source="llvm-project compiler-rt",
    ),
    Known(
        r"_{2,3}(?:gcov|llvm_profile|llvm_gcov|llvm_coverage)_\w+|_{1,2}mcount",
        "a function of the compiler's runtime for coverage or profiling",
        "the compiler",
        (Cause.INCOMPLETE_BUILD,),
        ("the library was compiled with --coverage or -fprofile, and linked without it",),
        ("pass the same flag to the linker, or rebuild without it",),
        source="gcc libgcc/libgcov.h, llvm-project compiler-rt/lib/profile",
    ),
    Known(
        r"_{2,3}(?:add|sub|mul|div|neg|cmp|eq|ne|lt|gt|le|ge|unord|pow|mod|udiv|umod|ashl|ashr|"
        r"lshr|ctz|clz|ffs|popcount|bswap|extend|trunc|fix|fixuns|float|floatun)(?:[sdtx][fi])"
        r"(?:[sdtx][fi])?\d?|_{2,3}(?:popcount|clz|ctz|ffs|bswap)[sdt]i2|_{2,3}emutls_\w+|"
        r"_{2,3}cpu_model|_{2,3}cpu_indicator_init|_{2,3}udivmodti4|_{2,3}truncsfhf2|"
        r"_{2,3}extendhfsf2|_{2,3}truncdfhf2|_{1,2}Unwind_\w+|_{2,3}gcc_personality_v0|"
        r"_{2,3}gnu_\w{1,6}_ieee",
        "a helper of the compiler's runtime (libgcc or compiler-rt): 128-bit and half numbers, "
        "thread-local variables, unwinding",
        "the compiler's runtime",
        (Cause.OTHER_COPY, Cause.OLD_SYSTEM, Cause.INCOMPLETE_BUILD),
        (
            (
                "the libgcc_s that was loaded is older than the compiler of the library, or "
                "another compiler's runtime was expected (libquadmath of GCC needs GCC's libgcc)"
            ),
        ),
        (
            (
                "install libgcc_s, libquadmath and libgfortran of one compiler (conda: libgcc-ng, "
                "libgfortran), and remove other copies"
            ),
            "or link with -lgcc, or -rtlib=compiler-rt in clang",
        ),
        source="gcc libgcc/libgcc-std.ver.in, llvm-project compiler-rt/lib/builtins",
    ),
    Known(
        r"__isoc23_\w+",
        "a function of glibc 2.38 and later",
        "the C library",
        (Cause.OLD_SYSTEM,),
        ("the library was compiled where glibc is 2.38 or later, and this system's is older",),
        (
            "install a build with an older manylinux tag, or run it on a newer system",
            "or rebuild it in a manylinux container",
        ),
        source="glibc NEWS of 2.38",
    ),
    Known(
        r"__\w+_chk|gnu_get_libc_version|__strto\w+_internal|__res_n?(?:init|search|query)|"
        r"__register_atfork|__cxa_thread_atexit_impl|backtrace(?:_symbols(?:_fd)?)?|malloc_trim|"
        r"mallinfo2?|(?:f|l)?stat64|fcntl64|open64|lseek64|fopen64|mmap64|ftruncate64|__(?:f|l)"
        r"?xstat(?:64)?|__sched_cpu\w+",
        "a function of glibc that musl, the C library of Alpine, does not have",
        "the C library",
        (Cause.WRONG_MACHINE, Cause.OLD_SYSTEM),
        ("the library was built for glibc; on musl, or with another glibc, it does not load",),
        (
            "install the package's build for this system: manylinux is glibc, musllinux is musl",
            "or use an image that is based on Debian instead of Alpine",
        ),
        source="musl: functional differences from glibc; glibc NEWS",
    ),
    Known(
        r"_?PyUnicodeUCS[24]_\w+|_?Py(?:String|Int|CObject|Class|Instance|File)_\w+|"
        r"_?Py_InitModule4\w*|_?PyEval_ReInitThreads",
        "a function of Python 2, or of Python before 3.3",
        "CPython",
        (Cause.WRONG_PYTHON,),
        ("the module was built for Python 2",),
        ("install or rebuild the package for the running Python",),
        source="CPython Doc/whatsnew/3.0.rst, 3.3.rst",
    ),
    Known(
        r"_?_?Py_(?:RefTotal|NegativeRefcount|INCREF_IncRefTotal|DECREF_DecRefTotal)|"
        r"_?Py\w+TraceRefs|_?PyModule_Create2TraceRefs",
        "a function that only debug builds of Python export",
        "CPython",
        (Cause.WRONG_PYTHON,),
        ("the module was compiled with the headers of a debug build (Py_DEBUG, Py_TRACE_REFS)",),
        ("rebuild it with the running Python; on Windows, compile a Release build",),
        source="CPython Include/object.h",
    ),
    Known(
        r"_{0,3}svml_\w+|_{0,2}intel_\w+|_{2}libirc_\w+|_{2}intel_cpu_\w+|for_(?:write|read|open|"
        r"close|alloc)\w*",
        "a function of the runtime of Intel's compilers (libsvml, libirc, libimf)",
        "oneAPI",
        (Cause.NOT_INSTALLED, Cause.SEARCH_PATH),
        ("the library was built by Intel's compiler, and its runtime is not loaded",),
        ("pip install intel-cmplr-lib-rt, or source oneAPI's setvars.sh",),
        source="Intel oneAPI compiler redistributables",
    ),
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
        ("uninstall torch, remove what is left of torch/lib, and install it again", _SECOND_COPY),
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
    Known(
        r"_?hip[A-Z]\w+|_?(?:roc|hip)(?:blas|fft|rand|solver|sparse|rtc|tx|prim)\w+|"
        r"_?miopen[A-Z]\w*|_?hsa_\w+|_{0,3}hip(?:RegisterFatBinary|PushCallConfiguration|"
        r"RegisterFunction)\w*",
        "a function of ROCm",
        "ROCm",
        (Cause.OTHER_TORCH, Cause.OTHER_COPY, Cause.INCOMPLETE_BUILD),
        ("another ROCm than torch's was loaded, or its library is not linked",),
        ("install the package's build for the ROCm release of the installed torch", _SECOND_COPY),
        source="ROCm: hip, rocBLAS, MIOpen",
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


def known_symbol(name: str) -> Known | None:
    """The row for a symbol, with its sentences filled in; None where nothing is known of it.

    Args:
        name: The raw name; on macOS with or without the additional underscore.
    """
    plain = name.partition("@")[0].removeprefix("__imp_")
    return known_name(plain, _patterns())


def known_name(name: str, rows: Sequence[tuple[re.Pattern[str], Known]]) -> Known | None:
    """The first row whose pattern matches the whole name, with its sentences filled in."""
    for pattern, row in rows:
        if match := pattern.fullmatch(name):
            said = match.groupdict(default="")
            return replace(
                row,
                is_a=row.is_a.format_map(said),
                why=tuple(one.format_map(said) for one in row.why),
                advice=tuple(one.format_map(said) for one in row.advice),
            )
    return None


@once
def _patterns() -> tuple[tuple[re.Pattern[str], Known], ...]:
    return tuple((re.compile(row.names), row) for row in KNOWN_SYMBOLS)
