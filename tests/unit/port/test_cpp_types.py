"""How C++ spells types and defaults of operator schemas."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.operators import Argument
from torch_abi_audit.port.cpp_types import UnknownTypeError, default, parameter, passed, result


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("Tensor", "const torch::stable::Tensor&"),
        ("Tensor?", "const std::optional<torch::stable::Tensor>&"),
        ("Tensor[]", "const std::vector<torch::stable::Tensor>&"),
        ("Tensor?[]", "const std::vector<std::optional<torch::stable::Tensor>>&"),
        ("SymInt", "int64_t"),
        ("int?", "std::optional<int64_t>"),
        ("SymInt[2]", "torch::headeronly::IntHeaderOnlyArrayRef"),
        ("int[1]?", "std::optional<torch::headeronly::IntHeaderOnlyArrayRef>"),
        ("float[]?", "std::optional<torch::headeronly::HeaderOnlyArrayRef<double>>"),
        ("bool[3]", "const std::array<bool, 3>&"),
        ("str", "const std::string&"),
        ("str?", "const std::optional<std::string>&"),
        ("ScalarType?", "std::optional<torch::headeronly::ScalarType>"),
        ("Device", "torch::stable::Device"),
        ("Generator?", "const std::optional<torch::stable::Generator>&"),
    ],
)
def test_parameters(written: str, spelt: str) -> None:
    assert parameter(written) == spelt


@pytest.mark.parametrize("written", ["Scalar", "Scalar?", "Scalar[]", "Stream", "bool[]"])
def test_types_that_have_no_form(written: str) -> None:
    with pytest.raises(UnknownTypeError, match=r"the type (Scalar|Stream|bool\[\])$"):
        parameter(written)


@pytest.mark.parametrize(
    ("returns", "spelt"),
    [
        ((), "void"),
        (("Tensor",), "torch::stable::Tensor"),
        (("Tensor[]",), "std::vector<torch::stable::Tensor>"),
        (("float", "int"), "std::tuple<double, int64_t>"),
    ],
)
def test_results(returns: tuple[str, ...], spelt: str) -> None:
    assert result(returns) == spelt


@pytest.mark.parametrize(
    ("kind", "text", "spelt"),
    [
        ("int", None, ""),
        ("int", "-100", "-100"),
        ("int", "Mean", "1"),  # of at::Reduction
        ("float", "1e-05", "1e-05"),
        ("bool", "False", "false"),
        ("Tensor?", "None", "std::nullopt"),
        ("int[2]", "0", "{0, 0}"),
        ("SymInt[1]", "1", "{1}"),
        ("int[1]", "[-2,-1]", "{-2, -1}"),
        ("int[]", "[]", "{}"),
        ("str", "'mean'", '"mean"'),
        ("str", '""', '""'),
        ("ScalarType?", "long", "torch::headeronly::ScalarType::Long"),
        ("MemoryFormat", "contiguous_format", "torch::headeronly::MemoryFormat::Contiguous"),
    ],
)
def test_defaults(kind: str, text: str | None, spelt: str) -> None:
    assert default(Argument("x", kind, text)) == spelt


def test_a_default_that_has_no_form() -> None:
    with pytest.raises(UnknownTypeError, match="the default strided"):
        default(Argument("x", "Layout", "strided"))


def test_what_is_passed() -> None:
    assert passed("Tensor", "self") == "self"
    assert passed("bool[3]", "mask") == "torch::headeronly::HeaderOnlyArrayRef<bool>(mask)"
