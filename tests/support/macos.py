"""Environments of macOS for the simulation of dyld: libraries that zig links, and a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lief

from tests.support.macho_files import command, image, trie
from tests.support.toolchain import zig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PYTHON = ("_Py_Initialize", "_PyLong_FromLong", "_PyModule_Create2")
FLAGS = ("-nostdlib", "-O1", "-g0")
ANY = "-Wl,-undefined,dynamic_lookup"
_EXECUTABLE, _RPATH, _LOAD, _REEXPORT = 2, 0x8000001C, 0xC, 0x8000001F
TARGETS = {"arm64": "aarch64-macos", "x86_64": "x86_64-macos"}


def library(
    out: Path,
    defines: str = "",
    calls: str = "",
    *,
    links: Sequence[Path] = (),
    install: str = "",
    rpaths: Sequence[str] = (),
    flags: Sequence[str] = (),
    arch: str = "arm64",
) -> Path:
    """Link a library.

    Args:
        out: The file.
        defines: Names of functions that it exports, separated by spaces.
        calls: Names of functions that it imports.
        links: Libraries that it is linked to.
        install: The name that it states for itself; by default ``@rpath/<file>``.
        rpaths: Its LC_RPATH entries.
        flags: More options of the linker.
        arch: Its architecture.
    """
    declared = "".join(f"extern int {name}(void);\n" for name in calls.split())
    defined = "".join(f"int {name}(void) {{ return 1; }}\n" for name in defines.split())
    used = " + ".join(f"{name}()" for name in calls.split()) or "0"
    stem = out.name.partition(".")[0].lstrip("_")
    code = f"{declared}{defined}int use_{stem}(void) {{ return {used}; }}"
    options = [f"-Wl,-install_name,{install or f'@rpath/{out.name}'}"]
    options += [f"-Wl,-rpath,{entry}" for entry in rpaths]
    linked = ("-x", "none", *map(str, links)) if links else ()
    return zig(code, out, TARGETS[arch], *FLAGS, *options, *flags, *linked)


def module(
    out: Path, calls: str = "", *, links: Sequence[Path] = (), rpaths: Sequence[str] = ()
) -> Path:
    """Link an extension module, whose names of Python are looked up in all images."""
    entry = f"PyInit_{out.name.partition('.')[0]}"
    return library(out, entry, calls, links=links, rpaths=rpaths, flags=(ANY,))


def program(out: Path, exports: Sequence[str] = PYTHON, rpaths: Sequence[str] = ()) -> Path:
    """Write a program that exports names, as an interpreter without a library of its own does."""
    commands = [command(_RPATH, (12).to_bytes(4, "little") + f"{one}\0".encode()) for one in rpaths]
    out.parent.mkdir(parents=True, exist_ok=True)
    names = [name.encode() for name in exports]
    out.write_bytes(image(kind=_EXECUTABLE, commands=commands, exports=trie(names)))
    return out


def reexport(path: Path, name: str) -> Path:
    """Make a library re-export one that it is linked to; zig's linker cannot."""
    data = bytearray(path.read_bytes())
    at = data.index(name.encode() + b"\0") - 24
    assert int.from_bytes(data[at : at + 4], "little") == _LOAD
    data[at : at + 4] = _REEXPORT.to_bytes(4, "little")
    path.write_bytes(data)
    return path


def uuid(path: Path) -> str:
    """The UUID of an image as LIEF reads it, and as dyld writes it."""
    fat = lief.MachO.parse(str(path))
    assert fat is not None
    one = fat.at(0)
    assert one is not None
    assert one.uuid is not None
    digits = bytes(one.uuid.uuid).hex().upper()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
