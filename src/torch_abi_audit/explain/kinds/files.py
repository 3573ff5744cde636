"""Texts about a file that cannot be loaded whatever it needs: its machine, or damage."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "machine",
        forms=(
            Form("macos", r"incompatible architecture \((?P<version>[^\n]{0,400})\)"),
            Form("linux", r"(?:(?P<file>[^\s:]{1,400}): )?wrong ELF class: (?P<version>\w+)"),
            Form(
                "linux",
                r"(?:(?P<file>[^\s:]{1,400}): )?cannot open shared object file: Exec format error",
            ),
            Form(
                "windows",
                r"(?:DLL load failed[^\n]{0,400}: )?%1 is not a valid Win32 application"
                r"|WinError 193",
            ),
        ),
        subject=("{file}", "the file"),
        is_a=("a library for another processor architecture or word size",),
        causes=(Cause.WRONG_MACHINE,),
        why=("{version}",),
        advice=(
            "install the build for this machine; on macOS, check whether Python is arm64 or x86_64",
        ),
    ),
    ErrorKind(
        "damaged",
        forms=(
            Form("linux", r"(?:(?P<file>[^\s:]{1,400}): )?(?:invalid ELF header|file too short)"),
        ),
        subject=("{file}", "the file"),
        is_a=("a file that is not a library, or is incomplete",),
        causes=(Cause.DAMAGED,),
        why=("the file is truncated, a Git LFS pointer, or plain text",),
        advice=("reinstall the package; torch-abi-audit FILE says what the file is",),
    ),
)
