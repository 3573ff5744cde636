"""The overload that a C++ function calls, by its parameters."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.operator_overloads import operator, parameters

CASES = (  # function, declaration as a demangler prints it, method; from TensorBody.h and at::_ops
    ("add", "at::Tensor::add(at::Tensor const&, c10::Scalar const&) const", True, "add.Tensor"),
    ("add", "at::Tensor::add(c10::Scalar const&, c10::Scalar const&) const", True, "add.Scalar"),
    ("add", "at::add(at::Tensor const&, at::Tensor const&, c10::Scalar)", False, "add.Tensor"),
    ("mm_out", "at::mm_out(at::Tensor&, at::Tensor const&, at::Tensor const&)", False, "mm.out"),
    ("mm_outf", "at::mm_outf(at::Tensor const&, at::Tensor const&, at::Tensor&)", False, "mm.out"),
    ("mm", "at::mm(at::Tensor const&, at::Tensor const&)", False, "mm"),
    ("zeros", "at::zeros(c10::ArrayRef<long long>, c10::TensorOptions)", False, "zeros"),
    (
        "zeros_symint",
        "at::zeros_symint(c10::ArrayRef<c10::SymInt>, c10::TensorOptions)",
        False,
        "zeros",
    ),
    (
        "zeros",
        (
            "at::zeros(c10::ArrayRef<long>, std::optional<c10::ScalarType>, "
            "std::optional<c10::Layout>, std::optional<c10::Device>, std::optional<bool>)"
        ),
        False,
        "zeros",
    ),
    (
        "sort",
        (
            "public: class std::tuple<class at::Tensor, class at::Tensor> __cdecl "
            "at::Tensor::sort(class std::optional<bool>, __int64, bool) const"
        ),
        True,
        "sort.stable",
    ),
    ("max", "public: class at::Tensor __cdecl at::Tensor::max(void) const", True, "max"),
    (
        "sum",
        "at::Tensor::sum(c10::ArrayRef<long>, bool, c10::optional<c10::ScalarType>) const",
        True,
        "sum.dim_IntList",
    ),
    ("to", "at::Tensor::to(caffe2::TypeMeta, bool, bool) const", True, "to.dtype_layout"),
    (
        "to",
        (
            "at::Tensor::to(c10::Device, c10::ScalarType, bool, bool, "
            "std::optional<c10::MemoryFormat>) const"
        ),
        True,
        "to.device",
    ),
    ("cat", "at::cat(c10::IListRef<at::Tensor> const&, long)", False, "cat"),
    (
        "einsum",
        (
            "at::einsum(c10::basic_string_view<char>, c10::ArrayRef<at::Tensor>, "
            "c10::OptionalArrayRef<long>)"
        ),
        False,
        "einsum",
    ),
    ("operator-", "at::Tensor::operator-() const", True, "neg"),
    ("operator-", "at::operator-(at::Tensor const&, at::Tensor const&)", False, "sub.Tensor"),
    ("operator*", "at::operator*(at::Tensor const&, c10::Scalar const&)", False, "mul.Scalar"),
    ("operator*=", "at::Tensor::operator*=(c10::Scalar const&)", True, "mul_.Scalar"),
)


@pytest.mark.parametrize(("function", "declared", "member", "wanted"), CASES)
def test_the_parameters_tell_the_overload(
    function: str, declared: str, member: bool, wanted: str
) -> None:
    name, _, overload = wanted.partition(".")
    assert operator(function, declared, member=member) == (name, overload)


def test_what_calls_no_operator() -> None:
    assert operator("frobnicate", "at::frobnicate(at::Tensor const&)", member=False) is None
    assert operator("numel_of", "", member=True) is None


def test_without_parameters_the_overload_is_open_or_the_nameless_one() -> None:
    assert operator("mul", "", member=True) == ("mul", None)
    assert operator("cat", "", member=False) == ("cat", "")
    assert operator("mul", "at::mul(int)", member=False) == ("mul", None)


@pytest.mark.parametrize(
    ("declared", "wanted"),
    [
        (
            "f(std::pair<int, char (*)(long)> const&, enum c10::Layout)",
            ("std::pair<int,char(*)(long)>", "c10::Layout"),
        ),
        ("void __cdecl a::f(void)", ()),
        ("a::f() const", ()),
        ("vtable for a::f", None),
        ("f)", None),
    ],
)
def test_parameters(declared: str, wanted: tuple[str, ...] | None) -> None:
    assert parameters(declared) == wanted
