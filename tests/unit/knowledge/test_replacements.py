"""The replacement table: its contents, and the row that matches a name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from torch_abi_audit.knowledge import replacements
from torch_abi_audit.knowledge.replacements import replacement
from torch_abi_audit.mangling.entity import entity

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
        "torch/csrc/stable/tensor.h",
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


@pytest.mark.parametrize("name", FACTS)
def test_known_rows(name: str) -> None:
    row = replacement(name)
    assert row is not None
    assert (row.use, row.header, row.since, row.floor) == FACTS[name]


def test_the_most_particular_row_wins() -> None:
    assert replacement("torch::Library::_def").api == "Library::def"  # type: ignore[union-attr]
    assert replacement("torch::Library::reset").api == "TORCH_LIBRARY"  # type: ignore[union-attr]
    assert replacement("c10::ErrorOfOthers::what") is None
    assert replacement("c10::ivalue::ConstantString::create").api == "c10::IValue"  # type: ignore[union-attr]
    assert replacement("THPGeneratorClass").use is None  # type: ignore[union-attr]
    assert replacement("at::_ops::not_an_operator::call") is None
    assert replacement("at::nothing_known") is None


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("at::_ops::mul_Tensor::call", 'torch_call_dispatcher("aten::mul", "Tensor")'),
        ("at::_ops::relu::redispatch", 'torch_call_dispatcher("aten::relu", "")'),
        ("at::_ops::index_put_::call", 'torch_call_dispatcher("aten::index_put_", "")'),
        ("at::relu", 'torch_call_dispatcher("aten::relu", "")'),
    ],
)
def test_every_operator_goes_through_the_dispatcher(name: str, use: str) -> None:
    row = replacement(name)
    assert row is not None
    assert row.use == use
    assert row.through_dispatcher
    assert row.floor == "2.10.0"


def test_what_no_dispatcher_carries() -> None:
    elu = replacement("at::_ops::elu::call")
    relu = replacement("at::_ops::relu::call")
    assert elu is not None
    assert relu is not None
    assert (replacements.refused(elu), replacements.refused(relu)) == (("Scalar",), ())


METHODS = (  # as undname prints imports of Windows wheels; the caller that Linux wheels import
    (
        "public: class at::Tensor __cdecl at::Tensor::permute(class c10::ArrayRef<__int64>) const",
        "at::_ops::permute::call",
    ),
    (
        "public: class at::Tensor __cdecl at::Tensor::mul(class at::Tensor const &) const",
        "at::_ops::mul_Tensor::call",
    ),
    (
        "public: class at::Tensor __cdecl at::Tensor::mul(class c10::Scalar const &) const",
        "at::_ops::mul_Scalar::call",
    ),
    (
        (
            "public: class at::Tensor __cdecl at::Tensor::to(struct c10::TensorOptions, bool, "
            "bool, class std::optional<enum c10::MemoryFormat>) const"
        ),
        "at::_ops::to_dtype_layout::call",
    ),
    (
        (
            "public: class at::Tensor __cdecl at::Tensor::sum("
            "class c10::OptionalArrayRef<__int64>, bool, class std::optional<enum c10::ScalarType>) const"
        ),
        "at::_ops::sum_dim_IntList::call",
    ),
    (
        "public: class at::Tensor & __cdecl at::Tensor::operator+=(class at::Tensor const &)",
        "at::_ops::add__Tensor::call",
    ),
    (
        "public: class at::Tensor __cdecl at::Tensor::operator[](__int64) const",
        "at::_ops::select_int::call",
    ),
)


@pytest.mark.parametrize(("declared", "caller"), METHODS)
def test_a_method_gets_the_row_of_the_operator_that_it_calls(declared: str, caller: str) -> None:
    row = replacement(entity(declared), declared)
    assert row is not None
    assert row == replacement(caller)


@pytest.mark.parametrize(
    ("declared", "use"),
    [
        ("public: __int64 __cdecl at::TensorBase::numel(void) const", "Tensor::numel"),
        ("public: __int64 __cdecl at::TensorBase::dim(void) const", "Tensor::dim"),
        ("public: __int64 __cdecl at::TensorBase::size(__int64) const", "Tensor::size"),
        (
            "public: bool __cdecl at::TensorBase::is_contiguous(enum c10::MemoryFormat) const",
            "Tensor::is_contiguous",
        ),
        (
            "public: class caffe2::TypeMeta __cdecl at::TensorBase::dtype(void) const",
            "Tensor::scalar_type",
        ),
    ],
)
def test_a_method_that_is_no_operator(declared: str, use: str) -> None:
    row = replacement(entity(declared), declared)
    assert row is not None
    assert row.use == use


def test_indices_in_the_form_of_pythons_are_not_those_of_the_operator() -> None:
    ours = "at::Tensor::index(std::initializer_list<at::indexing::TensorIndex>) const"
    theirs = "at::Tensor::index(c10::List<std::optional<at::Tensor> > const&) const"
    assert "narrow" in (replacement("at::Tensor::index", ours).use or "")  # type: ignore[union-attr]
    assert replacement("at::Tensor::index", theirs).operator == "aten::index.Tensor"  # type: ignore[union-attr]


def test_an_overload_can_have_a_row_of_its_own() -> None:
    name = "c10::toString[abi:cxx11](c10::OperatorName const&)"
    kind = "c10::toString(c10::ScalarType)"
    assert replacement("c10::toString", name).goes  # type: ignore[union-attr]
    assert replacement("c10::toString", kind).api == "AT_DISPATCH_…"  # type: ignore[union-attr]


def test_what_is_only_inlined_goes_away() -> None:
    for one in (
        "caffe2::detail::at_Half_metadata_index",
        "c10::WeakOrStrongTypePtr::operator=",
        "c10::ivalue::Future::extractStorages",
        "c10::ivalue::Object::resizeObject",
        "c10::SymInt::guard_int",
    ):
        row = replacement(one)
        assert row is not None
        assert row.goes, one
        assert row.origin, one
    for one in ("c10::ivalue::Object::setAttr", "torch::class_", "torch::jit::Method::operator()"):
        row = replacement(one)
        assert row is not None
        assert not row.goes, one
        assert row.use is None, one


def test_every_row_is_whole() -> None:
    releases = replacements.header_releases()
    assert releases[0] == "2.9.0"
    for row in replacements.rows():
        assert row.use or row.note or row.goes, row.api
        assert not row.goes or (row.origin and not row.use), row.api
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
