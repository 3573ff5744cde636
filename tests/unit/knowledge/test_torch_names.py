"""The table of names in torch's headers."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge import torch_names


@pytest.mark.parametrize(
    ("name", "declared", "kind", "header"),
    [
        ("at::empty", "at::empty", "function", "ATen/ops/empty.h"),
        ("at::kFloat", "c10::kFloat", "constant", "c10/core/ScalarType.h"),
        ("torch::kFloat", "c10::kFloat", "constant", "c10/core/ScalarType.h"),
        ("torch::Tensor", "at::Tensor", "type", "ATen/core/TensorBody.h"),
        ("at::Tensor::sizes", "at::TensorBase::sizes", "method", "ATen/core/TensorBase.h"),
        ("Tensor::permute", "at::Tensor::permute", "method", "ATen/core/TensorBody.h"),
        ("at::cuda::CUDAStream", "c10::cuda::CUDAStream", "type", "c10/cuda/CUDAStream.h"),
        ("TORCH_CHECK", "TORCH_CHECK", "macro", "c10/util/Exception.h"),
    ],
)
def test_a_name_is_found_where_its_namespace_has_it_from(
    name: str, declared: str, kind: str, header: str
) -> None:
    found = torch_names.find(name)
    assert found is not None
    assert (found.name, found.kind, found.header) == (declared, kind, header)
    assert not found.stable


@pytest.mark.parametrize("name", ["at::emty", "empty", "std::vector", "at", "", "::", "at::"])
def test_what_no_header_declares_is_not_found(name: str) -> None:
    assert torch_names.find(name) is None


def test_stable_names_have_their_releases() -> None:
    permute = torch_names.find("torch::stable::permute")
    assert permute is not None
    assert permute.stable
    assert (permute.first, permute.last, permute.target) == ("2.14.0", "2.15.0", "2.10.0")
    assert [one.name for one in torch_names.ending_with("has_storage") if one.stable] == [
        "torch::stable::Tensor::has_storage"
    ]


def test_a_header_lists_its_names() -> None:
    names = {one.name for one in torch_names.in_header("torch/csrc/stable/ops.h")}
    assert {"torch::stable::empty", "torch::stable::sort"} <= names
    assert torch_names.in_header("torch/none.h") == ()
