"""The entity that a demangled name declares."""

from __future__ import annotations

import pytest

from torch_abi_audit.mangling.entity import entity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "c10::detail::torchCheckFail(char const*, char const*, unsigned int, char const*)",
            "c10::detail::torchCheckFail",
        ),
        ("float* at::TensorBase::data_ptr<float>() const", "at::TensorBase::data_ptr"),
        (
            "int const* at::TensorBase::const_data_ptr<int, 0>() const",
            "at::TensorBase::const_data_ptr",
        ),
        ("vtable for c10::Error", "c10::Error"),
        ("typeinfo for torch::autograd::AutogradMeta", "torch::autograd::AutogradMeta"),
        ("non-virtual thunk to c10::TupleType::str[abi:cxx11]() const", "c10::TupleType::str"),
        ("c10::DeviceTypeName[abi:cxx11](c10::DeviceType, bool)", "c10::DeviceTypeName"),
        (
            "c10::operator<<(std::basic_ostream<char, std::char_traits<char> >&, c10::DeviceType)",
            "c10::operator<<",
        ),
        ("c10::operator<(c10::SymInt const&, int)", "c10::operator<"),
        (
            "at::SplitUntil32Bit::iterator::operator*() const",
            "at::SplitUntil32Bit::iterator::operator*",
        ),
        (
            "torch::jit::Method::operator()(std::vector<c10::IValue>, int) const",
            "torch::jit::Method::operator()",
        ),
        ("c10::UndefinedTensorImpl::_singleton", "c10::UndefinedTensorImpl::_singleton"),
        ("c10::Error::~Error()", "c10::Error::~Error"),
        ("at::(anonymous namespace)::f(int)", "at::(anonymous namespace)::f"),
        ("std::function<void (int)> c10::make<void (*)(int)>(int)", "c10::make"),
        ("THPVariableClass", "THPVariableClass"),
        (
            "public: static class at::Tensor __cdecl at::_ops::mm::call(class at::Tensor const &)",
            "at::_ops::mm::call",
        ),
        ("void* operator new(unsigned long)", "operator new"),
        (
            "pybind11::detail::type_caster<at::Tensor, void>::operator at::Tensor&&() &&",
            "pybind11::detail::type_caster::operator at::Tensor&&",
        ),
        ("const c10::Error::`vftable'", "c10::Error"),
        ("public: virtual __cdecl c10::Error::~Error(void)", "c10::Error::~Error"),
    ],
)
def test_entity(text: str, expected: str) -> None:
    assert entity(text) == expected
