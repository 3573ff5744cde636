from __future__ import annotations

import pytest

from torch_abi_audit.sources.naming import begins_like_library, named_as_library, worth_opening


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


@pytest.mark.parametrize("name", ["x", "c", "map", "x.so.pt112cu116", "protoc-3.13.0", "x.bin", ""])
def test_unknown_and_missing_suffixes_are_worth_opening(name: str) -> None:
    assert worth_opening(name)


@pytest.mark.parametrize("name", ["x.py", "x.PYC", "a.b.h", "x.json", "model.pt", "x.whl", ".json"])
def test_well_known_formats_are_not(name: str) -> None:
    assert not worth_opening(name)


@pytest.mark.parametrize(
    "magic",
    ["7f454c46", "feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe", "cafebabf", "4d5a"],
)
def test_first_bytes(magic: str) -> None:
    assert begins_like_library(bytes.fromhex(magic) + b"rest")
    assert not begins_like_library(bytes.fromhex(magic)[:-1])
    assert not begins_like_library(b" " + bytes.fromhex(magic))
