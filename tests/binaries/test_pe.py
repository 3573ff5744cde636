"""The PE reader on DLLs from a real linker (lld, through the zig wheel)."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import lief
import pytest

from tests.support.toolchain import zig, zig_program
from torch_abi_audit.formats.pe import library as pe
from torch_abi_audit.model.binary import Binary, NotALibrary
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from pathlib import Path

MACHINES = {
    "x86_64": ("i386:x86-64", "x86_64", 64),
    "x86": ("i386", "i686", 32),
    "aarch64": ("arm64", "arm64", 64),
}
PYTHON = "LIBRARY python3.dll\nEXPORTS\nPyModule_Create2\nPyLong_FromLong\n"
TORCH = "LIBRARY torch_cpu.dll\nEXPORTS\naoti_torch_delete_tensor_object\nby_ordinal @7 NONAME\n"
SOCKETS = "LIBRARY ws2_32.dll\nEXPORTS\nonly_ordinal @3 NONAME\n"
SOURCE = r"""
#define IMPORT __declspec(dllimport)
#define EXPORT __declspec(dllexport)
IMPORT void *PyModule_Create2(void *, int);
IMPORT void *PyLong_FromLong(long);
IMPORT int aoti_torch_delete_tensor_object(void *);
IMPORT int by_ordinal(void);
IMPORT int only_ordinal(void);
EXPORT void *PyInit_ext(void) { PyLong_FromLong(by_ordinal()); return PyModule_Create2(0, 3); }
EXPORT void *PyInitU_ext(void) { return PyInit_ext(); }
EXPORT int zebra(void) { return aoti_torch_delete_tensor_object(0) + only_ordinal(); }
EXPORT int data = 3;
EXPORT int not_PyInit_ext(void) { return 0; }
__asm__(".section .drectve,\"yni\"; .ascii \" -export:forwarded=kernel32.Sleep\"; .text");
int DllMainCRTStartup(void *a, int b, void *c) { return 1; }
void *__stdcall __delayLoadHelper2(void *a, void *b) { return 0; }
"""
PLAIN = "-fno-sanitize=all"  # zig's debug builds call a sanitizer's runtime, which is not linked
ENTRY = ("-nostdlib", PLAIN, "-Wl,-e,DllMainCRTStartup")


def zig_tool(*command: str) -> None:
    """Run one of the tools in the zig wheel."""
    line = [zig_program(), *command]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


def import_libraries(folder: Path, machine: str) -> list[str]:
    libraries = []
    for name, definition in (("python3", PYTHON), ("torch_cpu", TORCH), ("ws2_32", SOCKETS)):
        listing, library = folder / f"{name}.def", folder / f"{name}.a"
        listing.write_text(definition)
        flag = MACHINES[machine][0]
        zig_tool("dlltool", "-m", flag, "-d", str(listing), "-l", str(library))
        libraries.append(str(library))
    return libraries


def read(path: Path) -> tuple[Binary, frozenset[bytes]]:
    with open_readable(path) as source:
        binary = pe.read(source)
        assert isinstance(binary, Binary)
        return binary, pe.exports(source, binary)


@pytest.fixture(scope="module", params=MACHINES)
def linked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("linked") / request.param
    folder.mkdir()
    libraries = import_libraries(folder, request.param)
    target = f"{request.param}-windows-gnu"
    return zig(SOURCE, folder / "ext.pyd", target, *ENTRY, "-x", "none", *libraries)


def test_a_linked_library(linked: Path) -> None:
    binary, exported = read(linked)
    _, arch, bits = MACHINES[linked.parent.name]
    assert (binary.arch, binary.bits, binary.byteorder) == (arch, bits, "little")
    assert dict(binary.providers) == {
        b"PyModule_Create2": "python3.dll",
        b"PyLong_FromLong": "python3.dll",
        b"aoti_torch_delete_tensor_object": "torch_cpu.dll",
    }
    assert set(binary.imports) == set(binary.providers)
    assert set(binary.needed) == {"python3.dll", "torch_cpu.dll", "ws2_32.dll"}
    assert (binary.delay_needed, binary.weak_imports) == ((), ())
    assert binary.soname == "ext.pyd"
    assert binary.entry_points == (b"PyInitU_ext", b"PyInit_ext")
    assert exported == {
        b"PyInit_ext",
        b"PyInitU_ext",
        b"zebra",
        b"data",
        b"not_PyInit_ext",
        b"forwarded",
    }


def test_lief_agrees(linked: Path) -> None:
    binary, exported = read(linked)
    oracle = lief.PE.parse(str(linked))
    assert isinstance(oracle, lief.PE.Binary)
    named = [
        (str(entry.name).encode(), library.name)
        for library in oracle.imports
        for entry in library.entries
        if not entry.is_ordinal
    ]
    assert list(binary.providers.items()) == named
    assert list(binary.needed) == [library.name for library in oracle.imports]
    table = oracle.get_export()
    assert table is not None
    assert exported == {str(entry.name).encode() for entry in table.entries}


@pytest.mark.parametrize("machine", MACHINES)
def test_delay_loaded_functions_are_imports(tmp_path: Path, machine: str) -> None:
    libraries = import_libraries(tmp_path, machine)
    code = tmp_path / "ext.c"
    code.write_text(SOURCE)
    target = f"{machine}-windows-gnu"
    made = str(tmp_path / "ext.obj")
    zig_tool("cc", "-target", target, PLAIN, "-c", "-x", "c", str(code), "-o", made)
    out = tmp_path / "ext.pyd"
    options = ["/dll", f"/out:{out}", "/entry:DllMainCRTStartup", "/lldmingw"]
    delays = ["/delayload:torch_cpu.dll", "/delayload:ws2_32.dll"]
    zig_tool("lld-link", *options, *delays, made, *libraries)
    binary, _ = read(out)
    assert binary.needed == ("python3.dll",)
    assert binary.delay_needed == ("torch_cpu.dll", "ws2_32.dll")
    assert binary.providers[b"aoti_torch_delete_tensor_object"] == "torch_cpu.dll"
    assert set(binary.imports) == set(binary.providers)
    assert len(binary.imports) == 3


def test_an_executable_is_not_a_library(tmp_path: Path) -> None:
    code = tmp_path / "program.c"
    code.write_text("int start(void) { return 0; }")
    made = str(tmp_path / "program.obj")
    zig_tool("cc", "-target", "x86_64-windows-gnu", PLAIN, "-c", "-x", "c", str(code), "-o", made)
    program = tmp_path / "program.dll"
    zig_tool("lld-link", f"/out:{program}", "/entry:start", "/subsystem:console", made)
    with open_readable(program) as source:
        assert pe.read(source) == NotALibrary("executable")
