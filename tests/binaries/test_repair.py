"""The printed commands, run by the real auditwheel and delvewheel on built wheels."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.toolchain import gcc, zig, zig_program
from torch_abi_audit import inspect_package
from torch_abi_audit.repair.plan import Repair, plan

ABOUT = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: torch\n\n"
TORCH = ("libc10.so", "libtorch.so", "libtorch_cpu.so", "libtorch_python.so", "libtorch_cuda.so")
GIVEN = (*TORCH, "libcudart.so.13", "libcuda.so.1")
"""The libraries that others bring, as files beside the wheel."""


def write_wheel(path: Path, members: dict[str, Path]) -> Path:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in members.items():
            archive.write(file, name)
        tag = path.stem.partition("-1.0-")[2]
        archive.writestr("demo-1.0.dist-info/METADATA", ABOUT)
        archive.writestr(
            "demo-1.0.dist-info/WHEEL",
            f"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: false\nTag: {tag}\n",
        )
        record = "".join(f"{name},,\n" for name in (*members, "demo-1.0.dist-info/METADATA"))
        archive.writestr("demo-1.0.dist-info/RECORD", record)
    return path


def repair_of(wheel: Path) -> Repair:
    (one,) = plan(inspect_package(wheel), f"dist/{wheel.name}").repairs
    return one


def run(
    command: str, folder: Path, libraries: str | Path = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment, which finds no library but those of ``libraries``."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": programs, "LD_LIBRARY_PATH": str(libraries), **more}
    words = shlex.split(command)
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


def members(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return sorted(name for name in archive.namelist() if ".so" in name or ".dll" in name)


def needed(library: Path) -> list[str]:
    out = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True)
    return [line.split("[")[1][:-1] for line in out.stdout.splitlines() if "(NEEDED)" in line]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stand-ins for torch, CUDA and the driver, a library of the project, and an extension.

    As in torch, ``libtorch_cpu`` is linked to more: to ``libcudart`` and to a library (as
    ``libgomp`` is) that only it needs. The project's library is linked to ``libtorch_cpu``, which
    the extension is not.
    """
    root = tmp_path_factory.mktemp("repair")
    found, own = root / "torch", root / "own"
    found.mkdir()

    def library(folder: Path, name: str, *links: str, text: str = "") -> Path:
        symbol = name.partition(".")[0].replace("-", "_")
        flags = [f"-Wl,-soname,{name}", "-Wl,--no-as-needed", f"-L{found}", f"-L{own}"]
        code = f"int {symbol}(void) {{ return 0; }}\n{text}"
        return gcc(code, folder / name, *flags, *(f"-l:{link}" for link in links))

    library(found, "libcuda.so.1")
    library(found, "libcudart.so.13")
    library(found, "libonlytorch.so.1")
    library(found, "libc10.so")
    library(found, "libtorch_cpu.so", "libc10.so", "libcudart.so.13", "libonlytorch.so.1")
    library(found, "libtorch_cuda.so", "libtorch_cpu.so", "libcudart.so.13", "libcuda.so.1")
    library(found, "libtorch.so", "libtorch_cpu.so")
    library(found, "libtorch_python.so", "libtorch.so")
    library(own, "libown.so.3", "libtorch_cpu.so")
    links = ["libc10.so", "libtorch.so", "libtorch_python.so", "libtorch_cuda.so"]
    links += ["libcudart.so.13", "libcuda.so.1", "libown.so.3"]
    library(root, "_C.so", *links, text="void *PyInit__C(void) { return 0; }")
    write_wheel(
        root / "dist" / "demo-1.0-cp311-cp311-linux_x86_64.whl", {"demo/_C.so": root / "_C.so"}
    )
    return root


def test_auditwheel_fails_without_the_command_and_succeeds_with_it(built: Path) -> None:
    (wheel,) = (built / "dist").glob("*.whl")
    one = repair_of(wheel)
    bare = run(f"auditwheel repair -w bare dist/{wheel.name}", built, built / "own")
    assert bare.returncode != 0
    assert "Cannot repair wheel, because required library" in bare.stderr
    done = run(one.command, built, built / "own")
    assert done.returncode == 0, done.stderr
    (repaired,) = (built / "wheelhouse").glob("*.whl")
    assert [name.partition("-")[0] for name in members(repaired)] == [
        "demo.libs/libown",
        "demo/_C.so",
    ]
    with zipfile.ZipFile(repaired) as archive:
        extension = archive.extract("demo/_C.so", built / "unpacked")
    kept = [name for name in needed(Path(extension)) if not name.startswith("libown-")]
    assert kept == [name for name in needed(built / "_C.so") if name != "libown.so.3"]


def test_what_torch_needs_is_not_copied_where_auditwheel_finds_torch(built: Path) -> None:
    (wheel,) = (built / "dist").glob("*.whl")
    everywhere = f"{built / 'own'}:{built / 'torch'}"
    bare = run(f"auditwheel repair -w all dist/{wheel.name}", built, everywhere)
    assert bare.returncode == 0, bare.stderr
    (greedy,) = (built / "all").glob("*.whl")
    copied = {name.partition("-")[0] for name in members(greedy)}
    assert {"demo.libs/libonlytorch", "demo.libs/libtorch_cpu", "demo.libs/libcuda"} <= copied
    one = repair_of(wheel)
    done = run(one.command.replace("repair ", "repair -w found ", 1), built, everywhere)
    assert done.returncode == 0, done.stderr
    (repaired,) = (built / "found").glob("*.whl")
    assert [name.partition("-")[0] for name in members(repaired)] == [
        "demo.libs/libown",
        "demo/_C.so",
    ]


def test_a_wheel_that_swallowed_torch_gets_the_command_of_the_one_that_was_built(
    built: Path,
) -> None:
    (wheel,) = (built / "dist").glob("*.whl")
    done = run(
        f"auditwheel repair -w swallowed dist/{wheel.name}",
        built,
        f"{built / 'own'}:{built / 'torch'}",
    )
    assert done.returncode == 0, done.stderr
    (greedy,) = (built / "swallowed").glob("*.whl")
    one = repair_of(greedy)
    copies = {each.library for each in one.excluded if each.copy is not None}
    assert copies == {*TORCH, "libcudart.so.13", "libcuda.so.1"}
    done = run(
        one.command.replace("repair ", "repair -w again ", 1).replace(
            "dist/*.whl", f"dist/{wheel.name}"
        ),
        built,
        built / "own",
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def for_windows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Windows wheel whose extension is linked to c10, cudart, Python and a DLL of the project."""
    root = tmp_path_factory.mktemp("windows")
    names = {"c10": "c10", "cudart64_13": "cudart", "python311": "python", "own": "own"}
    target, plain = "x86_64-windows-gnu", ("-nostdlib", "-fno-sanitize=all", "-Wl,-e,start")
    start = "int start(void *a, int b, void *c) { return 1; }\n"
    links = []
    for name, function in names.items():
        listing, library = root / f"{name}.def", root / f"{name}.a"
        listing.write_text(f"LIBRARY {name}.dll\nEXPORTS\n{function}\n")
        words = [zig_program(), "dlltool", "-m", "i386:x86-64", "-d", str(listing)]
        words += ["-l", str(library)]
        subprocess.run(words, check=True, capture_output=True)
        links.append(str(library))
    code = f"{start}__declspec(dllexport) int own(void) {{ return 0; }}"
    zig(code, root / "own" / "own.dll", target, *plain)
    declared = "".join(f"__declspec(dllimport) int {one}(void);\n" for one in names.values())
    sum_of = " + ".join(f"{one}()" for one in names.values())
    code = f"{start}{declared}__declspec(dllexport) int PyInit__C(void) {{ return {sum_of}; }}"
    extension = zig(code, root / "_C.pyd", target, *plain, "-x", "none", *links)
    write_wheel(root / "dist" / "demo-1.0-cp311-cp311-win_amd64.whl", {"demo/_C.pyd": extension})
    return root


def test_delvewheel_fails_without_the_command_and_succeeds_with_it(for_windows: Path) -> None:
    (wheel,) = (for_windows / "dist").glob("*.whl")
    one = repair_of(wheel)
    assert one.tool == "delvewheel"
    bare = run(f"delvewheel repair --add-path own -w bare dist/{wheel.name}", for_windows)
    assert bare.returncode != 0
    assert "Unable to find library: " in bare.stderr
    done = run(one.command.replace("repair ", "repair --add-path own ", 1), for_windows)
    assert done.returncode == 0, done.stdout + done.stderr
    (repaired,) = (for_windows / "wheelhouse").glob("*.whl")
    assert [name.partition("-")[0] for name in members(repaired)] == ["demo.libs/own"]
