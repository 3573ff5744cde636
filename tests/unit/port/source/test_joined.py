"""Plans of sources, alone and joined with that of a binary."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge import replacements
from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port.migration import Item, Plan, Site, UnitProgress, Way
from torch_abi_audit.port.source.findings import Kind, SourceFile, SourceUse
from torch_abi_audit.port.source.joined import joined, of_sources, view

CHECK = "TORCH_CHECK"


def use(
    line: int,
    spelled: str,
    api: str | None = None,
    way: Way = Way.NOW,
    floor: str | None = "2.10.0",
    write: str | None = "x",
) -> SourceUse:
    return SourceUse(line, 1, Kind.MACRO, spelled, api, way, write, floor=floor)


FILES = (
    SourceFile("a.cpp", (use(3, CHECK, CHECK), use(8, "at::kFloat"), use(9, CHECK, CHECK))),
    SourceFile("b.cu", (use(1, "later", way=Way.LATER, floor="2.13.0"), use(2, CHECK, CHECK))),
)


def item(api: str, *sites: Site, way: Way = Way.NOW) -> Item:
    symbols = (f"{api}()",)
    placed = tuple(("ops.o", one) for one in sites)
    return Item(api, way, "x", None, None, None, 1, "", symbols, ("ops.o",), 4, sites=placed)


def binary(*items: Item) -> Plan:
    units = (UnitProgress("ops.o", 2, 0),)
    return Plan("x", "/x", TorchLabel.UNSTABLE, "2.10.0", 0.5, 1.0, 2, 4, items=items, units=units)


def test_sources_alone() -> None:
    found = view("/src", FILES, (), "2.10.0")
    plan = of_sources("src", found, "2.10.0", torch=True)
    assert (plan.verdict, plan.coverage, plan.uses, plan.symbols) == ("UNSTABLE", 0.8, 5, 0)
    assert [(one.api, one.way, one.uses, one.units) for one in plan.items] == [
        (CHECK, Way.NOW, 3, ("a.cpp", "b.cu")),
        ("at::kFloat", Way.NOW, 1, ("a.cpp",)),
        ("later", Way.LATER, 1, ("b.cu",)),
    ]
    assert [(name, site.line) for name, site in plan.items[0].sites] == [
        ("a.cpp", 3),
        ("a.cpp", 9),
        ("b.cu", 2),
    ]
    shares = {one.release: (one.coverage, one.unlocks, one.loses) for one in plan.targets}
    assert shares["2.9.0"] == (0.0, (), (CHECK, "at::kFloat"))
    assert shares["2.10.0"] == (0.8, (), ())
    assert shares["2.13.0"] == (1.0, ("later",), ())


@pytest.mark.parametrize(
    ("files", "torch", "verdict", "coverage"),
    [
        ((SourceFile("a.cpp"),), True, "STABLE", 1.0),
        ((SourceFile("a.cpp"),), False, "NO-TORCH", 1.0),
        ((SourceFile("a.cpp", error="gone"),), False, "ERROR", 0.0),
        ((SourceFile("a.cpp", error="gone"), FILES[0]), True, "ERROR", 1.0),
    ],
)
def test_what_sources_without_a_use_amount_to(
    files: tuple[SourceFile, ...], torch: bool, verdict: str, coverage: float
) -> None:
    found = view("/src", files, (), "2.10.0")
    plan = of_sources("src", found, "2.10.0", torch=torch)
    assert (plan.verdict, plan.coverage) == (verdict, coverage)
    unread = any(one.error for one in files)
    assert bool(found.notes) is unread


def test_what_both_know_is_one_item_and_nothing_is_lost() -> None:
    header = Site("f()", "/torch/include/x.h", 7, 2, own=False)
    same = Site("f()", "/build/../src/a.cpp", 3, 1, own=True)
    other = Site("g()", "/src/generated.cpp", 3, 1, own=True)
    plan = joined(
        binary(item(CHECK, same, header, other), item("only::binary", header)),
        view("/src", FILES, (), "2.10.0"),
    )
    by_api = {one.api: one for one in plan.items}
    assert list(by_api) == [CHECK, "only::binary", "at::kFloat", "later"]
    check = by_api[CHECK]
    assert (check.symbols, check.units, check.uses) == (("TORCH_CHECK()",), ("ops.o",), 4)
    assert [site.line for _, site in check.sites] == [3, 9, 2, 7, 3]
    assert check.sites[-2:] == (("ops.o", header), ("ops.o", other))
    assert check.own == 4
    assert by_api["only::binary"] == item("only::binary", header)
    assert (by_api["at::kFloat"].symbols, by_api["at::kFloat"].own) == ((), 1)
    assert (plan.coverage, plan.uses, plan.symbols) == (0.5, 4, 2)
    assert plan.source is not None
    assert plan.source.coverage == 0.8


def test_a_form_of_a_call_with_a_row_of_its_own_is_the_same_api() -> None:
    special = SourceFile("a.cpp", (use(4, "torch::empty", "new_empty"), use(5, "at::empty")))
    plan = joined(binary(item("at::empty")), view("/src", (special,), (), "2.10.0"))
    (only,) = plan.items
    assert (only.api, [site.line for _, site in only.sites]) == ("at::empty", [4, 5])


def test_the_way_of_an_item_is_the_binarys() -> None:
    plan = joined(binary(item(CHECK, way=Way.DISPATCHER)), view("/src", FILES[:1], (), "2.10.0"))
    assert [(one.api, one.way) for one in plan.items] == [
        ("at::kFloat", Way.NOW),
        (CHECK, Way.DISPATCHER),
    ]


def test_the_way_for_older_headers_and_the_macros_are_kept() -> None:
    uses = (
        placed(".permute(…)", "Tensor::permute", "torch::stable::permute"),
        placed("at::cuda::getCurrentCUDAStream", "getCurrentCUDAStream", "a stream"),
    )
    found = view("/s", (SourceFile("a.cpp", uses),), (), "2.10.0")
    plan = of_sources("s", found, "2.10.0", torch=True)
    permute, stream = plan.items
    assert permute.fallback is not None
    assert permute.fallback.use == 'torch_call_dispatcher("aten::permute", "")'
    assert permute.fallback.since == "2.10.0"
    assert stream.macros == ("USE_CUDA",)


def placed(spelled: str, api: str, write: str) -> SourceUse:
    """A use with the header and releases of the row of its API."""
    row = replacements.row(api)
    terms = (row.header, row.since, row.floor)
    return SourceUse(1, 1, Kind.FUNCTION, spelled, api, Way.NOW, write, *terms)
