"""Texts of Windows that name neither a symbol nor a library."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "procedure",
        forms=(
            Form(
                "windows",
                r"(?:DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n]{0,400})?"
                r"(?:The specified procedure could not be found|WinError 127)",
            ),
        ),
        subject=("{file}", "a DLL"),
        is_a=("Windows loaded a DLL that does not export a function imported by another DLL",),
        causes=(Cause.OTHER_TORCH, Cause.WRONG_PYTHON),
        why=("on Windows, a package built for another torch fails with this message",),
        advice=(
            "run torch-abi-audit explain --with FILE … to list what is missing",
            "install the package's build for the installed torch, or rebuild it",
        ),
        unknown=("which function of which DLL is missing: Windows does not say",),
        about_torch=True,
    ),
    ErrorKind(
        "module",
        forms=(
            Form(
                "windows",
                r"(?:DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n]{0,400})?"
                r"(?:The specified module could not be found|WinError 126)",
            ),
        ),
        subject=("{file}", "a DLL"),
        is_a=("Windows did not find a DLL, or one of its dependencies",),
        causes=(Cause.IMPORT_ORDER, Cause.CUDA_MAJOR, Cause.CPU_TORCH),
        why=("Windows finds torch's DLLs and its CUDA libraries only after import torch",),
        advice=(
            "import torch before the extension",
            "run torch-abi-audit -v FILE to list the libraries that it needs",
        ),
        unknown=("which DLL is missing: Windows does not say",),
        about_torch=True,
    ),
)
