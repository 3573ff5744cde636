"""Symbols of the runtimes of compilers, of C libraries and Pythons, and of old torch."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.known import Known

RUNTIME_SYMBOLS: tuple[Known, ...] = (
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
        r"_?_Py_ZeroStruct|_?PyNumber_(?:Int|Divide|InPlaceDivide|Coerce\w*)|_?PyExc_StandardError|"
        r"_?PyObject_(?:Cmp|Compare|Unicode)|_?Py_FindMethod\w*|_?PyBuffer_(?:New|From\w+)|"
        r"_?Py(?:String|Int|CObject|Class|Instance|File)_Type|"
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
)
