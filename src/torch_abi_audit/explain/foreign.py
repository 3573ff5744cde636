"""Explains symbols that do not belong to torch: who owns them and why they are undefined."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Explanation
from torch_abi_audit.knowledge import cpython_abi
from torch_abi_audit.knowledge.names.cuda import driver_of, is_cuda_function
from torch_abi_audit.mangling import owner
from torch_abi_audit.runtime.records import replace

_OPENMP = ("GOMP_", "__kmpc_", "omp_")


def foreign(base: Explanation, name: bytes) -> Explanation:
    """Explain a symbol of CPython, CUDA, OpenMP, the C++ standard library or another project."""
    text = name.decode("utf-8", "replace")
    if cpython_abi.is_cpython_name(name):
        stable = cpython_abi.stable_python_name(name)
        said = (
            f"in its Stable ABI since {stable.added}"
            if stable
            else "outside its Stable ABI: Python releases may remove it"
        )
        return replace(
            base,
            is_a=(f"a CPython symbol, {said}",),
            owner="CPython",
            provider="python",
            causes=(Cause.WRONG_PYTHON,),
            why=("the running Python does not export it",),
            advice=(
                "install the package's build for the running Python",
                "or rebuild it with that Python, or as abi3 with Py_LIMITED_API set",
            ),
        )
    if (driver := driver_of(text)) is not None:
        return replace(
            base,
            is_a=("a symbol of the NVIDIA driver, which no package contains",),
            owner="the NVIDIA driver",
            provider=driver,
            causes=(Cause.OLD_SYSTEM, Cause.INCOMPLETE_BUILD),
            why=(f"the installed driver is older than the function, or {driver} is not linked",),
            advice=(
                "install a newer NVIDIA driver, or a build of the package for the installed one",
                f"or link {driver} when building the package",
            ),
        )
    if is_cuda_function(text):
        return replace(
            base,
            is_a=("a symbol of NVIDIA's CUDA libraries",),
            owner="CUDA",
            causes=(Cause.CUDA_MAJOR, Cause.INCOMPLETE_BUILD),
            why=("another CUDA major version lacks it, or the library that has it is not linked",),
            advice=(
                "install the package's build for the CUDA major version of the installed torch",
                "or link the CUDA library that exports it",
            ),
        )
    if text.startswith(_OPENMP):
        return replace(
            base,
            is_a=("a symbol of an OpenMP runtime",),
            owner="OpenMP",
            causes=(Cause.INCOMPLETE_BUILD,),
            why=("the code was compiled with OpenMP but linked without it",),
            advice=("pass the flag used for compiling, such as -fopenmp, to the linker as well",),
        )
    declared = owner(name)
    if declared[:1] in ((b"std",), (b"__gnu_cxx",), (b"__cxxabiv1",)):
        return replace(
            base,
            is_a=("a symbol of the C++ standard library",),
            owner="the C++ standard library",
            provider="libstdc++.so.6",
            causes=(Cause.OLD_SYSTEM,),
            why=("the loaded libstdc++ is older than the compiler that built the package",),
            advice=("install a newer libstdc++, or a package built for older systems",),
            unknown=("which copy of libstdc++ the process loaded, if there are several",),
        )
    if declared and len(declared) > 1:
        space = declared[0].decode("utf-8", "replace")
        return replace(
            base,
            is_a=(f"a symbol of {space}, which is not part of torch: no torch release exports it",),
            owner=space,
            causes=(Cause.INCOMPLETE_BUILD,),
            why=(
                (
                    "the code that defines it was not compiled or linked, or is in a library "
                    "that was not loaded"
                ),
            ),
            advice=(
                "add the source file or the library that defines it to the build, and rebuild",
                "in a CUDA extension, look for a .cu file that was not compiled",
            ),
            unknown=("which project the namespace belongs to",),
        )
    return replace(
        base,
        causes=(Cause.UNKNOWN,),
        unknown=(
            (
                "which project the symbol belongs to: it is neither a C shim of torch nor a "
                "CPython symbol, and no torch release exports it"
            ),
        ),
    )
