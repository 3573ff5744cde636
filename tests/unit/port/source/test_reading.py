"""What a source uses of torch's unstable API: each kind found, and nothing else."""

from __future__ import annotations

import pytest

from torch_abi_audit.port.migration import Way
from torch_abi_audit.port.source.findings import Kind, SourceUse
from torch_abi_audit.port.source.reading import LARGEST, read


def uses(text: str, target: str = "2.10.0") -> tuple[SourceUse, ...]:
    found = read("a.cpp", text.encode(), target)
    assert found.error is None
    return found.uses


def spelled(text: str, target: str = "2.10.0") -> list[str]:
    return [one.spelled for one in uses(text, target)]


INCLUDE = "#include <torch/extension.h>\n"


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ('#include "ATen/ATen.h"', Kind.INCLUDE, "ATen/ATen.h"),
        ("# include <c10/cuda/CUDAGuard.h> // guard", Kind.INCLUDE, "c10/cuda/CUDAGuard.h"),
        ("TORCH_CHECK(a, b);", Kind.MACRO, "TORCH_CHECK"),
        ("#define CHECK(x) \\\n  TORCH_CHECK(x, #x)", Kind.MACRO, "TORCH_CHECK"),
        ("AT_DISPATCH_ALL_TYPES(t, \"n\", [&] {});", Kind.MACRO, "AT_DISPATCH_ALL_TYPES"),
        ("AT_DISPATCH_QINT_TYPES(t, \"n\", [&] {});", Kind.MACRO, "AT_DISPATCH_QINT_TYPES"),
        ("C10_CUDA_KERNEL_LAUNCH_CHECK();", Kind.MACRO, "C10_CUDA_KERNEL_LAUNCH_CHECK"),
        ("PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { at::f(); }", Kind.MACRO, "PYBIND11_MODULE"),
        ("void f(at::Tensor x);", Kind.TYPE, "at::Tensor"),
        ("void f(::at::Tensor x);", Kind.TYPE, "at::Tensor"),
        ("std::vector<at :: Tensor> v;", Kind.TYPE, "at::Tensor"),
        ("c10::optional<int> x;", Kind.TYPE, "c10::optional"),
        ("struct F : torch::autograd::Function<F> {};", Kind.TYPE, "torch::autograd::Function"),
        ("auto x = at::kFloat;", Kind.CONSTANT, "at::kFloat"),
        ("auto x = torch::kCUDA;", Kind.CONSTANT, "torch::kCUDA"),
        ("at::parallel_for(0, n, 1, f);", Kind.FUNCTION, "at::parallel_for"),
        ("f(at::cuda::current_device());", Kind.FUNCTION, "at::cuda::current_device"),
        ("auto x = torch::linalg_norm(y);", Kind.FUNCTION, "torch::linalg_norm"),
        ("void f(at::Tensor x) { std::cout << x; }", Kind.METHOD, "operator<<"),
        ("void f(at::Tensor x) { std::cout << x.sizes(); }", Kind.METHOD, "operator<<"),
        ("struct A { c10::DeviceType d; }; void f(A a) { std::cout << a.d; }", Kind.METHOD,
         "operator<<"),
        (INCLUDE + 'void f() { LOG(INFO) << "a"; }', Kind.MACRO, "LOG"),
        (INCLUDE + "void f() { CHECK_EQ(1, 1); }", Kind.MACRO, "CHECK_EQ"),
        (INCLUDE + "void f(py::object x, py::object y);", Kind.FUNCTION, "py"),
        ("void f(std::pair<at::Tensor, int> t) { t.first.exp(); }", Kind.METHOD, ".exp()"),
        ("void f(std::shared_ptr<at::Tensor> t) { t->exp(); }", Kind.METHOD, ".exp()"),
        ("void f(at::Tensor x) { x.template item<float>(); }", Kind.METHOD, ".item<float>()"),
        ("using namespace torch::indexing;", Kind.NAMESPACE, "using namespace torch::indexing"),
    ],
)  # fmt: skip
def test_each_kind_is_found(text: str, kind: Kind, name: str) -> None:
    assert (kind, name) in [(one.kind, one.spelled) for one in uses(text)]


@pytest.mark.parametrize(
    "text",
    [
        "// TORCH_CHECK(x, at::kFloat)",
        "/* at::Tensor\n x; */",
        "// continued \\\n at::Tensor x;",
        'm("at::Tensor(x) TORCH_CHECK");',
        'auto s = R"(at::Tensor x; " TORCH_CHECK(y))";',
        'auto s = R"x(at::Tensor )" TORCH_CHECK)x";',
        "#if 0\nat::Tensor x;\n#if 1\nat::Tensor y;\n#endif\n#endif",
        "torch::stable::Tensor f(const torch::stable::Tensor& x) { return x; }",
        "auto x = torch::headeronly::ScalarType::Float;",
        "c10::Half x; at::BFloat16 y; c10::complex<float> z;",
        "std::vector<int> v; v.size(); v.data(); v.at(0);",
        "struct Tensor { int size(); }; Tensor t; t.size();",
        "mylib::Tensor t; t.view(3); t.contiguous(); other.options();",
        "#define TORCH_CHECK(x) if (!(x)) abort()\nvoid f() { TORCH_CHECK(1); }",
        '#include <torch/csrc/stable/tensor.h>\n#include "mytorch/ATen.h"',
        '#include <pybind11/pybind11.h>\nPYBIND11_MODULE(m, m) { m.def("f", &f); }',
        "C10_HOST_DEVICE int f(const int* C10_RESTRICT p);",
        "float kFloat; int empty(int); int f() { return empty(kFloat); }",
        "auto a = b - c; auto d = e[3];",
        "void f(at_like::Tensor x, int n) { std::cout << x << n; }",
        "#define SIZE(v) v.size() + v.type()",
        '#include "glog/logging.h"\nvoid f() { LOG(INFO) << 1; CHECK_EQ(1, 1); }',
        "void f(py::object x) { LOG(INFO); }",
        "namespace torchaudio { int f(); } auto x = torchaudio::f();",
    ],
)
def test_what_is_no_use_is_not_reported(text: str) -> None:
    assert spelled(text) == []


@pytest.mark.parametrize(
    ("opening", "opened"),
    [
        ("using namespace at;", True),
        ("using namespace torch;", True),
        ("using at::Tensor; using at::kFloat; using at::empty;", True),
        ("namespace t = torch;", False),
        ("", False),
        ("using namespace std;", False),
    ],
)
def test_unqualified_names_are_torchs_exactly_where_a_namespace_is_open(
    opening: str, opened: bool
) -> None:
    found = spelled(f"{opening}\nvoid f(const Tensor& x) {{ auto y = empty({{1}}, kFloat); }}")
    assert ("empty" in found) is opened
    assert ("kFloat" in found) is opened


def test_a_namespace_is_open_until_its_brace_closes() -> None:
    text = "namespace at { Tensor f(Tensor x); }\nTensor g(Tensor x);"
    assert [one.line for one in uses(text)] == [1, 1]
    text = "void f() { using namespace at; Tensor x; }\nvoid g() { Tensor x; }"
    assert [one.line for one in uses(text) if one.kind is Kind.TYPE] == [1]


def test_an_alias_of_a_namespace_is_followed() -> None:
    found = spelled("namespace F = torch::nn::functional;\nauto y = F::pad(x, o);")
    assert found == ["namespace F = torch::nn::functional", "F::pad"]


@pytest.mark.parametrize(
    "body",
    [
        "at::Tensor x; x.relu();",
        "const at::Tensor& x = y; x.relu();",
        "auto x = at::empty({1}); x.relu();",
        "auto x = y.contiguous(); auto z = x.to(at::kFloat); z.relu();",
        "std::vector<at::Tensor> v; v[0].relu();",
        "std::vector<at::Tensor> v; for (auto& x : v) { x.relu(); }",
        "std::vector<at::Tensor> v; v.at(1).relu();",
        "c10::optional<at::Tensor> o; o.value().relu();",
        "std::optional<at::Tensor> o; o->relu();",
        "std::optional<at::Tensor> o; (*o).relu();",
        "std::tuple<at::Tensor, at::Tensor> p; std::get<0>(p).relu();",
        "auto [a, b] = y.sort(0); b.relu();",
        "auto f = [&](at::Tensor x) { return x.relu(); };",
        "at::Tensor a, b = c, d; d.relu();",
        "auto z = y + 1; z.relu();",
        "(y + y).relu();",
        "using T = at::Tensor; T x; x.relu();",
        "typedef at::Tensor T; T x; x.relu();",
        "torch::stable::Tensor x; x.relu();",
        "y.view({2}).relu();",
    ],
)
def test_methods_of_what_is_a_tensor_are_found(body: str) -> None:
    found = spelled(f"void f(at::Tensor y, at::Tensor c) {{ {body} }}")
    assert ".relu()" in found


def test_methods_of_members_and_results_of_the_file_are_found() -> None:
    text = """
    at::Tensor helper(int n);
    struct Layer { at::Tensor weight; void go() { weight.relu(); } };
    void f(Layer& layer) { helper(2).relu(); layer.weight.relu(); }
    """
    assert spelled(text).count(".relu()") == 3


def test_methods_of_unknown_objects_are_found_if_no_other_library_has_them() -> None:
    text = INCLUDE + "void f(Unknown& x) { x.packed_accessor32<float, 2>(); x.view(1); x.relu(); }"
    assert spelled(text)[1:] == [".packed_accessor32<float,2>()"]
    assert spelled("void f(U& x) { x.packed_accessor32<float, 2>(); x.options(); }") == []


def test_methods_that_the_stable_tensor_has_are_no_use() -> None:
    body = "x.size(0); x.numel(); x.dim(); x.is_cuda(); x.scalar_type(); x.device().index();"
    assert spelled(f"void f(at::Tensor x) {{ {body} }}") == ["at::Tensor"]


def test_operators_and_subscripts_of_tensors_are_found() -> None:
    text = "void f(at::Tensor x, at::Tensor y) { x[0]; x - y; x += y; -x; x.sizes() == y.sizes(); }"
    assert spelled(text)[2:] == ["[…]", "operator-", "operator+=", "operator-", "sizes() =="]


def test_both_sides_of_a_condition_are_read_with_the_same_braces() -> None:
    text = """
    #ifdef A
    void f(at::Tensor x) {
    #else
    void f(at::Tensor x, int n) {
    #endif
      x.relu();
    }
    void g(Other x) { x.relu(); }
    """
    assert spelled(text).count(".relu()") == 1


def test_a_header_guard_does_not_hide_the_file() -> None:
    text = "#ifndef A_H\n#define A_H\nusing namespace at;\nTensor f(Tensor x);\n#endif"
    assert spelled(text) == ["using namespace at", "Tensor", "Tensor"]


def test_cuda_launches_do_not_confuse() -> None:
    text = "void f(at::Tensor x) { k<<<1, 2, 0, s>>>(x.relu(), a < b, c > d); x.relu(); }"
    assert spelled(text).count(".relu()") == 2


def test_lines_and_columns_count_characters_from_one() -> None:
    first, second = uses("int a;\n/* ä */ at::Tensor x; at::Tensor y;\n")
    assert (first.line, first.column) == (2, 9)
    assert (second.line, second.column) == (2, 23)


def test_windows_line_ends_are_line_ends() -> None:
    assert [one.line for one in uses("int a;\r\n#include <ATen/ATen.h>\r\nat::Tensor x;\r\n")] == [
        2,
        3,
    ]


def test_a_byte_order_mark_is_skipped() -> None:
    found = read("a.cpp", b"\xef\xbb\xbf#include <ATen/ATen.h>\n", "2.10.0")
    assert [one.spelled for one in found.uses] == ["ATen/ATen.h"]


@pytest.mark.parametrize("data", ["at::Tensor x;".encode("utf-16"), b"\0", b"at::Tensor\0"])
def test_what_is_no_text_is_an_error(data: bytes) -> None:
    found = read("a.cpp", data, "2.10.0")
    assert found.error is not None
    assert not found.uses


def test_a_file_that_is_too_large_is_an_error() -> None:
    assert read("a.cpp", b" " * (LARGEST + 1), "2.10.0").error is not None


def test_a_text_in_another_encoding_is_read() -> None:
    found = read("a.cpp", b"// caf\xe9\nat::Tensor x;", "2.10.0")
    assert found.error is None
    assert [one.spelled for one in found.uses] == ["at::Tensor"]


def test_too_many_braces_are_an_error_and_names_are_found_all_the_same() -> None:
    found = read("a.cpp", b"{" * 5000 + b" at::Tensor x;", "2.10.0")
    assert found.error is not None
    assert [one.spelled for one in found.uses] == ["at::Tensor"]


def test_a_use_that_needs_a_newer_torch_is_later_and_has_no_edits() -> None:
    text = "void f(at::Tensor x) { x.contiguous(); }"
    (old,) = [one for one in uses(text, "2.9.0") if one.kind is Kind.METHOD]
    (new,) = [one for one in uses(text, "2.10.0") if one.kind is Kind.METHOD]
    assert (old.way, old.edits) == (Way.LATER, ())
    assert new.way is Way.NOW
    assert new.edits


def test_a_name_of_torch_that_is_unknown_is_reported_as_unknown() -> None:
    (found,) = uses("auto x = at::no_such_thing(1);")
    assert (found.way, found.write, found.edits) == (Way.UNKNOWN, None, ())


def test_an_operator_that_has_no_wrapper_is_named_as_the_table_of_replacements_does() -> None:
    (found,) = uses("auto x = at::cholesky_inverse(y);")
    assert found.api == "at::cholesky_inverse"
    assert found.way is Way.DISPATCHER


def test_the_first_include_that_goes_brings_the_headers_of_what_stays() -> None:
    first, second = uses(
        "#include <vector>\n#include <ATen/ATen.h>\n#include <torch/all.h>\n"
        "c10::Half h; std::vector<int> v; std::unordered_set<int> s;"
    )
    (edit,) = first.edits
    assert edit.text.splitlines() == [
        "#include <torch/headeronly/util/Half.h>",
        "#include <unordered_set>",
    ]
    assert second.edits[0].text == ""


def test_a_header_that_only_includes_keeps_bringing_the_standard_library() -> None:
    found = read("all.h", b"#pragma once\n#include <torch/torch.h>\n", "2.10.0").uses
    assert "#include <unordered_set>" in found[0].edits[0].text
    found = read("all.h", b"#include <torch/torch.h>\nat::Tensor x;\n", "2.10.0").uses
    assert found[0].edits[0].text == ""


@pytest.mark.parametrize(
    ("call", "way", "api"),
    [
        ("x.view(at::kByte)", Way.NOW, "Tensor::view(dtype)"),
        ("x.view({1, 2})", Way.NOW, "Tensor::view"),
        ("x.cumsum(0)", Way.DISPATCHER, "at::cumsum"),
        ("x - y", Way.NOW, "at::sub"),
        ("x.add(y)", Way.NOW, "at::add"),
        ("x.add(2)", Way.NOW, "at::add, at::sub with a number"),
    ],
)
def test_the_arguments_tell_the_overload(call: str, way: Way, api: str) -> None:
    found = uses(f"void f(at::Tensor x, at::Tensor y) {{ {call}; }}")[2]
    assert (found.way, found.api) == (way, api)


def test_an_overload_that_takes_a_number_is_not_sent_through_the_dispatcher_as_it_is() -> None:
    found = uses("void f(at::Tensor x) { x.pow_(2); at::clamp(x, 0, 1); }")[1:]
    for one in found:
        assert one.write is None or '"Scalar"' not in one.write


def test_names_are_shown_in_the_authors_characters() -> None:
    (found,) = uses("auto x = at::größe(1);")
    assert found.spelled == "at::größe"


def test_what_needs_newer_headers_than_the_target_is_not_edited() -> None:
    text = "void f(at::Tensor x) { x.permute({1, 0}); }"
    (old,) = [one for one in uses(text, "2.10.0") if one.kind is Kind.METHOD]
    (new,) = [one for one in uses(text, "2.14.0") if one.kind is Kind.METHOD]
    assert (old.way, old.since, old.edits) == (Way.NOW, "2.14.0", ())
    assert new.edits
