"""What a plan says of an API: fallbacks, macros, types that are refused, what goes away."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from json import loads

import jsonschema
import pytest

from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port.migration import (
    Fallback,
    Item,
    Plan,
    Since,
    Site,
    Target,
    UnitProgress,
    Way,
)
from torch_abi_audit.report.lines import fitting
from torch_abi_audit.report.rendering import Detail, render

PERMUTE = Item(
    api="Tensor::permute",
    way=Way.NOW,
    use="torch::stable::permute",
    header="torch/csrc/stable/ops.h",
    since="2.14.0",
    floor="2.10.0",
    effort=1,
    note="",
    symbols=("at::_ops::permute::call(at::Tensor const&, c10::ArrayRef<long>)",),
    units=("a.so",),
    uses=1,
    fallback=Fallback('torch_call_dispatcher("aten::permute", "")', "torch/s.h", "2.10.0"),
)
STREAM = replace(
    PERMUTE,
    api="getCurrentCUDAStream",
    use="aoti_torch_get_current_cuda_stream",
    header="torch/shim.h",
    since="2.9.0",
    floor="2.9.0",
    fallback=None,
    macros=("USE_CUDA",),
)
CHECK = replace(
    STREAM, api="TORCH_CHECK", use="STD_TORCH_CHECK", macros=(), differs="raises RuntimeError"
)
CLAMP = replace(
    PERMUTE,
    api="at::clamp",
    way=Way.NOT_YET,
    use=None,
    header=None,
    since=None,
    floor=None,
    fallback=None,
    refused=("Scalar",),
)
GUARDS = tuple(
    replace(CLAMP, api=name, way=Way.GOES, refused=(), origin="c10/cuda/CUDAGuard.h")
    for name in ("getStreamFromPool", "CUDAStream::synchronize")
)
CASTER = replace(
    CLAMP,
    api="type casters",
    way=Way.GOES,
    refused=(),
    origin="torch/extension.h",
    symbols=("pybind11::detail::type_caster<at::Tensor, void>::load(bool)",),
)


def plan(*items: Item, target: str = "2.10.0") -> Plan:
    return Plan(
        name="pkg",
        root="/pkg",
        verdict=TorchLabel.UNSTABLE,
        target=target,
        coverage=0.8,
        classified=1,
        symbols=len(items),
        uses=len(items),
        items=items,
        targets=(Target("2.9.0", 0.5), Target("2.10.0", 0.8), Target("2.14.0", 0.9)),
        units=(UnitProgress("a.so", unstable=len(items), shims=0),),
    )


def text(one: Plan, *, verbose: bool = False, columns: int = 100) -> str:
    """The text with each run of spaces and line ends as one space."""
    return " ".join(render("port", "text", [one], Detail(verbose, columns=columns)).split())


def test_the_options_come_first_with_the_macros_of_what_can_be_used_now() -> None:
    later = replace(CHECK, way=Way.LATER, macros=("USE_XPU",))
    shown = render("port", "text", [plan(PERMUTE, STREAM, later)], Detail())
    assert shown.splitlines()[1].split() == [
        *("Compile", "with:", "-DTORCH_TARGET_VERSION=0x020a000000000000", "-DUSE_CUDA")
    ]
    markdown = render("port", "markdown", [plan(PERMUTE, STREAM)], Detail())
    assert "`-DTORCH_TARGET_VERSION=0x020a000000000000 -DUSE_CUDA`" in markdown


def test_newer_headers_are_asked_for_building_and_the_fallback_is_named() -> None:
    shown = text(plan(PERMUTE, STREAM))
    assert "To build: torch 2.14 or later, whose headers have the replacement of" in shown
    assert "Tensor::permute (torch 2.10 with the fallbacks); what is built still runs on" in shown
    detailed = text(plan(PERMUTE), verbose=True)
    assert "needs the headers of torch 2.14, runs on 2.10 and later" in detailed
    assert (
        'with older headers: torch_call_dispatcher("aten::permute", "") (torch/s.h, from torch'
        " 2.10)" in detailed
    )
    assert "fallback" not in text(plan(replace(PERMUTE, fallback=None)))
    assert "To build" not in text(plan(PERMUTE, target="2.14.0"))


def test_what_blocks_is_said_with_the_types_that_are_refused() -> None:
    said = "not possible through the dispatcher: type Scalar"
    assert f"Blocks: at::clamp: {said}" in text(plan(PERMUTE, CLAMP))
    two = replace(CLAMP, refused=("Generator?", "Scalar"))
    assert "the dispatcher: types Generator?, Scalar" in text(plan(two))
    many = plan(*(replace(CLAMP, api=f"at::op{number}") for number in range(9)))
    assert "at::op3:" in text(many)
    assert "at::op4:" not in text(many)
    assert "and 5 more, which -v lists" in text(many)
    assert "at::op8 [1 symbol" in text(many, verbose=True)


def test_what_goes_away_is_grouped_by_what_brings_it() -> None:
    one = plan(CHECK, *GUARDS, CASTER)
    shown = text(one)
    row = "goes away by itself 3 3 with c10/cuda/CUDAGuard.h, torch/extension.h"
    assert row in shown
    assert shown.index(row) < shown.index("now: another name")
    detailed = text(one, verbose=True)
    assert "with c10/cuda/CUDAGuard.h: 2 APIs, 2 symbols getStreamFromPool [" in detailed
    assert "with torch/extension.h: 1 API, 1 symbol type casters [" in detailed
    markdown = render("port", "markdown", [one], Detail())
    assert "| with c10/cuda/CUDAGuard.h | goes away by itself | nothing to write |" in markdown
    assert markdown.count("goes away by itself") == 2


def test_bindings_are_told_of_the_headers_of_pybind() -> None:
    said = "compiles with TORCH_TARGET_VERSION from torch 2.13 on"
    assert said in text(plan(CASTER))
    assert said not in text(plan(CHECK))
    assert said not in text(plan(CASTER, target="2.13.0"))


def test_what_differs_and_is_needed_is_said_with_the_api() -> None:
    detailed = text(plan(CHECK, STREAM), verbose=True)
    assert "differs: raises RuntimeError" in detailed
    assert "compile with -DUSE_CUDA" in detailed
    markdown = render("port", "markdown", [plan(CHECK)], Detail())
    assert "differs: raises RuntimeError" in markdown


def test_a_higher_target_is_listed_once_for_what_it_adds() -> None:
    targets = (
        Target("2.9.0", 0.1, loses=("at::empty",)),
        Target("2.10.0", 0.2),
        Target("2.13.0", 0.5, unlocks=("A",)),
        Target("2.14.0", 0.5, unlocks=("A",)),
        Target("2.15.0", 1, unlocks=("A", "B, and its kin")),
    )
    shown = text(replace(plan(CHECK), targets=targets))
    assert "torch 2.13 50% + A torch 2.15 100% + B Files:" in shown


def test_names_with_spaces_and_controls_cannot_break_the_screen() -> None:
    odd = plan(replace(CLAMP, api="a\x1b[31m\nb", symbols=("x\ny",)))
    odd = replace(odd, name="p\nq", notes=("n\x07",), units=(UnitProgress("u\nv", 1, 0),))
    for verbose in (False, True):
        shown = render("port", "text", [odd], Detail(verbose))
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert not any(line.startswith(("b", "q", "v", "y")) for line in shown.splitlines())


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_only_options_and_paths_are_longer_than_a_line(columns: int) -> None:
    one = plan(PERMUTE, STREAM, CHECK, CLAMP, CASTER, *GUARDS)
    lines = render("port", "text", [one], Detail(columns=columns)).splitlines()
    options = lines.pop(1)
    assert options.endswith(" -DTORCH_TARGET_VERSION=0x020a000000000000 -DUSE_CUDA")
    assert max(map(len, lines)) <= columns


def test_options_are_for_what_is_left_to_compile() -> None:
    done = replace(plan(), verdict=TorchLabel.STABLE, symbols=0, floor="2.10.0")
    for form in ("text", "markdown"):
        assert "TORCH_TARGET_VERSION" not in render("port", form, [done], Detail())
        newer = render("port", form, [replace(done, floor="2.13.0")], Detail())
        assert "-DTORCH_TARGET_VERSION=0x020a000000000000" in newer  # it is built without
        left = render("port", form, [plan(CHECK)], Detail())
        assert "-DTORCH_TARGET_VERSION=0x020a000000000000" in left


def test_a_place_says_whether_it_was_inlined() -> None:
    inlined = Site("f()", "/usr/include/c++/13/new", 7, own=False)
    sites = (("a.so", Site("f()", "/src/a.cpp", 3, own=True)), ("a.so", inlined))
    said = text(plan(replace(CHECK, sites=sites)), verbose=True)
    assert "at /src/a.cpp:3 in f() at /usr/include/c++/13/new:7 in f() inlined from headers" in said


def test_as_many_names_as_fit() -> None:
    names = ["one", "two", "three"]
    assert fitting(names, 15) == "one, two, three"
    assert fitting(names, 14) == "one and 2 more"
    assert fitting(names, 13) == ""
    assert fitting(names, 1, least=1) == "one and 2 more"
    assert fitting([], 80, least=1) == ""


def test_json_has_all_of_it_and_keeps_to_the_schema() -> None:
    since = Since(("a",), (), 3, 2, (("a.so", 3, 2), ("b.so", None, 1)))
    one = replace(plan(PERMUTE, STREAM, CLAMP, CASTER), since=since)
    document = loads(render("port", "json", [one], Detail()))
    schema = loads((files("torch_abi_audit.report") / "port.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["compile_options"] == [
        "-DTORCH_TARGET_VERSION=0x020a000000000000",
        "-DUSE_CUDA",
    ]
    assert document["headers"] == {
        "needed": "2.14.0",
        "newer_than_target": ["Tensor::permute"],
        "with_fallbacks": "2.10.0",
    }
    permute, stream, clamp, caster = document["apis"]
    assert permute["fallback"] == {
        "use": 'torch_call_dispatcher("aten::permute", "")',
        "header": "torch/s.h",
        "since": "2.10.0",
    }
    assert (stream["fallback"], stream["macros"]) == (None, ["USE_CUDA"])
    assert clamp["refused"] == ["Scalar"]
    assert (caster["class"], caster["origin"]) == ("goes-away", "torch/extension.h")
    assert loads(render("port", "json", [plan(CHECK)], Detail()))["apis"][0]["differs"]
