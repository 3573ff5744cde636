"""The table of spellings: what it says stands in the table of replacements, or is proven."""

from __future__ import annotations

import pytest

from tools.generate_spellings import SOURCE, entries
from torch_abi_audit.knowledge import replacements, spellings
from torch_abi_audit.port.source.scopes import Held


def test_every_row_that_a_spelling_names_exists() -> None:
    rows = {row.api for row in replacements.rows()}
    assert {one["api"] for one in entries(SOURCE) if "api" in one} <= rows


def test_no_name_is_told_twice() -> None:
    told = [(one["kind"] == "method", name) for one in entries(SOURCE) for name in one["names"]]
    assert len(told) == len(set(told))


def test_what_a_spelling_says_itself_is_proven_or_no_header_of_torch() -> None:
    for one in entries(SOURCE):
        if one.get("header", "std").startswith("torch/"):
            assert "code" in one or "file" in one, one["names"]


def test_a_spelling_that_is_edited_says_what_to_write() -> None:
    for one in entries(SOURCE):
        if "to" in one and "use" not in one:
            found = spellings.plain(one["names"][0]) or spellings.named(one["names"][0])
            known = found or spellings.method(one["names"][0])
            assert known is not None
            assert known.row.use, one["names"]


def test_what_a_name_gives_is_known_to_the_reader() -> None:
    plain = {"array", "wrapper"}
    for one in entries(SOURCE):
        gives = one.get("gives", "tensor")
        assert gives in plain or Held(gives), one["names"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("c10::Half", True),
        ("at::BFloat16", True),
        ("c10::ScalarType::Float", True),
        ("torch::ScalarType", False),
        ("at::kFloat", False),
        ("at::Tensor", False),
        ("c10::optional", False),
    ],
)  # compiled with the headers of torch 2.13 under TORCH_TARGET_VERSION
def test_names_that_the_stable_headers_declare(name: str, kept: bool) -> None:
    assert spellings.kept(name, "2.13.0") is kept


def test_a_name_is_kept_from_the_release_that_declares_it() -> None:
    assert not spellings.kept("at::kCUDA", "2.9.0")
    assert spellings.kept("at::kCUDA", "2.10.0")


@pytest.mark.parametrize(
    ("path", "stable"),
    [
        ("torch/csrc/stable/tensor.h", True),
        ("torch/headeronly/util/Half.h", True),
        ("torch/csrc/inductor/aoti_torch/c/shim.h", True),
        ("torch/extension.h", False),
        ("c10/util/Half.h", False),
    ],
)
def test_stable_headers(path: str, stable: bool) -> None:
    assert spellings.open_header(path) is stable


def test_macros_of_the_stable_headers_are_not_unstable_ones() -> None:
    names = spellings.plain_names()
    assert names.isdisjoint({"C10_HOST_DEVICE", "C10_RESTRICT", "STD_TORCH_CHECK", "AT_ALL_TYPES"})
    assert {"TORCH_CHECK", "AT_DISPATCH_QINT_TYPES", "C10_CUDA_CHECK"} <= names
