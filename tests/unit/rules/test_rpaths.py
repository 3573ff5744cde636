from __future__ import annotations

import pytest

from tests.support.metadata_values import judged, library, mac, only, rules
from torch_abi_audit.report.audit.facts import facts

MACOS = ("cp310-abi3-macosx_11_0_arm64",)
SEEKS = ("@rpath/libx.dylib",)


def test_directories_outside_of_the_package() -> None:
    report = judged(library(rpaths=("$ORIGIN/../lib", "/opt/conda/lib", "/builds/x")))
    assert only(report, "L405").evidence == ("/builds/x", "/opt/conda/lib")
    fine = ("$ORIGIN", "${ORIGIN}/x", "$ORIGIN/../..", "/usr/lib")
    assert rules(judged(library(rpaths=fine))) == []


@pytest.mark.parametrize("entry", ["lib", "../lib", "."])
def test_entries_relative_to_the_current_directory(entry: str) -> None:
    assert only(judged(library(rpaths=(entry,))), "L405").evidence == (entry,)


def test_an_empty_entry_is_the_current_directory() -> None:
    found = only(judged(library(rpaths=("$ORIGIN", ""))), "L405")
    assert found.message == "looks for libraries in the current directory"


@pytest.mark.parametrize(
    ("directory", "found"),
    [
        *((each, []) for each in ("/lib", "/lib64", "/usr/lib64", "/usr/lib64/", "//usr/lib")),
        *((each, []) for each in ("/usr/local/lib", "/usr/lib/../lib64", "/lib32")),
        *((f"{each}/x86_64-linux-gnu", []) for each in ("/lib", "/usr/lib", "/usr/local/lib")),
        *((f"/usr/lib/{each}", []) for each in ("aarch64-linux-gnu", "arm-linux-gnueabihf")),
        *((each, ["L405"]) for each in ("/", "/usr", "/usr/local", "/opt/lib", "/home/x/lib")),
        *((each, ["L405"]) for each in ("/lib64/../opt", "/lib/x86_64-linux", "/usr/libexec")),
        *((each, ["L405"]) for each in ("/usr/local/lib/python3.11", "/lib/../..")),
        ("/usr/lib/python3/dist-packages/torch/lib", ["L405"]),
        ("/usr/local/cuda-12/../../../home/x", ["L405"]),
        *((each, ["L424"]) for each in ("/usr/lib64/ucx", "/usr/lib64/x86_64-linux-gnu")),
        *((each, ["L424"]) for each in ("/usr/local/cuda/lib64", "/usr/local/cuda-12.4/lib64")),
        *((each, ["L424"]) for each in ("/opt/rocm-6.4.4/lib", "/opt/rocm/lib", "/usr/lib/swift")),
    ],
)
def test_what_a_directory_is(directory: str, found: list[str]) -> None:
    assert rules(judged(library(rpaths=(directory,)))) == found


def test_directories_of_macos() -> None:
    used = mac(needed=SEEKS, rpaths=("/usr/lib/swift", "@loader_path/..", "@executable_path"))
    own = mac("libx.dylib", module=False)
    assert rules(judged(used, own, tags=MACOS)) == []
    used = mac(needed=SEEKS, rpaths=("/tmp/lib", "@loader_path"))  # noqa: S108
    assert rules(judged(used, own, tags=MACOS)) == ["L405"]


def test_macos_looks_only_for_names_that_begin_with_rpath() -> None:
    """dyld: ``LC_RPATH`` stands for ``@rpath`` in the names that an image, or one it loads, has."""
    build = ("/Users/me/build/lib",)
    for needed, found in (
        (("@loader_path/.dylibs/libx.dylib",), []),
        (("/usr/lib/libSystem.B.dylib",), []),
        (SEEKS, ["L405"]),
    ):
        own = mac(".dylibs/libx.dylib", module=False, soname="/DLC/libx.dylib")
        beside = mac("libx.dylib", module=False)
        report = judged(mac(needed=needed, rpaths=build), own, beside, tags=MACOS)
        assert [one for one in rules(report) if one == "L405"] == found


def test_macos_looks_for_what_a_loaded_image_needs() -> None:
    used = mac(needed=("@loader_path/liba.dylib",), rpaths=("/Users/me/build/lib",))
    between = mac("liba.dylib", module=False, needed=SEEKS, rpaths=("@loader_path",))
    report = judged(used, between, mac("libx.dylib", module=False), tags=MACOS)
    assert only(report, "L405").library == "_C.abi3.so"


def test_toolkits_are_one_finding() -> None:
    cuda, rocm = "/usr/local/cuda/lib64", "/opt/rocm/lib"
    report = judged(library("a.so", rpaths=(cuda,)), library("b.so", rpaths=(rocm, cuda, "/x")))
    assert only(report, "L424").message == (
        "2 libraries look for others in /opt/rocm/lib and /usr/local/cuda/lib64, and take whatever "
        "release is installed there"
    )
    assert only(report, "L405").evidence == ("/x",)


@pytest.mark.parametrize(
    ("needed", "requires", "fires"),
    [
        ("libcudart.so.12", (), False),
        ("libcudart.so.12", ("torch>=2.10",), True),  # torch's is meant
        ("libmpi.so.40", ("torch>=2.10",), False),
        ("libstdc++.so.6", (), True),
        ("libhelper.so.1", (), True),
    ],
)
def test_the_place_of_a_toolkit_is_meant_where_only_users_have_what_is_needed(
    needed: str, requires: tuple[str, ...], fires: bool
) -> None:
    used = library(rpaths=("/usr/local/cuda/lib64",), needed=("libc.so.6", needed))
    own = library("lib/libhelper.so.1", module=False)
    assert ("L424" in rules(judged(used, own, requires=requires))) is fires
    built = library(rpaths=("/builds/x",), needed=(needed,))
    assert "L405" in rules(judged(built, own, requires=requires))


def test_all_directories_of_a_package_are_one_fact() -> None:
    report = judged(library("a.so", rpaths=("/b/x", "/b/y")), library("b.so", rpaths=("/b/z",)))
    (fact,) = facts(report.findings)
    assert fact.message == "looks for libraries in /b/x, /b/y and /b/z"
    assert fact.members == (0, 1)
