from __future__ import annotations

from tests.support.metadata_values import judged, library, only, rules
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.reports import Linkage
from torch_abi_audit.report.audit.facts import facts

CP311 = "cp311-cp311-manylinux_2_28_x86_64"
V311 = "_C.cpython-311-x86_64-linux-gnu.so"


def test_a_file_for_another_architecture() -> None:
    arm = library(V311, arch="aarch64")
    assert only(judged(arm, tags=(CP311,)), "M316").message == (
        "built for Linux aarch64, but the wheel is tagged manylinux_2_28_x86_64"
    )
    mac = library("_C.abi3.so", format=Format.MACHO, arch="arm64")
    assert rules(judged(mac)) == ["M316"]
    assert rules(judged(mac, tags=("cp310-abi3-macosx_11_0_arm64",))) == []


def test_a_foreign_library_beside_fitting_ones_is_a_note() -> None:
    data = library("data/attach.dll", format=Format.PE, arch="i686", module=False)
    assert rules(judged(library(), data)) == ["M317"]
    assert rules(judged(data)) == ["M316"]
    assert rules(judged(data, tags=("py3-none-any",))) == []


def test_libraries_for_several_other_platforms_are_one_fact() -> None:
    data = [
        library(f"data/{arch}.dll", format=Format.PE, arch=arch, module=False)
        for arch in ("i686", "x86_64", "arm64")
    ]
    (fact,) = facts(judged(library(), *data).findings)
    assert fact.message == (
        "built for Windows arm64, Windows i686 and Windows x86_64, but the wheel is tagged "
        "manylinux_2_28_x86_64"
    )


def test_several_platforms_in_one_wheel() -> None:
    tags = ("cp310-abi3-manylinux_2_28_x86_64", "cp310-abi3-manylinux_2_28_aarch64")
    assert rules(judged(library(arch="aarch64"), library("_D.abi3.so"), tags=tags)) == []


def test_a_universal_wheel_needs_both_slices() -> None:
    tags = ("cp311-cp311-macosx_11_0_universal2",)
    name = "_C.cpython-311-darwin.so"
    slices = tuple(Linkage(Format.MACHO, arch) for arch in ("x86_64", "arm64"))
    assert rules(judged(library(name, images=slices), tags=tags)) == []
    report = judged(library(name, images=slices[:1]), tags=tags)
    assert "has no slice for arm64" in only(report, "M316").message


def test_platforms_that_are_not_known_are_not_judged() -> None:
    assert rules(judged(library(), tags=("cp310-abi3-wasm32",))) == []
