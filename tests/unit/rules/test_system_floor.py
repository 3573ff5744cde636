from __future__ import annotations

import pytest
from packaging.tags import mac_platforms

from tests.support.metadata_values import LINUX, judged, library, mac, needs, only, rules
from torch_abi_audit.knowledge import platforms
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.reports import Linkage
from torch_abi_audit.model.verdicts import CPythonABIVerdict

CLAIM = CPythonABIVerdict(intent=True, compliant=True, references=1)
MUSL = ("cp310-abi3-musllinux_1_2_x86_64",)


def test_glibc_newer_than_the_tag() -> None:
    report = judged(library(version_needs=needs("GLIBC_2.34", "GLIBC_2.17")))
    found = only(report, "L401")
    assert found.evidence == ("GLIBC_2.34",)
    assert found.message == (
        "needs glibc 2.34, but the wheel's tag manylinux_2_28_x86_64 promises only 2.28"
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


def test_one_tag_for_the_whole_wheel() -> None:
    """The tag in each fix, which auditwheel has a policy for, is that of the highest floor."""
    report = judged(
        library("a.so", version_needs=needs("GLIBC_2.14")),
        library("b.so", version_needs=needs("GLIBC_2.16")),
        library("c.so", version_needs=needs("GLIBCXX_3.4.22", library="libstdc++.so.6")),
        tags=("cp310-cp310-manylinux1_x86_64",),
    )
    assert rules(report) == ["L401", "L401", "L402"]
    assert all("Tag the wheel `manylinux_2_24_x86_64`" in one.fix for one in report.findings)


def test_a_system_newer_than_every_tag() -> None:
    found = only(judged(library(version_needs=needs("GLIBC_2.99"))), "L401")
    assert found.fix == (
        "No manylinux tag is for systems that are so new: build on an older system."
    )


def test_the_policy_of_a_tag_says_which_glibc_it_promises() -> None:
    """CentOS 7 for aarch64 has symbols of glibc 2.18, so auditwheel accepts them."""
    tags = ("cp310-abi3-manylinux2014_aarch64",)
    one = library(arch="aarch64", version_needs=needs("GLIBC_2.18"))
    assert rules(judged(one, tags=tags)) == []
    one = library(arch="aarch64", version_needs=needs("GLIBC_2.19"))
    assert rules(judged(one, tags=tags)) == ["L401"]


def test_one_macos_for_the_whole_wheel() -> None:
    report = judged(
        mac("a.so", min_os="12.0"),
        mac("b.so", min_os="14.0"),
        tags=("cp310-cp310-macosx_11_0_arm64",),
    )
    assert rules(report) == ["L403", "L403"]
    assert all(one.fix.startswith("Tag the wheel `macosx_14_0_…`") for one in report.findings)


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
    versions = ("GLIBCXX_3.4.30",)
    bundled = library(
        "mypkg.libs/libstdc++-0a1b2c3d.so.6", module=False, version_definitions=versions
    )
    assert rules(judged(used, bundled)) == []
    assert rules(judged(used, beside=("libstdc++-0a1b2c3d.so.6",))) == []


def test_musl_wheels_and_glibc() -> None:
    assert rules(judged(library(needed=("libc.so.6",)), tags=MUSL)) == ["L408"]
    assert rules(judged(library(needed=("libc.musl-x86_64.so.1",)), tags=MUSL)) == []
    assert rules(judged(library(needed=("libc.musl-x86_64.so.1",)))) == ["L408"]
    assert rules(judged(library(needed=("libc.so.6", "ld-linux-x86-64.so.2")))) == []


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
    found = only(judged(library(images=newer), tags=tags), "L403")
    assert found.message.endswith("tag macosx_10_9_universal2 promises 11.0 on arm64")


def test_of_a_universal_file_the_image_counts_that_is_furthest_beyond() -> None:
    tags = ("cp310-abi3-macosx_10_9_universal2",)
    slices = tuple(Linkage(Format.MACHO, arch, min_os="12.0") for arch in ("arm64", "x86_64"))
    found = only(judged(library(images=slices), tags=tags), "L403")
    assert found.message.endswith("tag macosx_10_9_universal2 promises 10.9")
    assert "MACOSX_DEPLOYMENT_TARGET=10.9" in found.fix


@pytest.mark.parametrize(
    ("needed", "tag", "fires"),
    [
        ("11.1", "macosx_11_0_arm64", False),
        ("12.3", "macosx_12_0_arm64", False),
        ("12.3", "macosx_11_0_arm64", True),
        ("12.3", "macosx_11_7_arm64", True),
        ("14.4.1", "macosx_14_0_universal2", False),
        ("26.0", "macosx_14_0_universal2", True),
        ("11.3", "macosx_10_9_universal2", False),
        ("10.13", "macosx_10_9_x86_64", True),
        ("10.9", "macosx_10_9_x86_64", False),
        ("11.2", "macosx_10_15_x86_64", True),
        ("10.16", "macosx_11_0_x86_64", False),
        ("11.3", "macosx_10_16_x86_64", False),
    ],
)
def test_minor_releases_of_macos_count_until_10(needed: str, tag: str, fires: bool) -> None:
    arch = "x86_64" if tag.endswith("x86_64") else "arm64"
    one = mac("libx.dylib", module=False, min_os=needed, arch=arch)
    assert rules(judged(one, tags=(f"cp310-abi3-{tag}",))) == ["L403"] * fires


@pytest.mark.parametrize(
    ("needed", "tag", "excluding"),
    [("12.3", "macosx_12_0", "macosx_13_0"), ("12.0", "macosx_12_0", None)],
)
def test_the_tag_in_the_fix_is_one_that_installers_accept(
    needed: str, tag: str, excluding: str | None
) -> None:
    (found,) = judged(mac(min_os=needed), tags=("cp310-abi3-macosx_11_0_arm64",)).findings
    assert f"`{tag}_…`" in found.fix
    assert ("excludes" in found.fix) is (excluding is not None)
    if excluding is not None:
        assert f"`{excluding}_…`" in found.fix
    version = tuple(map(int, needed.split(".")))
    accepted = set(mac_platforms((version[0], version[1]), "arm64"))
    assert f"{tag}_arm64" in accepted
    assert f"macosx_{needed.replace('.', '_')}_arm64" in accepted or version[1] > 0


def test_a_universal_file_is_one_finding() -> None:
    slices = tuple(Linkage(Format.MACHO, arch, min_os="13.0") for arch in ("x86_64", "arm64"))
    report = judged(library(images=slices), tags=("cp310-abi3-macosx_10_14_universal2",))
    assert rules(report) == ["L403"]


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


def test_versions_of_glibc_that_another_library_is_asked_for() -> None:
    """libgcc has versions of that name for its own symbols."""
    asked = needs("GLIBC_2.34", library="libgcc_s.so.1")
    assert rules(judged(library(version_needs=asked))) == []
    assert rules(judged(library(version_needs=needs("GLIBC_2.34", library="libm.so.6")))) == [
        "L401"
    ]
