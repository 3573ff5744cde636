"""The table of operator schemas, and what the dispatcher's stable interface carries of them.

Schemas and releases are those of pytorch's ``native_functions.yaml`` at the tags of the releases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.knowledge import operators
from torch_abi_audit.knowledge.operators import (
    Argument,
    Schema,
    called,
    history,
    only_none,
    overloads,
    pack,
    parse,
    refused,
    releases,
    schema,
    texts,
)

if TYPE_CHECKING:
    from pathlib import Path


def known(name: str, overload: str, release: str) -> Schema:
    found = schema(name, overload, release)
    assert found is not None, (name, overload, release)
    return found


def test_a_schema_is_read_in_its_parts() -> None:
    found = known("aten::add_", "Tensor", "2.10.0")
    assert found[:2] == ("aten::add_", "Tensor")
    assert found.arguments == (
        Argument("self", "Tensor", written=True),
        Argument("other", "Tensor"),
        Argument("alpha", "Scalar", "1", keyword_only=True),
    )
    assert found.returns == ("Tensor",)
    assert (
        found.text == "add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)"
    )
    assert found == schema("add_", "Tensor", "2.10")


@pytest.mark.parametrize(
    ("text", "arguments", "returns"),
    [
        ("f() -> ()", (), ()),
        (
            "f.out(int[2] a=[1, 1], *, Tensor(a!)[] out) -> ()",
            (Argument("a", "int[2]", "[1, 1]"), Argument("out", "Tensor[]", None, True, True)),
            (),
        ),
        (
            'f(str a="x, (y\\"=", str? b=None) -> (Tensor(a!) values, Tensor(a)[], int)',
            (Argument("a", "str", '"x, (y\\"="'), Argument("b", "str?", "None")),
            ("Tensor", "Tensor[]", "int"),
        ),
        ("f(Tensor(a -> *) self) -> Tensor(a)[]", (Argument("self", "Tensor"),), ("Tensor[]",)),
    ],
)
def test_forms_of_schemas(
    text: str, arguments: tuple[Argument, ...], returns: tuple[str, ...]
) -> None:
    assert parse(text) == Schema("aten::f", parse(text).overload, arguments, returns, text)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("f(Tensor self", "the list of arguments has no end: Tensor self"),
        ("f(Tensor) -> Tensor", "the schema of f has an argument of an unknown form: Tensor"),
    ],
)
def test_what_is_no_schema(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        parse(text)


@pytest.mark.parametrize(
    ("name", "overload", "first", "last"),
    [
        ("mul", "Tensor", "2.9.0", "2.15.0"),
        ("numel", "", "2.12.0", "2.15.0"),  # sizes and numel became operators in 2.12
        ("empty", "names", "2.9.0", "2.12.0"),  # named tensors were removed in 2.13
        ("cholesky", "", "2.9.0", "2.13.0"),  # deprecated since 1.8, removed in 2.14
        ("rand_like", "generator", "2.10.0", "2.15.0"),
    ],
)
def test_the_releases_of_an_operator(name: str, overload: str, first: str, last: str) -> None:
    having = [one for one in releases() if schema(name, overload, one)]
    assert (having[0], having[-1]) == (first, last)
    assert having == [one for one in releases() if overload in overloads(name, one)]


def test_a_schema_that_changed() -> None:
    before, after = (known("_flash_attention_forward", "", one) for one in ("2.11.0", "2.12.0"))
    assert [one.name for one in after.arguments[len(before.arguments) :]] == [
        "block_table",
        "num_splits",
    ]
    assert known("triu", "", "2.9.0").arguments[1].type == "int"
    assert known("triu", "", "2.10.0").arguments[1].type == "SymInt"


def test_the_history_of_what_an_operator_takes() -> None:
    assert [
        (release, one and len(one.arguments))
        for release, one in history("_flash_attention_forward", "", "2.10.0")
    ] == [("2.10.0", 15), ("2.12.0", 17)]
    assert [one for one, _ in history("_flash_attention_forward", "", "2.12.0")] == ["2.12.0"]
    assert history("cholesky", "", "2.10.0")[1:] == (("2.14.0", None),)
    assert history("numel", "", "2.10.0")[0] == ("2.10.0", None)
    assert history("numel", "", "2.10.0")[1][0] == "2.12.0"
    assert len(history("triu", "", "2.9.0")) == 1  # an int that became a SymInt


@pytest.mark.parametrize(
    ("caller", "operator"),
    [
        ("mul_Tensor", ("mul", "Tensor")),
        ("add__Tensor", ("add_", "Tensor")),
        ("sum_dim_IntList", ("sum", "dim_IntList")),
        ("linalg_norm", ("linalg_norm", "")),
        ("linalg_norm_ord_str", ("linalg_norm", "ord_str")),
        ("_foreach_add__List", ("_foreach_add_", "List")),
        ("__and___Scalar", ("__and__", "Scalar")),
        ("no_such_operator", None),
    ],
)
def test_the_operator_of_a_caller(caller: str, operator: tuple[str, str] | None) -> None:
    assert called(caller, "2.10.0") == operator


def test_every_caller_is_told_apart() -> None:
    """The struct that calls an operator has its name and overload, joined by an underscore."""
    for text in texts("2.15.0"):
        one = parse(text)
        name = one.name.removeprefix("aten::")
        caller = f"{name}_{one.overload}" if one.overload else name
        assert called(caller, "2.15.0") == (name, one.overload), caller


def test_overloads_are_those_of_the_whole_name() -> None:
    assert overloads("mul", "2.10.0") == ("Scalar", "Scalar_out", "Tensor", "out")
    assert overloads("aten::t", "2.10.0") == ("",)
    assert overloads("no_such_operator", "2.10.0") == ()
    assert schema("mul", "no_such_overload", "2.10.0") is None
    assert schema("mul", "", "2.10.0") is None


def test_releases_outside_of_the_table() -> None:
    assert schema("mul", "Tensor", "2.8.0") is None
    assert overloads("mul", "2.8.0") == ()
    assert schema("mul", "Tensor", "2.9.1") == schema("mul", "Tensor", "2.9.0")
    assert schema("mul", "Tensor", "3.0") == schema("mul", "Tensor", releases()[-1])


@pytest.mark.parametrize(
    ("name", "overload", "types"),
    [
        ("add", "Tensor", ("Scalar",)),  # alpha has a default, but is pushed all the same
        ("add_", "Tensor", ("Scalar",)),
        ("mul", "Scalar", ("Scalar",)),
        ("mul", "Tensor", ()),
        ("clamp", "", ("Scalar",)),
        ("clamp", "Tensor", ()),
        ("arange", "start_step", ("Scalar",)),
        ("_foreach_add", "ScalarList", ("Scalar",)),
        ("_local_scalar_dense", "", ("Scalar",)),
        ("qscheme", "", ("QScheme",)),
        ("set_", "source_Storage", ("Storage",)),
        ("record_stream", "", ("Stream",)),
        ("empty", "memory_format", ()),
        ("index", "Tensor", ()),
        ("div", "Tensor_mode", ()),
        ("native_layer_norm_backward", "", ()),
        ("split", "Tensor", ()),
        ("bernoulli", "", ()),
        # measured in these releases: "expected double", "Expected Tensor but got Int"
        ("_choose_qparams_per_tensor", "", ("(float, int)",)),
        ("_batch_norm_impl_index", "", ("(Tensor, Tensor, Tensor, Tensor, int)",)),
        ("histogramdd", "int_bins", ("(Tensor, Tensor[])",)),
        ("native_batch_norm", "", ()),
    ],
)
def test_what_the_dispatcher_cannot_carry(name: str, overload: str, types: tuple[str, ...]) -> None:
    for release in ("2.10.0", "2.13.0", "2.15.0"):
        assert refused(known(name, overload, release), release) == types


def test_what_newer_releases_carry() -> None:
    given = known("randn", "generator", "2.10.0")
    assert refused(given, "2.12.1") == ("Generator",)
    assert refused(given, "2.13.0") == ()
    assert only_none(known("bernoulli", "", "2.10.0"), "2.12.0") == ("generator",)
    assert only_none(known("bernoulli", "", "2.10.0"), "2.13.0") == ()
    assert refused(known("cat", "", "2.9.0"), "2.9.1") == ("Tensor[]",)
    assert refused(known("cat", "", "2.10.0"), "2.10.0") == ()


def test_the_file_is_small_and_states_its_source() -> None:
    data = operators.FILE.read_bytes()
    assert data.startswith(b"schema_str in ATen/ops/")
    assert len(data) < 300_000


def test_what_is_packed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"f(int a) -> int": 1, "f.b(Tensor a) -> ()": 3, "f_(int a) -> int": 2}
    path = tmp_path / "schemas.idx"
    path.write_bytes(pack("from nowhere", ("2.9.0", "2.10.0"), texts))
    monkeypatch.setattr(operators, "FILE", path)
    for cached in (operators._table, operators._bit):
        cached.cache_clear()
    try:
        assert releases() == ("2.9.0", "2.10.0")
        assert (overloads("f", "2.9.0"), overloads("f", "2.10.0")) == (("", "b"), ("b",))
        assert (schema("f_", "", "2.9.0"), schema("f_", "", "2.10.0")) == (
            None,
            parse("f_(int a) -> int"),
        )
    finally:
        for cached in (operators._table, operators._bit):
            cached.cache_clear()
