from __future__ import annotations

import pytest

from torch_abi_audit.sources.naming import begins_like_library, is_candidate, worth_opening


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


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("data", "7f454c46"),
        ("libx.so", ""),
        ("k.fatbin", "50ed55ba01001000"),
        ("k.hipfb", b"__CLANG_OFFLOAD_BUNDLE__".hex()),
        ("k", b"CCOB\2\0".hex()),
        ("K.PTX", b"//".hex()),
    ],
)
def test_libraries_and_device_code_are_examined(name: str, head: str) -> None:
    assert is_candidate(name, bytes.fromhex(head))


@pytest.mark.parametrize(("name", "head"), [("data", "00"), ("COPY", b"CCOBBLE".hex())])
def test_other_files_are_not(name: str, head: str) -> None:
    assert not is_candidate(name, bytes.fromhex(head))
