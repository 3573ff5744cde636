"""Texts of CPython about extension modules."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "no entry point",
        forms=(
            Form(
                None,
                r"dynamic module does not define (?:module export|init) function "
                r"\((?P<symbol>\w+)\)",
            ),
            Form(None, r"Module use of python(?P<version>\d+)\.dll conflicts"),
        ),
        subject=("{symbol}", "the module"),
        is_a=("the file does not export the module's PyInit_ function",),
        causes=(Cause.WRONG_PYTHON, Cause.INCOMPLETE_BUILD),
        why=(
            (
                "the module was built for another Python{here}, the file was renamed, or it is "
                "an operator library rather than a Python module"
            ),
        ),
        advice=(
            "load an operator library with torch.ops.load_library(path)",
            "otherwise install or rebuild the package for the running Python",
        ),
        unknown=("which of these applies: `torch-abi-audit -v FILE` lists the entry points",),
    ),
)
