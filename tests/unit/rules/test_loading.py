from __future__ import annotations

from typing import Any

import pytest

from tests.support.metadata_values import judged, library, mac, needs, only, rules
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.findings import Severity

MUSL = ("cp310-abi3-musllinux_1_2_x86_64",)
GOMP = needs("GOMP_4.0", library="libgomp.so.1")


def test_versions_of_a_library_that_is_not_needed() -> None:
    found = only(judged(library(version_needs=GOMP)), "L409")
    assert (found.severity, found.evidence) == (Severity.ERROR, ("libgomp.so.1",))


@pytest.mark.parametrize(
    "name",
    [
        "libc.so.6",
        "libm.so.6",
        "ld-linux-x86-64.so.2",
        "ld64.so.2",
        "libstdc++.so.6",
        "libX11.so.6",
    ],
)
def test_libraries_of_the_system_come_with_others_of_it(name: str) -> None:
    assert rules(judged(library(version_needs=needs("X_1", library=name)))) == []


def test_what_something_else_loads_under_that_name() -> None:
    copy = library("x.libs/libmore.so.1", module=False, needed=("libgomp.so.1",))
    own = library("x.libs/libgomp.so.1", module=False)
    used = library(needed=("libmore.so.1",), version_needs=GOMP)
    assert "L409" not in rules(judged(used, copy, own))
    torch = library(torch="2.11.0", version_needs=GOMP)
    assert rules(judged(torch, requires=("torch>=2.11",))) == []
    assert rules(judged(library(version_needs=GOMP), tags=MUSL)) == []  # musl reads no versions


@pytest.mark.parametrize("name", ["libz.so.1", "libcudart.so.12", "libc10.so", "libcuda.so.1"])
def test_a_soname_that_others_provide_as_well(name: str) -> None:
    own = library("x.libs/libown.so", module=False, soname=name)
    assert not {"L410", "L420"} & {*rules(judged(library(needed=(name,)), own))}


@pytest.mark.parametrize(("name", "expected"), [("b/libh.so", ["L420"])])
def test_a_path_from_the_current_directory(name: str, expected: list[str]) -> None:
    own = library("b/libh.so", module=False)
    assert rules(judged(library(needed=(name,)), own)) == expected


def test_a_soname_of_another_architecture_or_of_a_requirement() -> None:
    name = "libhelper.so.1"
    other = library("b/libhelper-2.so", module=False, soname=name, arch="aarch64")
    assert not {"L410", "L420"} & {*rules(judged(library(needed=(name,)), other))}
    own = library("b/libhelper-2.so", module=False, soname=name)
    assert rules(judged(library(needed=(name,)), own)) == ["L420"]
    assert rules(judged(library(needed=(name,)), own, requires=("helper",))) == []
    assert rules(judged(library(needed=(name,)), own, beside=(name,))) == []


@pytest.mark.parametrize(
    ("arch", "asked", "found"),
    [
        *((arch, None, True) for arch in ("x86_64", "i686", "armv7l", "s390x")),
        *((arch, None, False) for arch in ("aarch64", "ppc64le", "riscv64", "loongarch64")),
        *(("aarch64", True, True), ("x86_64", False, False)),
    ],
)
def test_executable_stacks(arch: str, asked: bool | None, *, found: bool) -> None:
    tags = (f"cp310-abi3-manylinux_2_28_{arch}",)
    report = judged(library(arch=arch, executable_stack=asked), tags=tags)
    assert ("L411" in rules(report)) is found


def test_versions_that_a_library_of_the_package_lacks() -> None:
    lacking: Any = {"needed": ("libh.so.1",), "version_needs": needs("H_2", library="libh.so.1")}

    def helper(*versions: str, at: str = "a") -> Any:
        return library(f"{at}/libh.so.1", module=False, version_definitions=versions)

    found = only(judged(library(**lacking), helper("H_1")), "L413")
    assert found.evidence == ("H_2 of libh.so.1",)
    assert rules(judged(library(**lacking), helper("H_1"), helper("H_2", at="b"))) == []
    needing = needs("GLIBC_2.2.5", library="libc.so.6")
    table = library("a/libh.so.1", module=False, needed=("libc.so.6",), version_needs=needing)
    assert rules(judged(library(**lacking), table)) == []  # a table without it: only a warning
    assert rules(judged(library(**lacking), helper())) == ["L413"]  # no table
    weak = {**lacking, "weak_version_needs": lacking["version_needs"]}
    assert rules(judged(library(**weak), helper("H_1"))) == []
    assert rules(judged(library(**lacking), helper("H_1"), tags=MUSL)) == []


def test_plugins_are_left_to_their_host() -> None:
    tags = ("cp310-abi3-macosx_11_0_arm64",)
    own = mac("lib/libhost.dylib", module=False, soname="@rpath/libhost.dylib")
    needed: Any = {"needed": ("@rpath/libhost.dylib",)}
    assert rules(judged(mac("lib/plugin.dylib", module=False, **needed), own, tags=tags)) == []
    assert rules(judged(mac("_C.so", **needed), own, tags=tags)) == ["L421"]


def test_torch_loads_a_library_of_operators_before_what_is_linked_to_it() -> None:
    tags = ("cp310-abi3-macosx_11_0_arm64",)
    name = "@rpath/libops.dylib"
    own = mac("lib/libops.dylib", module=False, soname=name, torch="2.11.0")
    report = judged(mac("_C.so", needed=(name,)), own, tags=tags, requires=("torch>=2.11",))
    assert rules(report) == []


def test_what_nothing_of_the_package_provides_is_no_lost_library() -> None:
    tags = ("cp310-abi3-macosx_11_0_arm64",)
    torch = mac(torch="2.11.0", needed=("@rpath/libc10.dylib",))
    assert rules(judged(torch, tags=tags, requires=("torch>=2.11",))) == []
    assert rules(judged(mac(needed=("@rpath/libav.dylib",)), tags=tags)) == ["L404"]


def test_delay_loads() -> None:
    tags = ("cp310-abi3-win_amd64",)
    pe: Any = {"format": Format.PE, "arch": "x86_64"}
    fine = ("SHELL32.dll", "CONCRT140.dll", "Own.dll", "torch_cuda.dll", "nvcuda.dll")
    own = library("mypkg/own.dll", module=False, **pe)
    assert "L414" not in rules(judged(library("_C.pyd", delay_needed=fine, **pe), own, tags=tags))
    used = library("_C.pyd", delay_needed=("avutil-58.dll",), **pe)
    found = only(judged(used, tags=tags), "L414")
    assert (found.severity, found.evidence) == (Severity.NOTE, ("avutil-58.dll",))
    assert "L404" not in rules(judged(used, tags=tags))
    # a weak library of a Mach-O file may be absent by design
    weak = mac(delay_needed=("@rpath/libav.dylib",))
    assert rules(judged(weak, tags=("cp310-abi3-macosx_11_0_arm64",))) == []
