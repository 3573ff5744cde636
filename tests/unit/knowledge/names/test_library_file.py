"""File names of libraries."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.library_file import is_word, named_as_library, split_version
from torch_abi_audit.sources.naming import worth_opening


@pytest.mark.parametrize(
    "name",
    [
        "x.so",
        "lib/libx.so.1",
        "libx.so.1.22.0",
        "_C.cpython-311-x86_64-linux-gnu.so",
        "ext.abi3.pyd",
        "CORE.DLL",
        "libx.2.dylib",
        "lib.tar.so",
    ],
)
def test_names_that_claim_a_library(name: str) -> None:
    assert named_as_library(name)
    assert worth_opening(name)


@pytest.mark.parametrize(
    "name",
    ["x.so.txt", "so", ".so.1", "x.so.", "x.so.pt112cu116", "x.py", "x", "so.1", "x.dll.config"],
)
def test_names_that_do_not(name: str) -> None:
    assert not named_as_library(name)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("libx.so", ("libx", "")),
        ("libx.so.6.12", ("libx", "6.12")),
        ("libx.abi3.so.6.12", ("libx.abi3", "6.12")),
        ("libx.abi3.6.12.dylib", ("libx.abi3", "6.12")),
        ("libx.dylib", ("libx", "")),
        ("X64_12.DLL", ("X64_12", "")),
        ("_C.pyd", ("_C", "")),
        ("ops.so.pt112cu116", ("ops", "pt112cu116")),
        ("a.so.b-c.so.1", ("a.so.b-c", "1")),
        (".so", ("", "")),
        ("module", ("module", "")),
        ("x.so.", ("x.so.", "")),
        ("x.sob", ("x.sob", "")),
        ("", ("", "")),
    ],
)
def test_what_stands_before_the_ending(name: str, parts: tuple[str, str]) -> None:
    assert split_version(name) == parts


def test_words() -> None:
    assert all(is_word(text) for text in ("a", "_", "x86_64", "9"))
    assert not any(is_word(text) for text in ("", "a-b", "a.b", "a b"))
