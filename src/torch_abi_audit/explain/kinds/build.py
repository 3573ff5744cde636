"""Texts of torch's build helper and of build tools."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form, Rank

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "no compiler for CUDA",
        forms=(
            Form(None, r"CUDA_HOME environment variable is not set"),
            Form(None, r"CUDA was not found on the system, please set the CUDA_HOME"),
            Form(None, r"nvcc not found at '(?P<file>[^'\n]{1,300})'"),
            Form(None, r"No such file or directory: '(?P<file>[^'\n]{0,300}/bin/nvcc)'"),
            Form(None, r"nvcc: (?:command )?not found"),
        ),
        subject=("nvcc",),
        is_a=("CUDA's compiler, which is not found",),
        causes=(Cause.NOT_INSTALLED, Cause.SEARCH_PATH),
        why=("torch's wheels bring CUDA's libraries, but not its compiler",),
        advice=(
            "install a wheel of the package instead of building it",
            "or install the CUDA toolkit of torch.version.cuda, and set CUDA_HOME to it",
        ),
        about_torch=True,
        owner="the extension",
        source="pytorch torch/utils/cpp_extension.py",
    ),
    ErrorKind(
        "no headers of CUDA",
        forms=(
            Form(
                None,
                r"(?P<library>(?:cuda|cu(?:blas|dnn|fft|rand|solver|sparse|pti)|nv|nccl|cub/|thrust/)"
                r"[\w/]{0,40}\.h)['\"]?:? ?(?:No such file or directory|file not found)",
            ),
            Form(
                None,
                r"(?:Cannot open include file: '|cannot open source file \")"
                r"(?P<library>(?:cuda|cu(?:blas|dnn|fft|rand|solver|sparse|pti)|nv|nccl|cub/|thrust/)"
                r"[\w/]{0,40}\.h)['\"]",
            ),
        ),
        subject=("{library}",),
        is_a=("a header of the CUDA toolkit, or of a library beside it, that the compiler misses",),
        causes=(Cause.NOT_INSTALLED, Cause.SEARCH_PATH),
        why=("torch's wheels bring CUDA's libraries, but not all of its headers",),
        advice=(
            (
                "install the CUDA toolkit of torch.version.cuda with this header, and set "
                "CUDA_HOME to it (conda: the package cuda-toolkit, or -dev packages such as "
                "libcusparse-dev)"
            ),
            "or install a wheel of the package instead of building it",
        ),
        about_torch=True,
        owner="the extension",
        source="gcc, clang, MSVC, nvcc",
    ),
    ErrorKind(
        "no torch in the build",
        forms=(Form(None, r"No module named '(?P<symbol>torch)'(?!\.)"),),
        subject=("torch",),
        is_a=("a Python without torch",),
        causes=(Cause.NOT_INSTALLED,),
        why=(
            (
                "it is not installed in the Python that runs; pip builds a package in an empty "
                "environment of its own, without the torch beside it"
            ),
        ),
        advice=(
            "install torch there: python -m pip install torch",
            "or, while a package is built, pass --no-build-isolation to pip",
        ),
        owner="torch",
        source="CPython Lib/importlib/_bootstrap.py",
    ),
    ErrorKind(
        "no ninja or compiler",
        forms=(
            Form(None, r"(?P<symbol>Ninja) is required to load C\+\+ extensions"),
            Form(None, r"(?P<symbol>MSVC) is required to load C\+\+ extensions"),
            Form(None, r"(?P<symbol>Microsoft Visual C\+\+ 14\.\d) or greater is required"),
            Form(None, r"Error checking compiler version for (?P<symbol>[\w+.-]{1,40})"),
            Form(
                None,
                r"command '?(?P<symbol>[\w/+.-]{0,80}(?:gcc|g\+\+|clang|clang\+\+|cc1plus|cl\.exe)"
                r")'? failed: No such file",
            ),
        ),
        subject=("{symbol}",),
        is_a=("a tool for building extensions, which is not installed or not on PATH",),
        causes=(Cause.NOT_INSTALLED,),
        why=("the extension is compiled when it is installed, or when it is first used",),
        advice=(
            (
                "install it: pip install ninja; build-essential (Debian); Visual Studio's Build "
                "Tools, and run from its developer prompt"
            ),
        ),
        source="pytorch torch/utils/cpp_extension.py, setuptools _distutils",
    ),
    ErrorKind(
        "build failed",
        forms=(
            Form(None, r"Error compiling objects for extension"),
            Form(None, r"Error building extension '(?P<symbol>[\w.-]{1,80})'"),
            Form(None, r"ninja: build stopped: subcommand failed"),
            Form(None, r"collect2: error: ld returned \d{1,3} exit status"),
            Form(None, r"linker command failed with exit code \d{1,3}"),
            Form(None, r"(?:Failed building wheel for|Failed to build) (?P<symbol>[\w.-]{1,80})"),
            Form(None, r"subprocess-exited-with-error"),
            Form(
                None, r"error: command '?[^\n']{1,200}'? failed with exit (?:code|status) \d{1,4}"
            ),
        ),
        subject=("{symbol}", "the build"),
        is_a=("the end of a build that failed: not the cause",),
        causes=(Cause.EARLIER,),
        why=("the first message of the compiler or linker, above it, names the cause",),
        advice=(
            "pass that first message to explain: the lines with error: or fatal",
            "if none is shown, the build was killed for lack of memory: set MAX_JOBS=1",
        ),
        rank=Rank.CONSEQUENCE,
        source="pytorch torch/utils/cpp_extension.py, ninja, gcc, clang, pip, setuptools",
    ),
)
