"""Environments of Windows for the simulation of its loader: DLLs that zig links, and a program."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.support.pe_files import dll
from tests.support.toolchain import zig, zig_program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MACHINES = {"x86_64": "i386:x86-64", "aarch64": "arm64"}
FLAGS = ("-nostdlib", "-fno-sanitize=all", "-Wl,-e,DllMainCRTStartup")
_EXECUTABLE = 0x22
_EXPORT = "__declspec(dllexport)"
_START = "int DllMainCRTStartup(void *a, int b, void *c) { return 1; }\n"


def library(
    out: Path,
    defines: str = "",
    calls: Mapping[str, str] | None = None,
    *,
    forwards: Mapping[str, str] | None = None,
    ordinals: Mapping[str, int] | None = None,
    machine: str = "x86_64",
) -> Path:
    """Link a DLL.

    Args:
        out: The file.
        defines: Names of functions that it exports, separated by spaces.
        calls: DLL to the functions that are imported from it; ``#7`` is one by its ordinal.
        forwards: Exported name to the function of another DLL, such as ``other.name``.
        ordinals: Functions that it exports by an ordinal alone.
        machine: Its architecture.
    """
    wanted = {name: each.split() for name, each in (calls or {}).items()}
    names = [_c_name(name) for each in wanted.values() for name in each]
    code = [_START, *(f"__declspec(dllimport) int {name}(void);\n" for name in names)]
    code += [
        f"__declspec(dllexport) int {name}(void) {{ return 1; }}\n" for name in defines.split()
    ]
    code += [f"int {name}(void) {{ return 2; }}\n" for name in ordinals or ()]
    code.append(f"int use_{_c_name(out.stem)}(void) {{ return {_sum(names)}; }}\n")
    exports = [f"{old}={new}" for old, new in (forwards or {}).items()]
    exports += [f"{name},@{number},NONAME" for name, number in (ordinals or {}).items()]
    exports.append(f"use_{_c_name(out.stem)}")
    code += [_directive(f"-export:{one}") for one in exports]
    out.parent.mkdir(parents=True, exist_ok=True)
    linked = [
        str(_import_library(out.with_suffix(f".{index}.def"), name, each, machine))
        for index, (name, each) in enumerate(wanted.items())
    ]
    files = ("-x", "none", *linked) if linked else ()
    return zig("".join(code), out, f"{machine}-windows-gnu", *FLAGS, *files)


def program(out: Path, *dlls: str) -> Path:
    """Write a program that imports a function from each of some DLLs."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(dll(flags=_EXECUTABLE, imports={name.encode(): [b"start"] for name in dlls}))
    return out


def installed_python(home: Path, version: str = "311") -> Path:
    """Write the directory of an interpreter: ``python.exe`` and the DLLs beside it."""
    library(home / f"python{version}.dll", "start PyLong_FromLong PyModule_Create2")
    forwards = {"PyLong_FromLong": f"python{version}.PyLong_FromLong"}
    library(home / "python3.dll", forwards=forwards)
    library(home / "vcruntime140.dll", "start memcpy_")
    return program(home / "python.exe", f"python{version}.dll", "vcruntime140.dll")


def _import_library(listing: Path, name: str, functions: list[str], machine: str) -> Path:
    rows = [
        f"{_c_name(each)} @{each[1:]} NONAME" if each.startswith("#") else each
        for each in functions
    ]
    listing.write_text("\n".join([f"LIBRARY {name}", "EXPORTS", *rows, ""]))
    made = listing.with_suffix(".a")
    command = [
        zig_program(),
        "dlltool",
        "-m",
        MACHINES[machine],
        "-d",
        str(listing),
        "-l",
        str(made),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return made


def _directive(option: str) -> str:
    """C code that gives an option to the linker."""
    return f'__asm__(".section .drectve,\\"yni\\"; .ascii \\" {option}\\"; .text");\n'


def _c_name(text: str) -> str:
    """A C name for a function that may be known by its ordinal, or for a file."""
    return "".join(letter if letter.isalnum() else "_" for letter in text.replace("#", "ordinal"))


def _sum(names: list[str]) -> str:
    return " + ".join(f"{name}()" for name in names) or "0"
