"""Texts of linkers while an extension is built; undefined symbols are in ``symbols``."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

_LIBTORCH = "link what torch.utils.cpp_extension.CUDAExtension and CppExtension link"

_NOT_FOUND = (
    r"(?:cannot find |unable to find library |library not found for |"
    r"(?:ld: |ld\.bfd: |ld\.gold: )(?!skipping|warning)[^\n-]{1,40}? )"
)
"""Before the option of a library, in English or another language."""
_LNK = r"LNK1(?:104|181): [^'\"\u201c\n]{1,60}['\"\u201c]"
"""Before the file that MSVC's linker cannot open, in any language."""

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "defined twice",
        forms=(
            Form(
                None,
                r"multiple definition of [`'\u2018\"](?P<symbol>torch::(?:stable|headeronly)"
                r"::[^'\u2019\"\n]{1,300})",
            ),
            Form(None, r"duplicate symbol '?(?P<symbol>_{1,2}ZN\w{0,4}5torch6stable\w{1,300})"),
            Form(
                None,
                r"error LNK2005: \"[^\"\n]{0,300}?(?P<symbol>torch::stable::[^\"(\n]{1,200})",
            ),
        ),
        subject=("{symbol}",),
        is_a=("a function of torch's header-only API that two object files both define",),
        causes=(Cause.TWICE, Cause.OTHER_TORCH),
        why=("the header of this torch defines it without inline, so each file that includes it",),
        advice=(
            "include the header in one file only, or build with a newer torch, where it is inline",
        ),
        about_torch=True,
        owner="torch",
        source="GNU ld, Apple ld, MSVC's linker; pytorch torch/csrc/stable",
    ),
    ErrorKind(
        "not position independent",
        forms=(
            Form(
                "linux",
                r"relocation R_\w{1,40} against [^\n]{0,300}?(?:recompile with -fPIC|can not be "
                r"used when making a shared object|cannot be used against)",
            ),
            Form(
                "linux",
                r"relocation R_\w{1,40} cannot be used against [^\n]{0,200}recompile with -fPIC",
            ),
        ),
        subject=("an object file",),
        is_a=("code that was not compiled for a shared library",),
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("an object file or a static library was compiled without -fPIC",),
        advice=(
            "compile it with -fPIC (CMAKE_POSITION_INDEPENDENT_CODE=ON; -Xcompiler -fPIC in nvcc)",
            "or link the shared library instead of the static one",
        ),
        owner="the extension",
        source="binutils bfd/elfxx-x86.c, LLVM lld/ELF/Relocations.cpp",
    ),
    ErrorKind(
        "library of torch for a device not found by the linker",
        forms=(
            Form(
                None,
                rf"{_NOT_FOUND}-l(?P<library>(?:torch|c10)_(?:cuda|hip|xpu)\w{{0,20}}|caffe2_nvrtc)",
            ),
            Form(None, r"library '(?P<library>(?:torch|c10)_(?:cuda|hip|xpu)\w{0,20})' not found"),
            Form(
                "windows",
                rf"{_LNK}(?P<library>(?:torch|c10)_(?:cuda|hip|xpu)\w{{0,20}}\.lib|"
                r"caffe2_nvrtc\.lib)",
            ),
        ),
        subject=("{library}",),
        is_a=("a library that only builds of torch for a GPU have, and the linker does not find",),
        causes=(Cause.CPU_TORCH, Cause.SEARCH_PATH),
        why=(
            (
                "a build of torch for the CPU has no such library: names with cuda are in builds "
                "for CUDA, hip in those for ROCm, xpu in those for Intel's GPUs"
            ),
        ),
        advice=(
            (
                "look at torch.__version__: with +cpu, install the build of torch for the GPU, in "
                "the environment that builds (pip's build isolation has a torch of its own: pass "
                "--no-build-isolation)"
            ),
            "or build the package without CUDA",
            "or take the directories from torch.utils.cpp_extension.library_paths()",
        ),
        about_torch=True,
        owner="the extension",
        source="GNU ld, lld, Apple ld, MSVC's linker (LNK1104, LNK1181)",
    ),
    ErrorKind(
        "library of torch not found by the linker",
        forms=(
            Form(
                None,
                rf"{_NOT_FOUND}-l(?P<library>(?:torch|c10|caffe2|ATen)\w{{0,30}})",
            ),
            Form(None, r"library '(?P<library>(?:torch|c10)\w{0,30})' not found"),
            Form(
                "windows",
                rf"{_LNK}(?P<library>(?:torch|c10|caffe2|ATen|_C)\w{{0,30}}\.lib)",
            ),
        ),
        subject=("{library}",),
        is_a=("a library of torch, which the linker does not find",),
        causes=(Cause.SEARCH_PATH, Cause.CPU_TORCH, Cause.OTHER_TORCH),
        why=(
            (
                "the directory torch/lib is not on the linker's path, or this build of torch has "
                "no such library: those with cuda in their names are only in CUDA builds"
            ),
        ),
        advice=(
            (
                "take the directories from torch.utils.cpp_extension.library_paths(), or use "
                "find_package(Torch)"
            ),
            _LIBTORCH,
        ),
        about_torch=True,
        owner="the extension",
        source="GNU ld, lld, Apple ld, MSVC's linker (LNK1104, LNK1181)",
    ),
    ErrorKind(
        "library of CUDA not found by the linker",
        forms=(
            Form(
                None,
                rf"{_NOT_FOUND}-l(?P<library>(?:cuda|cu(?:blas|dnn|fft|rand|solver|sparse|pti)|nv|nccl|npp)"
                r"\w{0,30})",
            ),
            Form(
                "windows",
                rf"{_LNK}(?P<library>(?:cuda|cu(?:blas|dnn|fft|rand|solver|sparse|pti)|nv|npp)"
                r"\w{0,30}\.lib)",
            ),
        ),
        subject=("{library}",),
        is_a=("a library of the CUDA toolkit, which the linker does not find",),
        causes=(Cause.SEARCH_PATH, Cause.NOT_INSTALLED),
        why=(
            (
                "the toolkit is not installed, CUDA_HOME points elsewhere, or it has lib where "
                "lib64 is sought; NVIDIA's wheels bring no names without a version"
            ),
        ),
        advice=(
            "install the CUDA toolkit of torch.version.cuda, and set CUDA_HOME to it",
            "or add its directory with -L; -lcuda is in lib64/stubs where no driver is installed",
        ),
        owner="the extension",
        source="GNU ld, lld, MSVC's linker (LNK1104, LNK1181)",
    ),
    ErrorKind(
        "Python not found by the linker",
        forms=(
            Form(
                "windows",
                rf"{_LNK}(?P<library>python\w{{1,10}}\.lib)",
            ),
            Form(None, rf"{_NOT_FOUND}-l(?P<library>python[\w.]{{1,12}})"),
            Form(
                None,
                r"(?P<library>Python\.h)['\"]?:? ?(?:file )?(?:No such file or directory|not "
                r"found)",
            ),
            Form(None, r"cannot open source file \"(?P<library>Python\.h)\""),
        ),
        subject=("{library}",),
        is_a=("a file for building extensions that this Python is installed without",),
        causes=(Cause.NOT_INSTALLED,),
        why=("systems put Python's headers and libraries into a package of their own",),
        advice=(
            (
                "install it: python3-dev (Debian), python3-devel (Fedora), or use Python of "
                "conda, uv or python.org, which have the files"
            ),
            "in a virtual environment on Windows, the library is in libs of the base Python",
        ),
        owner="Python",
        source="gcc, clang, MSVC's linker (LNK1104)",
    ),
    ErrorKind(
        "library not found by the linker",
        forms=(
            Form(
                None,
                rf"{_NOT_FOUND}-l(?P<library>[\w.+-]{{1,80}})",
            ),
            Form("macos", r"ld: library '(?P<library>[\w.+-]{1,80})' not found"),
            Form(
                "windows",
                rf"{_LNK}(?P<library>[^'\"\u201d\n]{{1,200}}?\.(?:lib|obj|LIB))(?![\w])",
            ),
        ),
        subject=("{library}",),
        is_a=("a library that the linker does not find",),
        causes=(Cause.NOT_INSTALLED, Cause.SEARCH_PATH),
        why=("it is not installed with its development files, or not where the linker looks",),
        advice=(
            "install its development package, or add its directory with -L (/LIBPATH on Windows)",
        ),
        source="GNU ld, lld, Apple ld, MSVC's linker (LNK1104, LNK1181)",
    ),
    ErrorKind(
        "missing from the command line",
        forms=(
            Form(
                "linux",
                r"(?<![^\s:])(?P<library>[^\s:]{1,300}): error adding symbols: DSO missing from "
                r"command line",
            ),
        ),
        subject=("{library}",),
        is_a=("a library that has a symbol that is used, and that is not linked itself",),
        causes=(Cause.NOT_LINKED, Cause.INCOMPLETE_BUILD),
        why=("the linker takes symbols only from libraries that its command line names",),
        advice=("add the library to the libraries to link", _LIBTORCH),
        owner="the extension",
        source="binutils bfd/elflink.c",
    ),
)
