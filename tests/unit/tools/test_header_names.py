"""The names that a preprocessed text declares."""

from __future__ import annotations

import pytest

from tools.generate_torch_names import is_kept
from tools.header_names import Kind, declarations


def names(text: str) -> dict[str, str]:
    return {one.name: one.kind.value for one in declarations(f'# 1 "a.h"\n{text}')}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#define TORCH_CHECK(c, ...) if (c) {}", {"TORCH_CHECK": "macro"}),
        (
            "namespace at { Tensor empty(int n = {}, B b = B{}) { return {}; } int x(); }",
            {"at::empty": "function", "at::x": "function"},
        ),
        ("namespace a::b { inline namespace c { void f(); } }", {"a::b::c::f": "function"}),
        ("namespace { void hidden(); } namespace a { namespace { void f(); } }", {}),
        (
            (
                "namespace a { class T : public B<int> { void p(); public: T(int i) : B{i} {}\n"
                "template <class U> U get() const { return {}; } private: int q(); }; void f(); }"
            ),
            {"a::T": "type", "a::T::get": "method", "a::f": "function"},
        ),
        (
            "namespace a { struct S { S& operator=(const S&) { return *this; } int n(); }; }",
            {"a::S": "type", "a::S::n": "method"},
        ),
        (
            "namespace a { enum class E : int8_t { A, B }; constexpr E kA = E::A; }",
            {"a::E": "type", "a::kA": "constant"},
        ),
        (
            "namespace a { using T = int; using b::U; typedef int V; using namespace c; }",
            {"a::T": "type", "a::U": "type", "a::V": "type"},
        ),
        ('extern "C" { int f(void); }', {"f": "function"}),
        (
            (
                "namespace a { template <class T, int N = (1 > 0)> class X; "
                "template <typename T> [[nodiscard]] __attribute__((x(1))) T g(T (*p)(int)); }"
            ),
            {"a::g": "function"},
        ),
        (
            (
                "namespace a { static int n = f(3); auto s = R\"(};{ void no(); )\"; char c = '{'; "
                "void f() const; }"
            ),
            {"a::n": "constant", "a::s": "constant", "a::c": "constant", "a::f": "function"},
        ),
    ],
)
def test_what_is_declared(text: str, expected: dict[str, str]) -> None:
    assert names(text) == expected


def test_a_declaration_is_of_the_header_that_the_marker_names() -> None:
    text = '# 1 "a.h"\nnamespace a {\n# 1 "b.h" 1\nint f();\n# 2 "a.h" 2\nint g();\n}\n'
    found = {one.name: one.header for one in declarations(text)}
    assert found == {"a::f": "b.h", "a::g": "a.h"}


@pytest.mark.parametrize(
    ("name", "kind", "header", "kept"),
    [
        ("at::empty", Kind.FUNCTION, "ATen/ops/empty.h", True),
        ("at::cpu::empty", Kind.FUNCTION, "ATen/ops/empty_cpu_dispatch.h", False),
        ("at::_ops::empty", Kind.TYPE, "ATen/ops/empty_ops.h", False),
        ("at::Tensor::permute", Kind.METHOD, "ATen/core/TensorBody.h", True),
        ("at::OperandInfo::tensor", Kind.METHOD, "ATen/TensorIterator.h", False),
        ("torch::stable::Tensor::sizes", Kind.METHOD, "torch/csrc/stable/tensor_struct.h", True),
        ("torch::stable::detail::from", Kind.FUNCTION, "torch/csrc/stable/library.h", True),
        ("c10::detail::cast", Kind.FUNCTION, "torch/headeronly/util/TypeCast.h", False),
        ("AT_DISPATCH_ALL_TYPES", Kind.MACRO, "ATen/Dispatch.h", True),
        ("C10_MACROS_EXPORT_H_", Kind.MACRO, "c10/macros/Export.h", False),
        ("FMT_API", Kind.MACRO, "fmt/base.h", False),
        ("std::isnan", Kind.FUNCTION, "torch/headeronly/util/Half.h", False),
    ],
)
def test_what_the_table_has(name: str, kind: Kind, header: str, kept: bool) -> None:
    assert is_kept(name, kind, header) is kept
