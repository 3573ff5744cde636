"""Whose a symbol is that no torch exports, and why nobody provides it."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Explanation
from torch_abi_audit.knowledge import cpython_abi
from torch_abi_audit.knowledge.names.cuda import is_cuda_function
from torch_abi_audit.mangling import owner
from torch_abi_audit.runtime.records import replace

_OPENMP = ("GOMP_", "__kmpc_", "omp_")


def foreign(base: Explanation, name: bytes) -> Explanation:
    """What a name of CPython's, CUDA's, OpenMP's, the C++ library's or a stranger's is."""
    text = name.decode("utf-8", "replace")
    if cpython_abi.is_cpython_name(name):
        stable = cpython_abi.stable_python_name(name)
        said = (
            f"in its Stable ABI since {stable.added}"
            if stable
            else "outside of its Stable ABI: it comes and goes with releases of Python"
        )
        return replace(
            base,
            is_a=(f"a name of CPython, {said}",),
            owner="CPython",
            provider="python",
            causes=(Cause.WRONG_PYTHON,),
            why=("the Python that runs does not export it",),
            advice=(
                "install the package's build for the Python that runs",
                "or rebuild it with that Python, or for abi3 with Py_LIMITED_API set",
            ),
        )
    if is_cuda_function(text):
        return replace(
            base,
            is_a=("a name of NVIDIA's CUDA libraries",),
            owner="CUDA",
            causes=(Cause.CUDA_MAJOR, Cause.INCOMPLETE_BUILD),
            why=("CUDA libraries of another major release lack names, or the link left one out",),
            advice=(
                "install the package's build for the CUDA major of the torch at hand",
                "or link the library of CUDA that has it",
            ),
        )
    if text.startswith(_OPENMP):
        return replace(
            base,
            is_a=("a name of an OpenMP runtime",),
            owner="OpenMP",
            causes=(Cause.INCOMPLETE_BUILD,),
            why=("it was compiled with OpenMP and linked without",),
            advice=("link with the flag that it was compiled with, such as -fopenmp",),
        )
    declared = owner(name)
    if declared[:1] in ((b"std",), (b"__gnu_cxx",), (b"__cxxabiv1",)):
        return replace(
            base,
            is_a=("a name of the C++ standard library",),
            owner="the C++ standard library",
            provider="libstdc++.so.6",
            causes=(Cause.OLD_SYSTEM,),
            why=("the library that was loaded is older than the compiler of the package",),
            advice=("install a newer libstdc++, or a package built for older systems",),
            unknown=("which of several copies in the process was loaded",),
        )
    if declared and len(declared) > 1:
        space = declared[0].decode("utf-8", "replace")
        return replace(
            base,
            is_a=(f"a name of {space}, not of torch: no release of torch exports it",),
            owner=space,
            causes=(Cause.INCOMPLETE_BUILD,),
            why=(
                (
                    "what defines it was left out of the build or of the link, or is in another "
                    "library that was not loaded"
                ),
            ),
            advice=(
                "add the source file or the library that defines it to the build, and rebuild",
                "in CUDA extensions, look for a .cu file that was not compiled",
            ),
            unknown=("which project the namespace belongs to",),
        )
    return replace(
        base,
        causes=(Cause.UNKNOWN,),
        unknown=(
            (
                "whose this name is: it is no C shim of torch, no name of CPython's, and no "
                "release of torch exports it"
            ),
        ),
    )
