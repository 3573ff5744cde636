"""The replacement table: its contents, and the row that matches a name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from torch_abi_audit.knowledge import replacements
from torch_abi_audit.knowledge.replacements import replacement

FACTS = {  # entity: (use, header, first headers, oldest runtime), from the headers of the wheels
    "c10::detail::torchCheckFail": (
        "STD_TORCH_CHECK",
        "torch/headeronly/util/Exception.h",
        "2.9.0",
        "2.9.0",
    ),
    "at::_ops::empty_memory_format::call": (
        "torch::stable::empty",
        "torch/csrc/stable/ops.h",
        "2.10.0",
        "2.10.0",
    ),
    "at::_ops::empty_like::redispatch": (
        "torch::stable::empty_like",
        "torch/csrc/stable/ops.h",
        "2.9.0",
        "2.9.0",
    ),
    "at::_ops::permute::call": (
        "torch::stable::permute",
        "torch/csrc/stable/ops.h",
        "2.14.0",
        "2.10.0",
    ),
    "at::_ops::sort_stable::call": (
        "torch::stable::sort",
        "torch/csrc/stable/ops.h",
        "2.15.0",
        "2.10.0",
    ),
    "at::TensorBase::data_ptr": (
        "Tensor::mutable_data_ptr",
        "torch/csrc/stable/tensor_struct.h",
        "2.10.0",
        "2.10.0",
    ),
    "torch::Library::set_python_module": (
        "StableLibrary::set_python_module",
        "torch/csrc/stable/library.h",
        "2.13.0",
        "2.13.0",
    ),
    "c10::cuda::c10_cuda_check_implementation": (
        "STD_CUDA_CHECK",
        "torch/csrc/stable/macros.h",
        "2.10.0",
        "2.10.0",
    ),
    "THPVariableClass": (
        "torch::stable::is_tensor_pyobject",
        "torch/csrc/stable/pyobject.h",
        "2.15.0",
        "2.15.0",
    ),
}


@pytest.mark.parametrize("entity", FACTS)
def test_known_rows(entity: str) -> None:
    row = replacement(entity)
    assert row is not None
    assert (row.use, row.header, row.since, row.floor) == FACTS[entity]


def test_the_most_particular_row_wins() -> None:
    assert replacement("torch::Library::_def").api == "Library::def"  # type: ignore[union-attr]
    assert replacement("torch::Library::reset").api == "TORCH_LIBRARY"  # type: ignore[union-attr]
    assert replacement("c10::ErrorOfOthers::what") is None
    assert replacement("c10::ivalue::ConstantString::create").api == "c10::IValue"  # type: ignore[union-attr]
    assert replacement("THPGeneratorClass").use is None  # type: ignore[union-attr]
    assert replacement("at::_ops::not_an_operator::call") is None
    assert replacement("at::nothing_known") is None


@pytest.mark.parametrize(
    ("entity", "use"),
    [
        ("at::_ops::mul_Tensor::call", 'torch_call_dispatcher("aten::mul", "Tensor")'),
        ("at::_ops::relu::redispatch", 'torch_call_dispatcher("aten::relu", "")'),
        ("at::_ops::add__Scalar::call", 'torch_call_dispatcher("aten::add_", "Scalar")'),
        ("at::Tensor::add", 'torch_call_dispatcher("aten::add", "…")'),
        ("at::relu", 'torch_call_dispatcher("aten::relu", "…")'),
    ],
)
def test_every_operator_goes_through_the_dispatcher(entity: str, use: str) -> None:
    row = replacement(entity)
    assert row is not None
    assert row.use == use
    assert row.through_dispatcher
    assert row.floor == "2.10.0"


def test_every_row_is_whole() -> None:
    releases = replacements.header_releases()
    assert releases[0] == "2.9.0"
    for row in replacements.rows():
        assert row.use or row.note, row.api
        if row.header is not None:
            assert row.since in releases, row.api
            assert row.floor in releases, row.api
        else:
            assert row.since is None
            assert not row.shims
    assert len(replacements.rows()) > 90


def test_better_shims() -> None:
    better = replacements.better_shim("aoti_torch_call_dispatcher")
    assert better is not None
    assert better.use == "torch_call_dispatcher"
    assert replacements.better_shim("torch_call_dispatcher") is None


def test_what_is_header_only() -> None:
    assert replacements.is_header_only("Half")
    assert replacements.is_header_only("ScalarType")
    assert not replacements.is_header_only("TensorImpl")


def test_the_table_is_not_read_for_an_ordinary_audit() -> None:
    script = "import sys, torch_abi_audit.audit.pipeline; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "torch_abi_audit.audit.pipeline" in done.stdout.split()
    assert "torch_abi_audit.knowledge.replacements" not in done.stdout.split()
