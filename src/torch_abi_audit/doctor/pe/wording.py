"""What is said about a DLL that is not loaded: by Python, by ``ctypes`` and by torch.

Windows names neither the DLL that is missing nor the function. Its texts are those of
``FormatMessage``; who adds what is in CPython's ``Python/dynload_win.c`` and
``Modules/_ctypes/callproc.c``, and in ``torch/__init__.py``.
"""

from __future__ import annotations

from torch_abi_audit.doctor.process import Refusal

CODES = {
    Refusal.NO_LIBRARY: 126,
    Refusal.NO_SYMBOL: 127,
    Refusal.OTHER_MACHINE: 193,
    Refusal.DAMAGED: 193,
}
"""The error of Windows for each refusal: ERROR_MOD_NOT_FOUND, ERROR_PROC_NOT_FOUND,
ERROR_BAD_EXE_FORMAT."""
_TEXTS = {
    126: "The specified module could not be found.",
    127: "The specified procedure could not be found.",
    193: "%1 is not a valid Win32 application.",
}


def importing(module: str, kind: Refusal) -> str:
    """A module that is not imported; ``module`` is the last part of its name."""
    return f"DLL load failed while importing {module}: {_TEXTS[CODES[kind]]}"


def torch(path: str, kind: Refusal) -> str:
    """One of torch's own DLLs, which it opens by itself."""
    code = CODES[kind]
    return f'[WinError {code}] {_TEXTS[code]} Error loading "{path}" or one of its dependencies.'


def ctypes(path: str, kind: Refusal) -> str:
    """Another DLL."""
    if kind is Refusal.NO_LIBRARY:
        return (
            f"Could not find module '{path}' (or one of its dependencies). "
            "Try using the full path with constructor syntax."
        )
    code = CODES[kind]
    return f"[WinError {code}] {_TEXTS[code].removesuffix('.')}"


def other_python(dll: str) -> str:
    """A module that is linked to another Python, whose DLL was found."""
    return f"Module use of {dll} conflicts with this version of Python."
