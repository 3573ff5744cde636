from __future__ import annotations

import pytest

from tests.support.metadata_values import LINUX, judged, library, needs, rules
from torch_abi_audit.model.verdicts import CPythonABIVerdict

ABI3 = CPythonABIVerdict(intent=True, compliant=True, references=3, min_python="3.11")
CP311 = "cp311-cp311-manylinux_2_28_x86_64"
V310 = "_C.cpython-310-x86_64-linux-gnu.so"
V311 = "_C.cpython-311-x86_64-linux-gnu.so"


def test_the_newest_glibc_symbol_version_is_a_fact() -> None:
    report = judged(library(version_needs=needs("GLIBC_2.9", "GLIBC_2.17", "GLIBC_2.2.5")))
    assert report.glibc == "2.17"
    assert rules(report) == []
    assert judged(library()).glibc is None


@pytest.mark.parametrize(
    ("asked", "floor"),
    [
        ("libc.so.6", "2.17"),
        ("libm.so.6", "2.17"),
        ("ld-linux-aarch64.so.1", "2.17"),
        ("libpthread.so.0", "2.17"),
        ("libgcc_s-a04fdf82.so.1", None),
        ("libgcc_s.so.1", None),
        ("libc-1a2b3c4d.so.6", None),
    ],
)
def test_glibc_is_what_its_own_libraries_are_asked_for(asked: str, floor: str | None) -> None:
    assert judged(library(version_needs=needs("GLIBC_2.17", library=asked))).glibc == floor


@pytest.mark.parametrize(
    "version",
    ["GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR", "GLIBC_", "GLIBC_2.", "GLIBC_ABI_2.40", "glibc_2.40"],
)
def test_symbol_versions_without_a_number(version: str) -> None:
    report = judged(library(version_needs=needs(version, "GLIBC_2.17")))
    assert report.glibc == "2.17"
    assert rules(report) == []


@pytest.mark.parametrize(
    ("names", "tags", "floor"),
    [
        (("_C.abi3.so",), LINUX, "3.11"),
        ((V311,), (CP311,), "3.11"),
        ((V310, V311), ("py3-none-any",), "3.10"),
        (("_C.so",), (CP311,), "3.11"),
        (("_C.so",), ("py3-none-any",), None),
        (("_C.so",), LINUX, "3.4"),
    ],
)
def test_the_oldest_python(names: tuple[str, ...], tags: tuple[str, ...], floor: str) -> None:
    libraries = [
        library(name, python=ABI3 if ".abi3." in name else CPythonABIVerdict(min_python="3.4"))
        for name in names
    ]
    assert judged(*libraries, tags=tags).min_python == floor
