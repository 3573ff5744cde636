from __future__ import annotations

from typing import Any

import pytest

from tests.support.metadata_values import LINUX, judged, library, only, rules
from torch_abi_audit.knowledge import platforms
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.reports import Linkage
from torch_abi_audit.model.verdicts import CPythonABIVerdict

CLAIM = CPythonABIVerdict(intent=True, compliant=True, references=1)
MUSL = ("cp310-abi3-musllinux_1_2_x86_64",)


def needs(*versions: str, library: str = "libc.so.6") -> tuple[tuple[str, str], ...]:
    return tuple((library, version) for version in versions)


def test_the_newest_glibc_symbol_version_is_a_fact() -> None:
    report = judged(library(version_needs=needs("GLIBC_2.9", "GLIBC_2.17", "GLIBC_2.2.5")))
    assert report.glibc == "2.17"
    assert rules(report) == []
    assert judged(library()).glibc is None


@pytest.mark.parametrize(
    "version",
    ["GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR", "GLIBC_", "GLIBC_2.", "GLIBC_ABI_2.40", "glibc_2.40"],
)
def test_symbol_versions_without_a_number(version: str) -> None:
    report = judged(library(version_needs=needs(version, "GLIBC_2.17")))
    assert report.glibc == "2.17"
    assert rules(report) == []


def test_glibc_newer_than_the_tag() -> None:
    report = judged(library(version_needs=needs("GLIBC_2.34", "GLIBC_2.17")))
    found = only(report, "L401")
    assert found.evidence == ("GLIBC_2.34",)
    assert found.message == (
        "it needs glibc 2.34, and the wheel's tag manylinux_2_28_x86_64 promises 2.28"
    )
    assert "manylinux_2_34_x86_64" in found.fix


def test_the_lowest_tag_is_the_promise() -> None:
    tags = (*LINUX, "cp310-abi3-manylinux2014_x86_64")
    assert rules(judged(library(version_needs=needs("GLIBC_2.28")), tags=tags)) == ["L401"]
    assert rules(judged(library(version_needs=needs("GLIBC_2.28")))) == []


def test_a_plain_linux_tag_promises_nothing() -> None:
    plain = ("cp310-abi3-linux_x86_64",)
    assert rules(judged(library(version_needs=needs("GLIBC_2.40")), tags=plain)) == []


def test_a_glibc_without_a_policy_of_its_own() -> None:
    tags = ("cp310-abi3-manylinux_2_32_x86_64",)
    assert rules(judged(library(version_needs=needs("GLIBC_2.32")), tags=tags)) == []
    assert rules(judged(library(version_needs=needs("GLIBC_2.33")), tags=tags)) == ["L401"]


@pytest.mark.parametrize(
    ("version", "fires"),
    [("GLIBCXX_3.4.24", False), ("GLIBCXX_3.4.25", True), ("CXXABI_1.3.12", True)],
)
def test_libstdcxx_newer_than_the_tag(version: str, fires: bool) -> None:
    used = library(version_needs=needs(version, library="libstdc++.so.6"))
    assert rules(judged(used)) == (["L402"] if fires else [])


def test_a_bundled_libstdcxx_is_not_the_systems() -> None:
    used = library(
        version_needs=needs("GLIBCXX_3.4.30", library="libstdc++-0a1b2c3d.so.6"),
        needed=("libstdc++-0a1b2c3d.so.6",),
    )
    bundled = library("mypkg.libs/libstdc++-0a1b2c3d.so.6", module=False)
    assert rules(judged(used, bundled)) == []
    assert rules(judged(used, beside=("libstdc++-0a1b2c3d.so.6",))) == []


def test_musl_wheels_and_glibc() -> None:
    assert rules(judged(library(needed=("libc.so.6",)), tags=MUSL)) == ["L408"]
    assert rules(judged(library(needed=("libc.musl-x86_64.so.1",)), tags=MUSL)) == []
    assert rules(judged(library(needed=("libc.musl-x86_64.so.1",)))) == ["L408"]
    assert rules(judged(library(needed=("libc.so.6", "ld-linux-x86-64.so.2")))) == []


def mac(name: str = "_C.abi3.so", **image: Any) -> Any:
    return library(name, **{"format": Format.MACHO, "arch": "arm64", **image})


def test_macos_newer_than_the_tag() -> None:
    tags = ("cp310-abi3-macosx_11_0_arm64",)
    found = only(judged(mac(min_os="12.3"), tags=tags), "L403")
    assert "macOS 12.3" in found.message
    assert rules(judged(mac(min_os="11.0"), tags=tags)) == []
    assert rules(judged(mac(), tags=tags)) == []


def test_macos_on_arm_begins_with_11() -> None:
    tags = ("cp310-abi3-macosx_10_9_universal2",)
    slices = (
        Linkage(Format.MACHO, "x86_64", min_os="10.9"),
        Linkage(Format.MACHO, "arm64", min_os="11.0"),
    )
    assert rules(judged(library(images=slices), tags=tags)) == []
    newer = (slices[0], Linkage(Format.MACHO, "arm64", min_os="12.0"))
    assert rules(judged(library(images=newer), tags=tags)) == ["L403"]


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
    assert rules(judged(mac(needed=fine), own, tags=tags)) == []
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


def test_absolute_rpaths() -> None:
    report = judged(library(rpaths=("$ORIGIN/../lib", "/opt/conda/lib", "/builds/x")))
    assert only(report, "L405").evidence == ("/builds/x", "/opt/conda/lib")
    fine = ("$ORIGIN", "${ORIGIN}/x", "@loader_path/..", "@rpath", "/usr/lib/swift", "/usr/lib")
    assert rules(judged(library(rpaths=fine))) == []


@pytest.mark.parametrize("platform", ["android_24_arm64_v8a", "ios_13_0_arm64_iphoneos"])
def test_nothing_is_missed_on_a_platform_without_facts(platform: str) -> None:
    used = library(needed=("libdl.so", "liblog.so", "libpython3.13.so"))
    assert rules(judged(used, tags=(f"cp313-cp313-{platform}",))) == []
    assert rules(judged(used, tags=("cp313-cp313-linux_x86_64",))) == ["L404", "L407"]


def test_libpython() -> None:
    linked = ("libpython3.11.so.1.0",)
    assert rules(judged(library(needed=linked, python=CLAIM))) == ["L406"]
    assert rules(judged(library("_C.so", needed=linked))) == ["L407"]
    own = library("lib/libpython3.11.so.1.0", module=False)
    assert rules(judged(library(needed=linked, python=CLAIM), own)) == []
    framework = ("/Library/Frameworks/Python.framework/Versions/3.11/Python",)
    tags = ("cp310-abi3-macosx_11_0_arm64",)
    assert rules(judged(mac(needed=framework, python=CLAIM), tags=tags)) == ["L406"]


@pytest.mark.parametrize(
    ("tag", "version", "architectures", "libc"),
    [
        ("manylinux2014_aarch64", (2, 17), ("aarch64",), "glibc"),
        ("manylinux1_i686", (2, 5), ("i686",), "glibc"),
        ("musllinux_1_2_x86_64", (1, 2), ("x86_64",), "musl"),
        ("linux_x86_64", None, ("x86_64",), None),
        ("macosx_10_9_universal2", (10, 9), ("x86_64", "arm64"), None),
        ("win_arm64", None, ("arm64",), None),
        ("ios_13_0_arm64_iphoneos", None, (), None),
        ("macosx_11_0_arm64", (11, 0), ("arm64",), None),
        ("manylinux_2_28", None, (), None),
        ("manylinux_2_x_x86_64", None, (), None),
        ("manylinux_2_28_x86_64.manylinux2014_x86_64", None, (), None),
        ("manylinux_2_28_", None, (), None),
        ("", None, (), None),
    ],
)
def test_platform_tags(
    tag: str, version: tuple[int, int] | None, architectures: tuple[str, ...], libc: str | None
) -> None:
    read = platforms.platform(tag)
    assert read is not None
    assert (read.version, read.architectures, read.libc) == (version, architectures, libc)
    assert platforms.platform("any") is None
