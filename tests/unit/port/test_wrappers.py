"""Which operators get a helper, and what the header says of the others."""

from __future__ import annotations

import pytest

from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port.migration import Item, Plan, Way
from torch_abi_audit.port.source.findings import Kind, SourceFile, SourceUse, SourceView
from torch_abi_audit.port.wrapper_text import MARKER
from torch_abi_audit.port.wrappers import header, needed


def item(
    way: Way = Way.DISPATCHER,
    *,
    use: str | None = None,
    operator: str | None = None,
    symbols: tuple[str, ...] = (),
    refused: tuple[str, ...] = (),
) -> Item:
    return Item(
        api="at::f",
        way=way,
        use=use,
        header=None,
        since=None,
        floor=None,
        effort=2,
        note="",
        symbols=symbols,
        units=(),
        uses=1,
        operator=operator,
        refused=refused,
    )


def plan(*items: Item, source: SourceView | None = None) -> Plan:
    return Plan(
        name="p",
        root="/p",
        verdict=TorchLabel.UNSTABLE,
        target="2.10.0",
        coverage=1.0,
        classified=1.0,
        symbols=1,
        uses=1,
        items=items,
        source=source,
    )


def test_operators_are_those_that_an_item_shows() -> None:
    made = plan(
        item(use='torch_call_dispatcher("aten::softmax", "int")', symbols=("at::x()",)),
        item(use='torch_call_dispatcher("aten::split", "…")'),
        item(use='torch_call_dispatcher("aten::split", "Tensor")'),
        item(Way.NOW, use='torch::stable::sum of the squares by "aten::mul", "Tensor"'),
        item(Way.NOW, use="torch::stable::flatten", operator="aten::flatten.using_ints"),
        item(Way.LATER, use='torch_call_dispatcher("aten::numel", "")'),
    )
    assert needed([made]) == (("mul", "Tensor"), ("softmax", "int"), ("split", None))


def test_an_overload_with_tensors_takes_the_place_of_one_with_numbers() -> None:
    symbol = "at::_ops::mul_Scalar::call(at::Tensor const&, c10::Scalar const&)"
    shown = item(use='torch_call_dispatcher("aten::mul", "Tensor")', symbols=(symbol,))
    assert needed([plan(shown)]) == (("mul", "Tensor"),)


def test_the_symbols_tell_an_overload_that_an_item_does_not_show() -> None:
    symbols = (
        "at::_ops::add__Tensor::call(at::Tensor&, at::Tensor const&, c10::Scalar const&)",
        "at::_ops::div_Tensor::redispatch(c10::DispatchKeySet, at::Tensor const&)",
        "at::div(at::Tensor const&)",
    )
    shown = item(use='torch_call_dispatcher("aten::div", "…")', symbols=symbols)
    assert needed([plan(shown)]) == (("div", "Tensor"),)


def test_operators_that_the_dispatcher_refuses() -> None:
    symbol = "at::_ops::add__Tensor::call(at::Tensor&, at::Tensor const&, c10::Scalar const&)"
    made = plan(
        item(Way.NOT_YET, operator="aten::addmm", refused=("Scalar",)),
        item(Way.NOT_YET, operator="aten::clamp_min", refused=("Scalar",)),
        item(Way.NOT_YET, operator="aten::pow", refused=("Scalar",)),  # has no such overload
        item(Way.NOT_YET, operator="aten::add.x", symbols=(symbol,), refused=("Scalar",)),
        item(Way.NOW, use="torch::stable::fill_", operator="aten::fill_", refused=("Scalar",)),
        item(Way.NOT_YET, operator="aten::empty"),
    )
    assert needed([made]) == (
        *(("add_", "Tensor"), ("addmm", ""), ("clamp_min", ""), ("pow", None)),
    )


def test_operators_of_a_source() -> None:
    def use(way: Way, write: str) -> SourceUse:
        return SourceUse(1, 1, Kind.FUNCTION, "at::f", None, way, write)

    uses = (
        use(Way.DISPATCHER, 'torch_call_dispatcher("aten::mul", "Tensor", …)'),
        use(Way.LATER, 'torch_call_dispatcher("aten::numel", "")'),
        use(Way.NOW, "torch::stable::flatten"),
    )
    source = SourceView("/p", (SourceFile("a.cpp", uses),))
    assert needed([plan(source=source)]) == (("mul", "Tensor"),)


def test_a_source_adds_no_overloads_to_those_of_a_binary() -> None:
    def spelt(name: str) -> SourceUse:
        write = f'torch_call_dispatcher("aten::{name}", "…")'
        return SourceUse(1, 1, Kind.METHOD, f".{name}(", None, Way.DISPATCHER, write)

    source = SourceView("/p", (SourceFile("a.cpp", (spelt("mul"), spelt("div"))),))
    built = item(use='torch_call_dispatcher("aten::mul", "Tensor")')
    assert needed([plan(built, source=source)]) == (("div", None), ("mul", "Tensor"))


def test_all_overloads_that_can_be_carried() -> None:
    made = header([("mul", None)], "2.10.0", "G_H")
    assert made.operators == ("aten::mul.Tensor", "aten::mul.out")
    assert [name for name, _ in made.left_out] == ["aten::mul.Scalar", "aten::mul.Scalar_out"]
    assert made.text.startswith(MARKER)
    assert "// - aten::mul.Scalar: the dispatcher of torch 2.10 carries no Scalar\n" in made.text
    assert made.text.count("inline torch::stable::Tensor mul(") == 1
    assert "mul_out(\n    const torch::stable::Tensor& out,\n" in made.text


@pytest.mark.parametrize(
    ("name", "overload", "target", "reason"),
    [
        ("add", "Tensor", "2.10.0", "the dispatcher of torch 2.10 carries no Scalar"),
        ("randn", "generator", "2.12.0", "the dispatcher of torch 2.12 carries no Generator"),
        ("numel", "", "2.10.0", "of torch 2.10 and newer, only 2.12 to 2.15 have it"),
        ("cholesky", "", "2.13.1", "of torch 2.13.1 and newer, only 2.13.1 has it"),
        ("no_such_operator", "", "2.11.0", "torch 2.11 and newer do not have it"),
        ("mul", "Tensor", "2.9.0", "torch 2.9 has no torch_call_dispatcher"),
        (
            *("_choose_qparams_per_tensor", "", "2.10.0"),
            "the dispatcher of torch 2.10 carries no (float, int)",
        ),
    ],
)
def test_why_an_operator_has_no_helper(name: str, overload: str, target: str, reason: str) -> None:
    made = header([(name, overload)], target, "G_H")
    full = f"aten::{name}" + (f".{overload}" if overload else "")
    assert (made.operators, made.left_out) == ((), ((full, reason),))


def test_an_argument_that_can_only_be_none() -> None:
    before = header([("bernoulli", "")], "2.12.0", "G_H").text
    assert "// generator is always None" in before
    assert "Tensor bernoulli(const torch::stable::Tensor& self) {" in before
    after = header([("bernoulli", "")], "2.13.0", "G_H").text
    assert "#include <torch/csrc/stable/generator.h>" in after
    assert "const std::optional<torch::stable::Generator>& generator = std::nullopt" in after


def test_arguments_that_a_newer_release_added() -> None:
    text = header([("_scaled_dot_product_attention_math_for_mps", "")], "2.10.0", "G_H").text
    newer, older = text.split("if (aoti_torch_abi_version() >= 0x020C000000000000) {")[1].split(
        "  }\n", 1
    )
    assert "StableIValue, 9>" in newer
    assert "detail::from(bool(false))" in newer
    assert "StableIValue, 8>" in older
    text = header([("_scaled_dot_product_attention_math_for_mps", "")], "2.12.0", "G_H").text
    assert "aoti_torch_abi_version" not in text


def test_helpers_that_a_call_could_not_tell_apart() -> None:
    text = header([("conv2d", None)], "2.10.0", "G_H").text
    assert "Tensor conv2d(" in text  # {1, 1} is a list, and a std::string
    assert "Tensor conv2d_padding(" in text


def test_the_oldest_release_is_said() -> None:
    text = header([("mul", "Tensor")], "2.12.0", "G_H").text
    assert "-DTORCH_TARGET_VERSION=0x020C000000000000," in text
    assert "#if TORCH_FEATURE_VERSION < 0x020C000000000000\n#error" in text
    assert text.count("G_H") == text.count("G_H_CHECK") + 3
