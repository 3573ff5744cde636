"""Texts of torch about operators and registration."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "no operator",
        forms=(
            Form(
                None, r"'_OpNamespace' '(?P<library>\w+)' object has no attribute '(?P<symbol>\w+)'"
            ),
            Form(
                None,
                r"(?:operator|Could not find schema for) (?P<symbol>[\w:]{1,400}) does not exist",
            ),
            Form(None, r"Could not find schema for (?P<symbol>[\w:.]{1,400})"),
        ),
        subject=("{symbol}", "an operator"),
        is_a=("an operator that no library has registered in this process",),
        causes=(Cause.INCOMPLETE_BUILD, Cause.IMPORT_ORDER),
        why=("the library that registers it was not built, was not loaded, or failed to load",),
        advice=(
            "import the package that registers it, and look at the first error that it prints",
            "run torch-abi-audit -v PACKAGE to check that the library is there and can be read",
        ),
        unknown=("which library registers it",),
    ),
)
