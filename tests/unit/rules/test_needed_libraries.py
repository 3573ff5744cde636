from __future__ import annotations

from typing import Any

import pytest

from tests.support.metadata_values import judged, library, mac, only, rules
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.verdicts import CPythonABIVerdict

CLAIM = CPythonABIVerdict(intent=True, compliant=True, references=1)


def test_libraries_that_nothing_provides() -> None:
    report = judged(library(needed=("libavutil.so.58", "libc.so.6", "libz.so.1")))
    assert only(report, "L404").evidence == ("libavutil.so.58",)


@pytest.mark.parametrize(
    "name",
    [
        *("libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"),
        *("libtorch_cpu.so", "libc10.so", "libcuda.so.1", "libnvidia-ml.so.1", "libcudart.so.12"),
        *("libsycl.so.8", "libamdhip64.so.6", "libmine-12345678.so.1", "libsoname.so.3"),
    ],
)
def test_libraries_that_are_provided(name: str) -> None:
    own = library("mypkg.libs/libmine-12345678.so.1", module=False)
    named = library("lib/libreal.so.3.1", module=False, soname="libsoname.so.3")
    assert "L404" not in rules(judged(library(needed=(name,)), own, named))


@pytest.mark.parametrize(
    ("name", "requirement", "found"),
    [
        ("libmetatensor.so", "metatensor-core<0.3", False),
        ("libshiboken6.abi3.so.6.12", "shiboken6==6.12.0", False),
        ("libarrow.so.2400", "pyarrow", False),
        ("libmetatensor.so", "metadata", True),
        ("libavutil.so.58", "torch", True),
    ],
)
def test_a_library_named_after_a_requirement_may_come_from_it(
    name: str, requirement: str, found: bool
) -> None:
    report = judged(library(needed=(name,)), requires=(requirement,))
    assert ("L404" in rules(report)) is found


def test_what_torch_brings_counts_for_what_uses_torch() -> None:
    omp = ("libgomp.so.1",)
    assert rules(judged(library(needed=omp))) == ["L404"]
    assert "L404" not in rules(judged(library(needed=omp, torch="2.11.0")))
    assert "L404" not in rules(judged(library(needed=omp), requires=("torch",)))


def test_a_word_with_a_number_names_the_libraries_that_begin_with_it() -> None:
    qt = ("libQt6Core.so.6", "libQt6Gui.so.6")
    assert rules(judged(library(needed=qt))) == ["L404"]
    assert "L404" not in rules(judged(library(needed=qt), requires=("PyQt6-Qt6 (<6.10,>=6.9)",)))
    assert rules(judged(library(needed=qt), requires=("PyQt5-Qt5", "q6"))) == ["L404"]


def test_macos_libraries() -> None:
    tags = ("cp310-abi3-macosx_11_0_arm64",)
    fine = ("/usr/lib/libSystem.B.dylib", "/System/Library/Frameworks/X", "@rpath/libmine.dylib")
    own = mac("lib/libmine.dylib", module=False)
    assert rules(judged(mac(needed=fine, rpaths=("@loader_path/lib",)), own, tags=tags)) == []
    report = judged(mac(needed=("/opt/homebrew/lib/libomp.dylib",)), tags=tags)
    assert only(report, "L404").evidence == ("/opt/homebrew/lib/libomp.dylib",)


def test_windows_libraries() -> None:
    tags = ("cp310-abi3-win_amd64",)
    fine = (
        *("KERNEL32.dll", "api-ms-win-crt-runtime-l1-1-0.dll", "VCRUNTIME140_1.dll", "python3.dll"),
        *("MSVCP140.dll", "torch_cpu.dll", "cudart64_12.dll", "Mine-1a2b3c4d.DLL", "dxcore.dll"),
    )
    pe: Any = {"format": Format.PE, "arch": "x86_64"}
    own = library("mypkg.libs/mine-1a2b3c4d.dll", module=False, **pe)
    used = library("_C.pyd", needed=fine, **pe)
    assert "L404" not in rules(judged(used, own, tags=tags))
    report = judged(library("_C.pyd", needed=("avutil-58.dll",), **pe), tags=tags)
    assert only(report, "L404").evidence == ("avutil-58.dll",)


def test_each_library_is_told_what_it_lacks() -> None:
    tags = ("py3-none-any",)
    first = library("a.so", needed=("libavutil.so.58", "kernel32.dll"))
    second = library("b.pyd", format=Format.PE, needed=("avutil-58.dll", "KERNEL32.dll"))
    third = library("c.so", needed=("libc.so.6", "libm.so.6"))
    report = judged(first, second, third, tags=tags)
    assert [(one.library, one.evidence) for one in report.findings if one.rule == "L404"] == [
        ("a.so", ("kernel32.dll", "libavutil.so.58")),
        ("b.pyd", ("avutil-58.dll",)),
    ]


@pytest.mark.parametrize("platform", ["android_24_arm64_v8a", "ios_13_0_arm64_iphoneos"])
def test_nothing_is_missed_on_a_platform_without_facts(platform: str) -> None:
    used = library(needed=("libdl.so", "liblog.so", "libpython3.13.so"))
    assert rules(judged(used, tags=(f"cp313-cp313-{platform}",))) == []
    assert rules(judged(used, tags=("cp313-cp313-linux_x86_64",))) == ["L404", "L407"]


def test_libpython() -> None:
    linked = ("libpython3.11.so.1.0",)
    one = ("cp311-cp311-manylinux_2_28_x86_64",)
    assert rules(judged(library(needed=linked, python=CLAIM))) == ["L406"]
    assert rules(judged(library("_C.so", needed=linked), tags=one)) == ["L407"]
    own = library("lib/libpython3.11.so.1.0", module=False)
    assert rules(judged(library(needed=linked, python=CLAIM), own)) == ["L419"]
    framework = ("/Library/Frameworks/Python.framework/Versions/3.11/Python",)
    tags = ("cp310-abi3-macosx_11_0_arm64",)
    assert rules(judged(mac(needed=framework, python=CLAIM), tags=tags)) == ["L406"]


def test_the_tag_of_an_abi3_wheel_is_a_claim_for_every_library() -> None:
    helper = library("lib/libhelper.so", module=False, needed=("libpython3.11.so.1.0",))
    found = only(judged(library(), helper), "L406")
    assert found.message == ("linked to libpython3.11.so.1.0, but the wheel is tagged cp310-abi3")
    mixed = ("cp311-abi3-manylinux_2_28_x86_64", "cp310-cp310-manylinux_2_28_x86_64")
    assert rules(judged(library(), helper, tags=mixed)) == ["L407"]


def test_the_python_of_a_framework_is_named_by_its_path() -> None:
    path = "/opt/local/Library/Frameworks/Python.framework/Versions/3.5/Python"
    found = only(judged(mac("_C.so", needed=(path,)), tags=("py3-none-macosx_11_0_arm64",)), "L407")
    assert found.message == f"linked to {path}, a path that few machines have"


@pytest.mark.parametrize(
    ("arch", "requirement", "found"),
    [
        ("aarch64", "torch>=2.11", []),
        ("x86_64", "torch>=2.11", ["L404"]),
        ("x86_64", "torch>=2.15", []),
        ("x86_64", "torch==2.15.0", []),
        ("x86_64", "torch!=2.14.0,>=2.14", ["L404"]),  # 2.14.1
    ],
)
def test_libgfortran_comes_with_torch(arch: str, requirement: str, found: list[str]) -> None:
    used = library(torch="2.11.0", arch=arch, needed=("libgfortran.so.5",))
    report = judged(used, tags=(f"cp310-abi3-manylinux_2_28_{arch}",), requires=(requirement,))
    assert [one for one in rules(report) if one.startswith("L")] == found


@pytest.mark.parametrize("name", ["mkl_rt.2.dll", "tbb12.dll"])
def test_windows_libraries_of_oneapi_that_torch_does_not_bring(name: str) -> None:
    tags = ("cp310-abi3-win_amd64",)
    pe: Any = {"format": Format.PE, "arch": "x86_64"}
    used = library("_C.pyd", torch="2.11.0", needed=(name,), **pe)
    assert rules(judged(used, tags=tags, requires=("torch>=2.11",))) == ["L404"]
    requirement = name[:3]
    assert rules(judged(used, tags=tags, requires=("torch>=2.11", requirement))) == []
    xpu = library("_C.pyd", torch="2.11.0", needed=(name, "sycl8.dll"), **pe)
    assert rules(judged(xpu, tags=tags, requires=("torch>=2.11",))) == []
