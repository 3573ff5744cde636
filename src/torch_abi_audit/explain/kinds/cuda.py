"""Texts of torch about CUDA."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "two CUDA releases",
        forms=(
            Form(
                None,
                r"(?:PyTorch|torch)[^\n]{0,400}?CUDA [Vv]ersion[ =:]+(?P<a>[\d.]+)[^\n]{0,400}?"
                r"CUDA [Vv]ersion[ =:]+(?P<b>[\d.]+)",
            ),
            Form(
                None,
                r"detected CUDA version \((?P<a>[\d.]+)\) mismatches "
                r"the version that was used to "
                r"compile"
                r"\s*PyTorch \((?P<b>[\d.]+)\)",
            ),
        ),
        subject=("CUDA {a} and CUDA {b}",),
        is_a=("torch and the package (or the compiler) use different CUDA releases",),
        causes=(Cause.CUDA_MAJOR,),
        why=("CUDA {a}", "CUDA {b}"),
        advice=(
            "install torch and the package for the same CUDA major version",
            "or compile with the CUDA toolkit that torch.version.cuda names",
        ),
        about_torch=True,
    ),
)
