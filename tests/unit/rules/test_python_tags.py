from __future__ import annotations

from typing import Any

import pytest

from tests.support.metadata_values import judged, library, only, rules
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.verdicts import CPythonABIVerdict

ABI3 = CPythonABIVerdict(intent=True, compliant=True, references=3, min_python="3.11")
PRIVATE = CPythonABIVerdict(violations=("_PyX",), references=3)
CP311 = "cp311-cp311-manylinux_2_28_x86_64"
V310 = "_C.cpython-310-x86_64-linux-gnu.so"
V311 = "_C.cpython-311-x86_64-linux-gnu.so"


def test_an_extension_for_the_python_of_its_tag() -> None:
    assert rules(judged(library(V311, python=PRIVATE), tags=(CP311,))) == []


def test_an_extension_for_another_python_than_the_tag() -> None:
    report = judged(library(V310, python=PRIVATE), tags=(CP311,))
    assert only(report, "M311").message == (
        "built for Python 3.10, but the wheel is tagged cp311-cp311"
    )


def test_a_versioned_extension_in_an_abi3_wheel() -> None:
    report = judged(library(V310, python=PRIVATE))
    assert only(report, "M311").message == (
        "built for Python 3.10 only, but the wheel is tagged cp310-abi3"
    )
    assert rules(judged(library(python=ABI3, torch=None), tags=("cp311-abi3-any",))) == []


def test_a_versioned_name_on_what_is_no_extension_module() -> None:
    assert rules(judged(library(V310, module=False))) == ["M318"]
    assert rules(judged(library("_C.so", module=False))) == []


def test_one_file_for_each_python_is_no_contradiction() -> None:
    assert rules(judged(library(V310), library(V311), tags=("py3-none-linux_x86_64",))) == []
    assert rules(judged(library(V310), library("_C.abi3.so"))) == []


def test_a_versioned_extension_in_a_generic_wheel() -> None:
    assert rules(judged(library(V311), tags=("py3-none-manylinux_2_28_x86_64",))) == ["M312"]
    plain = library("_C.so", module=False)
    assert rules(judged(plain, tags=("py3-none-manylinux_2_28_x86_64",))) == []


def test_a_wheel_without_an_abi_for_one_cpython() -> None:
    """``packaging.tags`` lists cp311-none for Python 3.11 alone, but py311-none for later ones."""
    assert rules(judged(library(V311), tags=("cp311-none-manylinux_2_28_x86_64",))) == []
    assert rules(judged(library(V310), tags=("cp311-none-manylinux_2_28_x86_64",))) == ["M311"]
    assert rules(judged(library(V311), tags=("py311-none-manylinux_2_28_x86_64",))) == ["M312"]


def test_a_windows_extension_is_bound_by_the_dll_that_it_imports() -> None:
    tags = ("py3-none-win_amd64",)
    pe: Any = {"format": Format.PE, "arch": "x86_64"}
    assert rules(judged(library("_C.pyd", needed=("python311.dll",), **pe), tags=tags)) == ["M312"]
    assert rules(judged(library("_C.pyd", needed=("python3.dll",), **pe), tags=tags)) == []


def test_free_threaded_builds_are_other_pythons() -> None:
    name = "_C.cpython-314t-x86_64-linux-gnu.so"
    tags = ("cp314-cp314t-manylinux_2_28_x86_64",)
    assert rules(judged(library(name), tags=tags)) == []
    assert rules(judged(library(name), tags=("cp314-cp314-manylinux_2_28_x86_64",))) == ["M311"]


def test_an_extension_that_leaves_the_stable_abi_in_an_abi3_wheel() -> None:
    assert only(judged(library("_C.so", python=PRIVATE)), "P205").evidence == ("_PyX",)
    assert rules(judged(library("_C.so", python=PRIVATE), tags=(CP311,))) == []


def test_abi3_files_in_a_wheel_for_free_threaded_python() -> None:
    tags = ("cp315-abi3t-manylinux_2_34_x86_64",)
    assert rules(judged(library("_C.abi3.so"), tags=tags)) == ["M313"]
    assert rules(judged(library("_C.abi3t.so"), tags=tags)) == []
    both = ("cp315-abi3-manylinux_2_34_x86_64", *tags)
    assert rules(judged(library("_C.abi3t.so"), tags=both)) == []
    windows = library("_C.abi3.pyd", format=Format.PE)
    assert rules(judged(windows, tags=("cp315-abi3t-win_amd64",))) == ["M313"]


def test_a_debug_build_of_python_is_that_python() -> None:
    debug = library("_C.pyd", format=Format.PE, needed=("python313_d.dll",))
    assert rules(judged(debug, tags=("cp313-cp313-win_amd64",))) == []
    assert rules(judged(debug, tags=("cp312-cp312-win_amd64",))) == ["M311"]


def test_requires_python_below_the_floor() -> None:
    tags = ("py3-none-manylinux_2_28_x86_64",)
    report = judged(library(python=ABI3), tags=tags, python=">=3.9")
    assert only(report, "M314").fix == "Declare `Requires-Python: >=3.11`."
    assert rules(judged(library(python=ABI3), tags=tags, python=">=3.11")) == []
    assert rules(judged(library(python=ABI3), tags=(), python=">=3.9")) == ["M314"]
    assert rules(judged(library(python=PRIVATE), tags=tags, python=">=3.9")) == []


@pytest.mark.parametrize("said", [">=3.12", "<3.11", "==3.9.*", ">3.11,<4,!=3.11.*"])
def test_requires_python_that_excludes_the_tag(said: str) -> None:
    assert rules(judged(library(V311), tags=(CP311,), python=said)) == ["M315"]


@pytest.mark.parametrize("said", [">=3.11", ">=3.11.4", "==3.11.*", "~=3.9", None, "", "<3.12,>3"])
def test_requires_python_that_admits_the_tag(said: str | None) -> None:
    assert rules(judged(library(V311), tags=(CP311,), python=said)) == []


def test_tags_of_other_interpreters_are_not_judged() -> None:
    tags = ("pp310-pypy310_pp73-manylinux_2_28_x86_64",)
    name = "_C.pypy310-pp73-x86_64-linux-gnu.so"
    assert rules(judged(library(name), tags=tags, python=">=3.11")) == []


def test_a_python_newer_than_this_program_is_not_judged() -> None:
    assert rules(judged(library("_C.abi3.so"), tags=("cp340-abi3-linux_x86_64",))) == []


def test_requires_python_that_cannot_be_read() -> None:
    assert rules(judged(library(V311), tags=(CP311,), python="newer than 3")) == ["M306"]


# --- left-over files -----------------------------------------------------------------------------

LEFT_OVER = [
    (V310, CP311),
    ("_C.cpython-37m-x86_64-linux-gnu.so", CP311),
    ("_C.cpython-311t-x86_64-linux-gnu.so", CP311),
    ("_C.pypy310-pp73-x86_64-linux-gnu.so", CP311),
    ("_C.graalpy242-311-native-x86_64-linux.so", CP311),
    ("_C.cpython-311-darwin.so", CP311),
    ("_C.cpython-311-aarch64-linux-gnu.so", CP311),
    ("_C.cp311-win_amd64.pyd", CP311),
    (V310, "cp311-abi3-manylinux_2_28_x86_64"),
]


@pytest.mark.parametrize(("name", "tag"), LEFT_OVER)
@pytest.mark.parametrize("twin", [V311, "_C.abi3.so", "_C.so"])
def test_a_file_that_no_python_of_the_tags_imports(name: str, tag: str, twin: str) -> None:
    report = judged(library(name, python=PRIVATE), library(twin, python=ABI3), tags=(tag,))
    assert only(report, "M319").library == name
    assert f"and {twin} is beside it" in only(report, "M319").message
    assert (name, "M311") not in [(one.library, one.rule) for one in report.findings]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (V310, "built for Python 3.10, but the wheel is tagged cp311-cp311"),
        (
            "_C.cpython-311-aarch64-linux-gnu.so",
            f"built for Python 3.11 on Linux aarch64, but the wheel is tagged {CP311}",
        ),
        (
            "_C.cpython-311-darwin.so",
            f"built for Python 3.11 on macOS, but the wheel is tagged {CP311}",
        ),
    ],
)
def test_without_a_twin_it_contradicts_the_tags(name: str, what: str) -> None:
    assert only(judged(library(name), tags=(CP311,)), "M311").message == what
    elsewhere = library(f"other/{V311}")
    assert "M311" in rules(judged(library(name), elsewhere, tags=(CP311,)))


def test_files_for_the_wrong_pythons_alone_are_no_twins() -> None:
    names = (V310, "_C.cpython-39-x86_64-linux-gnu.so")
    assert rules(judged(*map(library, names), tags=(CP311,))) == ["M311", "M311"]


def test_a_twin_for_another_platform() -> None:
    """The format of the file says more than its name: M317 and M316 are about that."""
    mach: Any = {"format": Format.MACHO, "arch": "arm64"}
    left = library("_C.cpython-311-darwin.so", **mach)
    assert rules(judged(left, library(V311), tags=(CP311,))) == ["M317"]
    assert rules(judged(left, library("_D.so"), tags=(CP311,))) == ["M316"]


def test_suffixes_of_tags_for_several_interpreters() -> None:
    tags = (CP311, "pp310-pypy310_pp73-manylinux_2_28_x86_64")
    pypy = library("_C.pypy310-pp73-x86_64-linux-gnu.so")
    assert rules(judged(pypy, library(V311), tags=tags)) == []
    generic = ("py3-none-manylinux_2_28_x86_64",)
    assert rules(judged(pypy, library(V311), tags=generic)) == []


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("_C.cpython-37m-x86_64-linux-gnu.so", "cp37-cp37m-manylinux2014_x86_64"),
        ("_C.cpython-311-i386-linux-gnu.so", "cp311-cp311-manylinux2014_i686"),
        ("_C.cpython-311-x86_64-linux-gnu.so", "cp311-cp311-musllinux_1_2_x86_64"),
        ("_C.cpython-311-x86_64-linux-musl.so", "cp311-cp311-musllinux_1_2_x86_64"),
        ("_C.cpython-311-powerpc64le-linux-gnu.so", "cp311-cp311-manylinux2014_ppc64le"),
        ("_C.cpython-311-arm-linux-gnueabihf.so", "cp311-cp311-manylinux_2_31_armv7l"),
        ("_C.cpython-313-iphoneos.so", "cp313-cp313-ios_13_0_arm64_iphoneos"),
    ],
)
def test_suffixes_for_the_platform_of_the_tag(name: str, tag: str) -> None:
    arch = {"i386": "i686", "powerpc64le": "ppc64le", "arm": "armv7l"}
    spelt = name.partition("-")[2].partition("-")[2].partition("-")[0]
    one = library(name, arch=arch.get(spelt, "x86_64"))
    assert rules(judged(one, tags=(tag,))) == []
