"""The table of platforms, and the parser for platform tags."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge import export_index, platforms
from torch_abi_audit.knowledge.platforms import LINUX, MACOS, PLATFORMS, SYSTEMS, WINDOWS, Platform
from torch_abi_audit.model.binary import Format


@pytest.mark.parametrize("row", PLATFORMS, ids=lambda one: one.name)
def test_a_row_has_its_data_and_its_tags(row: platforms.IndexPlatform) -> None:
    assert platforms.index_platform(row.system.format, row.arch) == row.name
    assert platforms.system_of_platform(row.name) is row.system
    assert export_index.releases(row.name)
    for tag in row.wheel_tags:
        read = platforms.platform(tag)
        assert read is not None
        assert (read.system, read.architectures) == (row.system.word, (row.arch,))


def test_images_of_other_machines_are_on_no_platform() -> None:
    assert platforms.index_platform(Format.ELF, "s390x") is None
    assert platforms.index_platform(Format.MACHO, "x86_64") is None
    assert platforms.index_platform(Format.ELF, None) is None


@pytest.mark.parametrize(
    ("word", "name"),
    [
        *(("linux", "linux_x86_64"), ("macos", "macosx_arm64"), ("windows", "win_amd64")),
        (None, "linux_x86_64"),
    ],
)
def test_the_usual_platform_of_a_system(word: str | None, name: str) -> None:
    assert platforms.usual_platform(word) == name


def test_a_format_is_of_one_system() -> None:
    assert {one.format for one in SYSTEMS.values()} == set(Format)
    assert platforms.SYSTEM_OF[Format.PE] is WINDOWS


def test_architectures_of_two_names() -> None:
    assert platforms.same_arch("amd64", "x86_64")
    assert platforms.same_arch("i386", "i686")
    assert not platforms.same_arch("arm64", "aarch64")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("any", None),
        ("manylinux1_x86_64", ("linux", ("x86_64",), (2, 5), "glibc")),
        ("manylinux2014_aarch64", ("linux", ("aarch64",), (2, 17), "glibc")),
        ("manylinux_2_28_x86_64", ("linux", ("x86_64",), (2, 28), "glibc")),
        ("musllinux_1_2_x86_64", ("linux", ("x86_64",), (1, 2), "musl")),
        ("linux_x86_64", ("linux", ("x86_64",), None, None)),
        ("macosx_10_9_universal2", ("macos", ("x86_64", "arm64"), (10, 9), None)),
        ("win32", ("windows", ("i686",), None, None)),
        ("win_arm64", ("windows", ("arm64",), None, None)),
        ("manylinux9_x86_64", ("other", (), None, None)),
        ("android_21_arm64_v8a", ("other", (), None, None)),
    ],
)
def test_tags(tag: str, expected: tuple[str, tuple[str, ...], object, object] | None) -> None:
    assert platforms.platform(tag) == (None if expected is None else Platform(tag, *expected))  # type: ignore[arg-type]
    assert {LINUX.word, MACOS.word, WINDOWS.word} == SYSTEMS.keys()
