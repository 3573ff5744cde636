"""Texts of CPython and of binding libraries about extension modules."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "no entry point",
        forms=(
            Form(
                None,
                r"dynamic module does not define (?:module export|init) function ?\((?P<symbol>\w+)"
                r"\)",
            ),
            Form(None, r"Module use of python(?P<version>\d+)\.dll conflicts"),
        ),
        subject=("{symbol}", "the module"),
        is_a=("the file does not export the module's PyInit_ function",),
        causes=(Cause.WRONG_PYTHON, Cause.INCOMPLETE_BUILD),
        why=(
            (
                "the module was built for another Python{here}, the file was renamed, its build "
                "was faulty, or it is an operator library rather than a Python module"
            ),
        ),
        advice=(
            "install or rebuild {package} for the running Python",
            "or, if it is a library of operators, load it with torch.ops.load_library(path)",
        ),
        unknown=("which of these applies: `torch-abi-audit -v FILE` lists the entry points",),
        source="CPython Python/importdl.c, Python/dynload_win.c",
    ),
    ErrorKind(
        "Python versions",
        forms=(
            Form(
                None,
                r"Python version mismatch: (?:this )?module was compiled for (?:Python |version )"
                r"?(?P<a>\d\.\d{1,2})[^\n]{0,80}?(?P<b>\d\.\d{1,2})",
            ),
            Form(None, r"Python C API version mismatch for module (?P<symbol>[\w.]{1,200})"),
        ),
        subject=("the module",),
        is_a=("a module that was built for another Python{here}",),
        causes=(Cause.WRONG_PYTHON,),
        why=(
            "only modules for the Stable ABI (abi3) run on other releases of Python",
            "it was built for Python {a}, and Python {b} runs it",
        ),
        advice=("install or rebuild the package for the running Python",),
        source="pybind11 include/pybind11/detail/common.h",
    ),
    ErrorKind(
        "two Pythons",
        forms=(
            Form(None, r"PyThreadState_Get: no current thread"),
            Form(None, r"the current Python thread state is NULL"),
        ),
        subject=("libpython",),
        is_a=("a module that called into a second Python in the process",),
        causes=(Cause.TWO_RUNTIMES, Cause.WRONG_PYTHON),
        why=(
            (
                "it is linked to a libpython other than the interpreter's, or holds a copy of it; "
                "the other explanation is a call without the GIL"
            ),
        ),
        advice=(
            "link the extension without libpython, and exclude it from wheels",
            "look with ldd or otool -L at what the module is linked to",
        ),
        source="CPython Python/pystate.c",
    ),
    ErrorKind(
        "NumPy's ABI",
        forms=(
            Form(
                None,
                r"A module that was compiled using NumPy (?P<a>[\w.]{1,12}) cannot be run "
                r"in\s{1,8}NumPy (?P<b>[\w.]{1,20}\w)",
            ),
            Form(
                None,
                r"numpy\.(?:dtype|ndarray|ufunc) size changed, may indicate binary incompatibility",
            ),
            Form(
                None,
                r"module compiled against (?:ABI|API) version (?P<a>0x\w{1,10}) but this version "
                r"of numpy is (?P<b>0x\w{1,10})",
            ),
            Form(None, r"numpy\.core\.multiarray failed to import"),
            Form(None, r"_ARRAY_API not found"),
        ),
        subject=("NumPy",),
        is_a=("a module that was built for another major release of NumPy",),
        causes=(Cause.MIXED,),
        why=(
            "it was built for NumPy {a}, and {b} is installed",
            "modules built for NumPy 1 do not run with NumPy 2: torch before 2.3 is one of them",
        ),
        advice=(
            "pip install 'numpy<2'",
            "or install newer releases of torch and of the package",
        ),
        owner="NumPy",
        source="numpy numpy/_core/_multiarray_umath.py, numpy/__init__.cython-30.pxd",
    ),
)
