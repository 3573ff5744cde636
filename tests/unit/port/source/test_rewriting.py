"""Edits: what stands in the source after them, and where there are none.

The right sides were compiled and linked against the headers of torch 2.10 and 2.13 by hand.
"""

from __future__ import annotations

import pytest

from tests.support.source_edits import edited
from torch_abi_audit.port.source.reading import read

BEFORE = "void f(at::Tensor x, const at::Tensor& y, std::optional<at::Tensor> o) { "
AFTER = (
    "void f(torch::stable::Tensor x, const torch::stable::Tensor& y, "
    "std::optional<torch::stable::Tensor> o) { "
)
TYPE = "torch::headeronly::ScalarType::"


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ("x.contiguous();", "torch::stable::contiguous(x);"),
        ("o->contiguous();", "torch::stable::contiguous(*o);"),
        ("o.value().contiguous();", "torch::stable::contiguous(o.value());"),
        (
            "x.contiguous().view({1, -1}).sum();",
            "torch::stable::sum(torch::stable::view(torch::stable::contiguous(x), {1, -1}));",
        ),
        ("x.dtype() == at::kLong;", f"x.scalar_type() == {TYPE}Long;"),
        ("x.to(torch::kFloat32);", f"torch::stable::to(x, {TYPE}Float);"),
        ("x.to(y.dtype());", "torch::stable::to(x, y.scalar_type());"),
        ("x.to(y.device());", "torch::stable::to(x, y.device());"),
        ("x.zero_();", "torch::stable::zero_(x);"),
        ("x.copy_(y);", "torch::stable::copy_(x, y);"),
        ("x.data_ptr<float>();", "x.mutable_data_ptr<float>();"),
        ("x.data_ptr<const float>();", "x.const_data_ptr<float>();"),
        ("x.data<T>();", "x.mutable_data_ptr<T>();"),
        ("x[i + 1];", "torch::stable::select(x, 0, i + 1);"),
        ("at::get_num_threads();", "static_cast<int>(torch::stable::get_num_threads());"),
        ("torch::full({2}, 1.5);", "torch::stable::full({2}, 1.5);"),
        ("torch::full({2}, true);", f"torch::stable::full({{2}}, true, {TYPE}Bool);"),
        ("torch::full({2}, -3);", f"torch::stable::full({{2}}, -3, {TYPE}Long);"),
        (
            "torch::full({2}, 3, x.options());",
            "torch::stable::full({2}, 3, x.scalar_type(), std::nullopt, x.device());",
        ),
        ("torch::full({2}, v, at::kFloat);", f"torch::stable::full({{2}}, v, {TYPE}Float);"),
        ("x.template data_ptr<float>();", "x.template mutable_data_ptr<float>();"),
        ("x.sizes() == y.sizes();", "x.sizes().equals(y.sizes());"),
        ("x.sizes() != y.sizes();", "!x.sizes().equals(y.sizes());"),
        ("at::empty({2}, x.options());", "torch::stable::new_empty(x, {2});"),
        ("at::zeros(y.sizes(), x.options());", "torch::stable::new_zeros(x, y.sizes());"),
        (
            "at::zeros({n}, x.options().dtype(at::kInt));",
            f"torch::stable::new_zeros(x, {{n}}, {TYPE}Int);",
        ),
        (
            "at::empty({n}, at::TensorOptions().dtype(at::kInt).device(x.device()));",
            f"torch::stable::empty({{n}}, {TYPE}Int, std::nullopt, x.device());",
        ),
        (
            "at::empty({n}, torch::dtype(torch::kInt).device(torch::kCUDA));",
            (f"torch::stable::empty({{n}}, {TYPE}Int, std::nullopt, "
            "torch::stable::Device(torch::headeronly::DeviceType::CUDA));"),
        ),
        ("at::empty(0, x.options());", "torch::stable::new_empty(x, {0});"),
        (
            "at::zeros_like(x);",
            "torch::stable::fill_(torch::stable::empty_like(x), 0.0);",
        ),
        ("TORCH_CHECK(x.dim() == 2);", "STD_TORCH_CHECK(x.dim() == 2);"),
        ('TORCH_CHECK(a, "m", b);', 'STD_TORCH_CHECK(a, "m", b);'),
        ("TORCH_CHECK_EQ(a, b);", "STD_TORCH_CHECK((a) == (b));"),
        ('AT_ERROR("m");', 'STD_TORCH_CHECK(false, "m");'),
        (
            'AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "n", [&] { int a, b; });',
            ('THO_DISPATCH_V2(x.scalar_type(), "n", ([&] { int a, b; }), '
            "AT_EXPAND(AT_FLOATING_TYPES));"),
        ),
        (
            'AT_DISPATCH_FLOATING_TYPES_AND_HALF(x.type(), "n", ([&] { g(); }));',
            ('THO_DISPATCH_V2(x.scalar_type(), "n", ([&] { g(); }), AT_EXPAND(AT_FLOATING_TYPES), '
            f"{TYPE}Half);"),
        ),
        (
            'AT_DISPATCH_ALL_TYPES_AND2(at::kHalf, at::kBool, t, "n", [&] { g(); });',
            ('THO_DISPATCH_V2(t, "n", ([&] { g(); }), AT_EXPAND(AT_ALL_TYPES), '
            f"{TYPE}Half, {TYPE}Bool);"),
        ),
        (
            "x.accessor<float, 2>();",
            ("torch::headeronly::HeaderOnlyTensorAccessor<float, 2>(x.mutable_data_ptr<float>(), "
            "x.sizes().data(), x.strides().data());"),
        ),
        (
            "x.packed_accessor32<float, 2>();",
            ("torch::headeronly::HeaderOnlyGenericPackedTensorAccessor<float, 2, "
            "torch::headeronly::DefaultPtrTraits, int32_t>(x.mutable_data_ptr<float>(), "
            "x.sizes().data(), x.strides().data());"),
        ),
        (
            "const at::cuda::OptionalCUDAGuard guard(device_of(x));",
            "const torch::stable::accelerator::DeviceGuard guard(x.get_device_index());",
        ),
        (
            "cudaStream_t s = at::cuda::getCurrentCUDAStream();",
            ("void* s_handle = nullptr; TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream("
            "torch::stable::accelerator::getCurrentDeviceIndex(), &s_handle)); "
            "cudaStream_t s = static_cast<cudaStream_t>(s_handle);"),
        ),
        ("c10::optional<int> n = c10::nullopt;", "std::optional<int> n = std::nullopt;"),
    ],
)  # fmt: skip
def test_edits(body: str, after: str) -> None:
    assert edited(BEFORE + body + " }") == AFTER + after + " }"


@pytest.mark.parametrize(
    "body",
    [
        "u.contiguous();",  # not known to be a tensor
        "y.zero_();",  # const
        "g().zero_();",
        "x[0] = 3;",  # writes to the elements
        "x.select(0, 1) = z;",
        "x[None];",
        "a * x - y;",
        "x.to(q);",  # a type, a device or a tensor
        "x.to(q, true);",
        "x.view(torch_dtype, 3);",
        "x.sum(0);",
        "x.fill_(z);",
        "at::empty({2}, opts);",
        "at::empty({2}, x.options().pinned_memory(true));",
        'TORCH_CHECK(a, "sizes ", x.sizes());',  # cannot be printed
        'TORCH_CHECK(a, "sizes ", u.sizes());',
        'TORCH_CHECK(a, "on ", x.device().type());',
        'TORCH_CHECK(a, "on ", at::kCPU);',
        "x - y;",  # throws for integers
        "x.sub(y);",
        "torch::full({2}, v);",  # a dtype of its own, and may not fit in a double
        "torch::full({2}, v, torch::headeronly::ScalarType::Long);",
        "torch::full({2}, 9223372036854775807);",
        "x.fill_(9223372036854775807);",
        "c10::DeviceGuard guard(x.device());",  # does nothing for a tensor on the CPU
        'TORCH_CHECK_EQ(a, b) << "m";',
        'TORCH_CHECK_INDEX(a, "m");',  # another exception
        'AT_DISPATCH_INDEX_TYPES(t, "n", [&] { index_t i; });',  # not scalar_t
        "g(x).accessor<float, 2>();",  # evaluated three times
        "at::cuda::CUDAGuard guard(q);",
        "x.item<float>();",
        "auto s = at::cuda::getCurrentCUDAStream();",  # another type
        "k<<<1, 2, 0, at::cuda::getCurrentCUDAStream()>>>();",
    ],
)
def test_there_is_no_edit_where_the_meaning_is_not_sure(body: str) -> None:
    assert body in edited(BEFORE + body + " }")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("TORCH_LIBRARY(ns, m) {}", "STABLE_TORCH_LIBRARY(ns, m) {}"),
        (
            'TORCH_LIBRARY_IMPL(ns, CPU, m) { m.impl("f", &f); m.impl("g", ns::g); }',
            ('STABLE_TORCH_LIBRARY_IMPL(ns, CPU, m) { m.impl("f", TORCH_BOX(&f)); '
            'm.impl("g", TORCH_BOX(&ns::g)); }'),
        ),
        (
            'TORCH_LIBRARY_IMPL(ns, CPU, m) { m.impl("f", TORCH_FN(f)); }',
            'STABLE_TORCH_LIBRARY_IMPL(ns, CPU, m) { m.impl("f", TORCH_BOX(&f)); }',
        ),
        (
            'TORCH_LIBRARY_IMPL(ns, CPU, m) { m.impl(TORCH_SELECTIVE_NAME("f"), &f); }',
            'STABLE_TORCH_LIBRARY_IMPL(ns, CPU, m) { m.impl("f", TORCH_BOX(&f)); }',
        ),
        (
            "using at::Tensor; Tensor f(Tensor x);",
            "using torch::stable::Tensor; Tensor f(Tensor x);",
        ),
        (
            "using namespace torch;\nTensor f(Tensor x);",
            "\ntorch::stable::Tensor f(torch::stable::Tensor x);",
        ),
        (
            "__global__ void k(at::PackedTensorAccessor32<T, 2> a);",
            ("__global__ void k(torch::headeronly::HeaderOnlyGenericPackedTensorAccessor<T, 2, "
            "torch::headeronly::DefaultPtrTraits, int32_t> a);"),
        ),
        (
            "#define CHECK_CPU(x) \\\n  AT_ASSERTM(x.device().is_cpu(), #x)",
            "#define CHECK_CPU(x) \\\n  STD_TORCH_CHECK(x.device().is_cpu(), #x)",
        ),
        (
            '#define CHECK_CUDA(x) TORCH_CHECK(x.type().is_cuda(), #x " is on the CPU")',
            '#define CHECK_CUDA(x) STD_TORCH_CHECK(x.is_cuda(), #x " is on the CPU")',
        ),
        (
            "#define FLAT(x) TORCH_CHECK((x).is_cuda()); (x).contiguous().view({-1})",
            ("#define FLAT(x) STD_TORCH_CHECK((x).is_cuda()); "
            "torch::stable::view(torch::stable::contiguous((x)), {-1})"),
        ),
        (
            "#define RESET(x) TORCH_CHECK(x.is_cuda()); x.zero_(); x.accessor<float, 2>()",
            "#define RESET(x) STD_TORCH_CHECK(x.is_cuda()); x.zero_(); x.accessor<float, 2>()",
        ),
        (
            ("struct A { void f() { this->x.contiguous(); y.contiguous(); } at::Tensor x, y; };"
            "\n#include <torch/all.h>"),
            ("struct A { void f() { torch::stable::contiguous(this->x); "
            "torch::stable::contiguous(y); } torch::stable::Tensor x, y; };"
            "\n#include <torch/all.h>"),
        ),
    ],
)  # fmt: skip
def test_edits_of_whole_files(text: str, after: str) -> None:
    assert edited(text) == after


def test_a_nested_dispatch_is_rewritten_as_well() -> None:
    text = (
        'AT_DISPATCH_INTEGRAL_TYPES(a, "a", [&] { '
        'AT_DISPATCH_FLOATING_TYPES(b, "b", [&] { f<scalar_t>(); }); });'
    )
    assert edited(text) == (
        'THO_DISPATCH_V2(a, "a", ([&] { '
        'THO_DISPATCH_V2(b, "b", ([&] { f<scalar_t>(); }), AT_EXPAND(AT_FLOATING_TYPES)); }), '
        "AT_EXPAND(AT_INTEGRAL_TYPES));"
    )


def test_a_check_that_stays_says_why() -> None:
    text = BEFORE + 'c10::IValue v; TORCH_CHECK(a, "m", v); TORCH_CHECK(a, "m", x.size(0)); }'
    notes = [
        one.note
        for one in read("a.cpp", text.encode(), "2.10.0").uses
        if one.spelled == "TORCH_CHECK"
    ]
    assert ["cannot print" in one for one in notes] == [True, False]
