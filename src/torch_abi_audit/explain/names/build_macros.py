"""Macros that a build defines, and what torch's headers do with them."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Explanation

_MACROS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "TORCH_TARGET_VERSION": (
        (
            "a macro that a build defines: the oldest torch that the library shall run on",
            "torch's stable headers then offer only what that release has",
            "all other headers of torch then stop with #error (since torch 2.10)",
        ),
        (
            "compile with -DTORCH_TARGET_VERSION=0x020a000000000000 for torch 2.10",
            "a byte each is the major and the minor number: 0x0210… would be torch 2.16",
            "torch-abi-audit port TARGET prints the option for a package",
        ),
    ),
    "TORCH_STABLE_ONLY": (
        (
            "a macro that a build defines: headers outside the stable ABI then stop with #error",
            "it does not choose the oldest torch to run on, as TORCH_TARGET_VERSION does",
        ),
        ("define TORCH_TARGET_VERSION, which has this effect as well",),
    ),
    "USE_CUDA": (
        (
            "a macro that a build defines: torch's C shim then declares its functions for CUDA",
            "one of them is aoti_torch_get_current_cuda_stream",
        ),
        ("compile with -DUSE_CUDA where a function for CUDA is not declared",),
    ),
    "TORCH_EXTENSION_NAME": (
        ("a macro that torch.utils.cpp_extension defines: the name of the module that is built",),
        ("build with cpp_extension, or define it",),
    ),
    "TORCH_API_INCLUDE_EXTENSION_H": (
        ("a macro that torch.utils.cpp_extension defines for torch/extension.h",),
        (),
    ),
    "_GLIBCXX_USE_CXX11_ABI": (
        ("a macro of GCC's C++ library: 1 for the C++11 ABI of std::string, 0 for the older one",),
        ("use the value that torch was built with: torch.compiled_with_cxx11_abi()",),
    ),
    "Py_LIMITED_API": (
        (
            "a macro that a build defines: Python's headers then offer only the limited API",
            "an extension that keeps to it can be tagged abi3",
        ),
        ("compile with -DPy_LIMITED_API=0x030a0000 for Python 3.10 and later",),
    ),
}
"""What each macro is, and what to do with it."""


def build_macro(name: str) -> Explanation | None:
    """The answer to a macro that a build defines, also as an option; None for other names."""
    plain = name.removeprefix("-D").partition("=")[0]
    if (known := _MACROS.get(plain)) is None:
        return None
    is_a, advice = known
    return Explanation(plain, "symbol", is_a=is_a, owner="the build", advice=advice)


def build_macros() -> tuple[str, ...]:
    """The macros that are known."""
    return tuple(_MACROS)
