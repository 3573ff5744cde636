"""Wheels with compiled libraries whose metadata is right or wrong: from compiler to rule."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.sources import source
from tests.support.toolchain import gcc, zig
from torch_abi_audit import PackageReport, inspect_package

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LINUX = "manylinux_2_28_x86_64"
SHIM = "torch_call_dispatcher"  # 2.10
UNSTABLE = "_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"  # gone: a name of the pre-C++11 ABI


def audited(
    tmp_path: Path,
    libraries: Mapping[str, Path],
    tag: str,
    *headers: str,
) -> PackageReport:
    path = tmp_path / f"demo-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, library in libraries.items():
            archive.write(library, name)
        lines = ["Metadata-Version: 2.1", "Name: demo", "Version: 1.0", *headers, "", ""]
        archive.writestr("demo-1.0.dist-info/METADATA", "\n".join(lines))
        archive.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr("demo-1.0.dist-info/RECORD", "")
    report = inspect_package(path)
    assert report.error is None
    assert all(one.error is None for one in report.libraries)
    return report


def rules(report: PackageReport) -> list[str]:
    return sorted({one.rule for one in report.findings})


@pytest.fixture
def stable(tmp_path: Path) -> Path:
    code = source([SHIM], exports=["PyInit__C"])
    return gcc(code, tmp_path / "built" / "_C.abi3.so", "-nostdlib")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Requires-Dist: torch>=2.10"], []),
        ([], ["M301"]),
        (["Requires-Dist: torch>=2.8"], ["M302"]),
        (["Requires-Dist: torch==2.10.0"], ["M304"]),
        (["Requires-Dist: torch>=2.10", "Requires-Python: >=3.9"], []),
        (["Requires-Dist: torch>=2.10", "Requires-Python: <3.9"], ["M315"]),
        (["Requires-Dist: torch (2"], ["M306"]),
    ],
)
def test_requirements(
    tmp_path: Path, stable: Path, headers: list[str], expected: list[str]
) -> None:
    report = audited(tmp_path, {"demo/_C.abi3.so": stable}, f"cp39-abi3-{LINUX}", *headers)
    assert rules(report) == expected
    assert report.proposed_requires_torch == "torch>=2.10"


def test_an_unstable_library_against_the_export_index(tmp_path: Path) -> None:
    built = gcc(source([UNSTABLE]), tmp_path / "built" / "_C.so", "-nostdlib")
    here = {"demo/_C.so": built}
    closed = audited(tmp_path, here, f"py3-none-{LINUX}", "Requires-Dist: torch>=2.8,<2.12")
    assert "M305" in rules(closed)
    assert "M303" not in rules(closed)
    opened = audited(tmp_path, here, f"py3-none-{LINUX}", "Requires-Dist: torch>=2.8")
    assert rules(opened) == ["M305"]  # one finding, which also says that a bound is missing


def test_names_and_tags(tmp_path: Path) -> None:
    built = gcc(source(exports=["PyInit__C"]), tmp_path / "built" / "x.so", "-nostdlib")
    versioned = {"demo/_C.cpython-310-x86_64-linux-gnu.so": built}
    assert rules(audited(tmp_path, versioned, f"cp310-cp310-{LINUX}")) == []
    assert rules(audited(tmp_path, versioned, f"cp311-cp311-{LINUX}")) == ["M311"]
    assert rules(audited(tmp_path, versioned, f"cp310-abi3-{LINUX}")) == ["M311"]
    assert rules(audited(tmp_path, versioned, f"py3-none-{LINUX}")) == ["M312"]
    assert rules(audited(tmp_path, {"demo/_C.abi3.so": built}, f"cp315-abi3t-{LINUX}")) == ["M313"]
    assert rules(audited(tmp_path, {"demo/_C.abi3t.so": built}, f"cp315-abi3t-{LINUX}")) == []
    plain = gcc(source(), tmp_path / "built" / "y.so", "-nostdlib")
    named = {"demo/_C.cpython-310-x86_64-linux-gnu.so": plain}
    assert rules(audited(tmp_path, named, f"cp310-abi3-{LINUX}")) == ["M318"]


def test_requires_python_and_the_floor(tmp_path: Path) -> None:
    code = source(["PyObject_GetBuffer"], exports=["PyInit__C"])  # stable since 3.11
    built = gcc(code, tmp_path / "built" / "_C.abi3.so", "-nostdlib")
    here = {"demo/_C.abi3.so": built}
    low = audited(tmp_path, here, f"py3-none-{LINUX}", "Requires-Python: >=3.9")
    assert rules(low) == ["M314"]
    assert low.min_python == "3.11"
    assert rules(audited(tmp_path, here, f"py3-none-{LINUX}", "Requires-Python: >=3.11")) == []
    assert rules(audited(tmp_path, here, f"cp39-abi3-{LINUX}")) == ["P203"]
    # an installer asks both
    assert rules(audited(tmp_path, here, f"cp39-abi3-{LINUX}", "Requires-Python: >=3.11")) == []


def test_symbol_versions_of_the_system(tmp_path: Path) -> None:
    code = "#include <stdlib.h>\nint f(void) { return (int)(long)malloc(3); }\n"
    built = gcc(code, tmp_path / "built" / "x.so")
    here = {"demo/x.so": built}
    report = audited(tmp_path, here, f"py3-none-{LINUX}")
    assert rules(report) == []
    assert report.glibc is not None
    old = zig("", tmp_path / "built" / "y.so", "x86_64-linux-gnu.2.17", "-nostdlib")
    assert rules(audited(tmp_path, {"demo/y.so": old}, "py3-none-manylinux2014_x86_64")) == []
    new = zig(
        "#include <pthread.h>\nint f(void *x) { return pthread_create(0, 0, 0, x); }\n",
        tmp_path / "built" / "z.so",
        "x86_64-linux-gnu.2.34",
        "-lpthread",
    )
    report = audited(tmp_path, {"demo/z.so": new}, f"py3-none-{LINUX}")
    assert rules(report) == ["L401"]
    assert report.glibc == "2.34"


def test_linkage(tmp_path: Path) -> None:
    other = gcc(source(exports=["gone"]), tmp_path / "built" / "libgone.so.1", "-nostdlib")
    flags = ("-nostdlib", "-L", str(other.parent), "-l:libgone.so.1")
    using = gcc(source(["gone"]), tmp_path / "built" / "x.so", *flags)
    tag = f"py3-none-{LINUX}"
    assert rules(audited(tmp_path, {"demo/x.so": using}, tag)) == ["L404"]
    assert rules(audited(tmp_path, {"demo/x.so": using, "demo/libgone.so.1": other}, tag)) == []
    strayed = gcc(source(), tmp_path / "built" / "y.so", "-nostdlib", "-Wl,-rpath,/builds/lib")
    assert rules(audited(tmp_path, {"demo/y.so": strayed}, tag)) == ["L405"]
    kept = gcc(source(), tmp_path / "built" / "z.so", "-nostdlib", "-Wl,-rpath,$ORIGIN/../lib")
    assert rules(audited(tmp_path, {"demo/z.so": kept}, tag)) == []


def test_libpython(tmp_path: Path) -> None:
    fake = gcc(source(exports=["Py_X"]), tmp_path / "built" / "libpython3.11.so.1.0", "-nostdlib")
    flags = ("-nostdlib", "-L", str(fake.parent), "-l:libpython3.11.so.1.0")
    code = source(["Py_X"], exports=["PyInit__C"])
    built = gcc(code, tmp_path / "built" / "x.so", *flags)
    assert rules(audited(tmp_path, {"demo/_C.abi3.so": built}, f"cp39-abi3-{LINUX}")) == ["L406"]
    named = {"demo/_C.cpython-311-x86_64-linux-gnu.so": built}
    assert rules(audited(tmp_path, named, f"cp311-cp311-{LINUX}")) == ["L407"]


def test_musl_and_other_machines(tmp_path: Path) -> None:
    musl = zig("", tmp_path / "built" / "m.so", "x86_64-linux-musl", "-nostdlib")
    arm = zig("", tmp_path / "built" / "a.so", "aarch64-linux-gnu.2.17", "-nostdlib")
    here = {"demo/m.so": musl}
    assert rules(audited(tmp_path, here, "py3-none-musllinux_1_2_x86_64")) == []
    both = {"demo/m.so": musl, "demo/a.so": arm}
    assert rules(audited(tmp_path, both, "py3-none-musllinux_1_2_x86_64")) == ["M317"]
    assert rules(audited(tmp_path, {"demo/a.so": arm}, f"py3-none-{LINUX}")) == ["M316"]


def test_macos_and_windows(tmp_path: Path) -> None:
    mac = zig(source(), tmp_path / "built" / "m.dylib", "aarch64-macos.13.0")
    here = {"demo/m.dylib": mac}
    assert rules(audited(tmp_path, here, "py3-none-macosx_11_0_arm64")) == ["L403"]
    assert rules(audited(tmp_path, here, "py3-none-macosx_13_0_arm64")) == []
    dll = zig(
        "__declspec(dllexport) int f(void) { return 1; }",
        tmp_path / "built" / "w.dll",
        "x86_64-windows-gnu",
    )
    assert rules(audited(tmp_path, {"demo/w.dll": dll}, "py3-none-win_amd64")) == []
    assert rules(audited(tmp_path, {"demo/w.dll": dll}, "py3-none-win_arm64")) == ["M316"]


def test_cuda(tmp_path: Path) -> None:
    built = tmp_path / "built"
    fakes = {
        name: gcc(source(exports=[symbol]), built / name, "-nostdlib")
        for name, symbol in (("libcudart.so.12", "a12"), ("libcublas.so.13", "b13"))
    }
    flags = ("-nostdlib", "-L", str(built))
    one = gcc(source([SHIM, "a12"]), built / "x.so", *flags, "-l:libcudart.so.12")
    tag = f"py3-none-{LINUX}"
    newer, older = "Requires-Dist: torch>=2.10", "Requires-Dist: torch==2.10.0"
    nvidia = "Requires-Dist: nvidia-cuda-runtime-cu12"
    here = {"demo/x.so": one}
    assert rules(audited(tmp_path, here, tag, newer)) == ["C501"]
    assert rules(audited(tmp_path, here, tag, older)) == []  # newer ones bring CUDA 13
    assert rules(audited(tmp_path, here, tag, newer, nvidia)) == ["C504"]
    bundled = {**here, "demo/libcudart.so.12": fakes["libcudart.so.12"]}
    report = audited(tmp_path, bundled, tag, newer)
    assert rules(report) == []
    assert report.cuda is not None
    assert report.cuda.bundled == ("libcudart.so.12",)
    alone = gcc(source(["a12"]), built / "y.so", *flags, "-l:libcudart.so.12")
    assert rules(audited(tmp_path, {"demo/y.so": alone}, tag)) == ["C502"]
    assert rules(audited(tmp_path, {"demo/y.so": alone}, tag, nvidia)) == []
    mixed = gcc(
        source(["a12", "b13"]), built / "z.so", *flags, "-l:libcudart.so.12", "-l:libcublas.so.13"
    )
    assert rules(audited(tmp_path, {"demo/z.so": mixed}, tag)) == ["C503"]


def test_flavours_are_held_against_the_requirement_together(tmp_path: Path) -> None:
    check = "_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_"  # int to 2.9.1, unsigned to 2.13
    built = {
        f"demo/_C_cuda_{cuda}.so": gcc(source([f"{check}{ending}"]), tmp_path / cuda, "-nostdlib")
        for cuda, ending in (("cu126", "ib"), ("cu130", "jb"))
    }
    report = audited(tmp_path, built, f"cp311-cp311-{LINUX}", "Requires-Dist: torch>=2.8,<2.14")
    assert rules(report) == []
    older, newer = built.values()
    for others in (
        {"demo/_C_cuda.so": older},
        {"demo/a_cu126.so": older, "demo/b_cu130.so": newer},
    ):
        report = audited(
            tmp_path, others, f"cp311-cp311-{LINUX}", "Requires-Dist: torch>=2.8,<2.14"
        )
        assert rules(report) != [], "not a flavour of the other"


def test_the_floor_of_stable_flavours_is_that_of_the_oldest(tmp_path: Path) -> None:
    for at, shim in (("cu126", SHIM), ("cu130", "torch_dtype_float4_e2m1fn_x2")):
        gcc(source([shim]), tmp_path / "built" / f"x_{at}.so", "-nostdlib")
    built = {f"demo/{one.name}": one for one in sorted((tmp_path / "built").iterdir())}
    report = audited(tmp_path, built, f"cp311-cp311-{LINUX}", "Requires-Dist: torch>=2.10")
    assert (rules(report), report.proposed_requires_torch) == ([], "torch>=2.10")
