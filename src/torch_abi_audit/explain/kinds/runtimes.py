"""Texts about two copies of one runtime in a process."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "two OpenMP runtimes",
        forms=(
            Form(
                None,
                r"OMP: Error #15: Initializing (?P<a>[^\s,]{1,400}), but found (?P<b>\S{1,400}) "
                r"already initialized",
            ),
        ),
        subject=("{a}",),
        is_a=("a second copy of an OpenMP runtime: {b} is already in the process",),
        causes=(Cause.TWO_RUNTIMES,),
        why=(
            "two packages bring a copy of their own: torch, MKL, scikit-learn, faiss, or conda",
            "with two copies, threads and results can be wrong, so the runtime stops",
        ),
        advice=(
            (
                "find the copies (libiomp5*, libomp*, vcomp*) below site-packages and the "
                "environment, and install the packages from one source: all from conda-forge, or "
                "all from the index"
            ),
            "with conda, `conda install nomkl` removes MKL's copy",
            "KMP_DUPLICATE_LIB_OK=TRUE only silences the check",
        ),
        owner="OpenMP",
        source="llvm-project openmp/runtime/src/i18n/en_US.txt (DuplicateLibrary)",
    ),
    ErrorKind(
        "MKL's threads",
        forms=(
            Form(
                "linux",
                r"MKL_THREADING_LAYER=(?P<a>\w{1,20}) is incompatible with (?P<b>[^\s]{1,400}) "
                r"library",
            ),
        ),
        subject=("MKL",),
        is_a=("MKL that is set to use one OpenMP runtime while {b} is in the process",),
        causes=(Cause.TWO_RUNTIMES,),
        why=("{b} was loaded first, by torch or another package",),
        advice=(
            "import numpy before torch",
            "or set MKL_THREADING_LAYER=GNU",
        ),
        owner="oneAPI",
        source="IntelPython/mkl-service mkl/_mklinit.c, pytorch/pytorch#37377",
    ),
    ErrorKind(
        "MKL without its kernels",
        forms=(
            Form(
                None,
                r"(?:INTEL|Intel) MKL (?:FATAL )?ERROR: Cannot load (?P<library>[^\s,]{1,200})",
            ),
            Form(None, r"Intel oneMKL FATAL ERROR: Cannot load (?P<library>[^\s,]{1,200})"),
        ),
        subject=("{library}",),
        is_a=("a part of MKL that MKL loads for the processor at hand",),
        causes=(Cause.OTHER_COPY, Cause.NOT_INSTALLED),
        why=("MKL's libraries of two releases are in the process, or some are not installed",),
        advice=(
            "reinstall mkl and numpy from one source, and look for a second copy (LD_LIBRARY_PATH)",
        ),
        owner="oneAPI",
        source="the message catalogue of MKL, pytorch/pytorch#13084",
    ),
    ErrorKind(
        "two protobufs",
        forms=(
            Form(
                None,
                r"This program requires version (?P<a>[\d.]{1,40}) of the Protocol Buffer runtime "
                r"library, but the installed version is (?P<b>[\d.]{1,40}\d)",
            ),
            Form(
                None,
                r"This program was compiled against version (?P<a>[\d.]{1,40}) of the Protocol "
                r"Buffer runtime library, which is not compatible with the installed version "
                r"\((?P<b>[\d.]{1,40})\)",
            ),
            Form(None, r"File already exists in database: (?P<file>[^\s]{1,400}\.proto)"),
        ),
        subject=("protobuf {a} and {b}", "{file}", "protobuf"),
        is_a=("two copies of the C++ runtime of protobuf, or one schema registered twice",),
        causes=(Cause.TWO_RUNTIMES, Cause.OTHER_COPY),
        why=(
            "built for {a}, while {b} was loaded first",
            "two libraries that contain protobuf find each other's symbols",
        ),
        advice=(
            "change the order of imports, or install releases for one protobuf",
            "build the libraries with hidden visibility, or with the same shared protobuf",
        ),
        owner="another package",
        source="protobuf src/google/protobuf/stubs/common.cc, descriptor_database.cc",
    ),
    ErrorKind(
        "two LLVMs",
        forms=(
            Form(
                None,
                r"CommandLine Error: Option '(?P<symbol>[^'\n]{1,200})' registered more than once",
            ),
            Form(None, r"LLVM ERROR: inconsistency in registered CommandLine options"),
        ),
        subject=("LLVM",),
        is_a=("two copies of LLVM in one process that share their symbols",),
        causes=(Cause.TWO_RUNTIMES,),
        why=("Triton, numba (llvmlite), Mesa's drivers and ROCm bring an LLVM of their own",),
        advice=(
            (
                "change the order of imports, or build the libraries with LLVM's symbols hidden "
                "(-Wl,--exclude-libs,ALL)"
            ),
        ),
        owner="another package",
        source="llvm-project llvm/lib/Support/CommandLine.cpp",
    ),
)
