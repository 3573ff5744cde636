"""The place of a use, as the author of the project sees it."""

from __future__ import annotations

from torch_abi_audit.formats.object_file import Frame, Place, Reference, SourceUnit
from torch_abi_audit.port.migration import Site
from torch_abi_audit.port.sites import Authors, sites

TORCH = "/v/site-packages/torch/include/c10/core/TensorImpl.h"
MINE = "/home/u/proj/csrc/a.cpp"
UNIT = SourceUnit("csrc/a.cpp", "/home/u/proj")


def at(*frames: tuple[bytes | None, str | None, int | None], symbol: bytes | None) -> Reference:
    place = Place(tuple(Frame(*frame) for frame in frames), UNIT)
    _, source, line = frames[0]
    return Reference(symbol, source, line, 1, place)


def seen(*references: Reference) -> tuple[Site, ...]:
    authors = Authors()
    authors.learn(references)
    return sites(references, authors)


def test_the_innermost_line_of_the_project_counts() -> None:
    use = at(
        (b"_ZNK3c1010TensorImpl5numelEv", TORCH, 9),
        (b"_ZN4mine6helperEv", MINE, 3),
        (b"_ZN4mine5outerEv", MINE, 8),
        symbol=b"_ZN4mine5outerEv",
    )
    assert seen(use) == (Site("mine::helper()", MINE, 3, 1, own=True),)


def test_code_that_torchs_headers_keep_to_themselves_is_not_the_projects() -> None:
    use = at((b"_ZNK3c1010TensorImpl5numelEv", TORCH, 9), symbol=b"_ZNK3c1010TensorImpl5numelEv")
    assert seen(use) == (Site("c10::TensorImpl::numel() const", TORCH, 9, 1, own=False),)


def test_uses_of_one_line_count_together() -> None:
    first = at((b"_ZN3c101fEv", TORCH, 1), (b"_Z1gv", MINE, 3), symbol=b"_Z1gv")
    second = at((b"_ZN3c101hEv", TORCH, 2), (b"_Z1gv", MINE, 3), symbol=b"_Z1gv")
    assert seen(first, second) == (Site("g()", MINE, 3, 2, own=True),)


def test_a_lambda_is_named_by_the_function_it_is_written_in() -> None:
    inlined = at(
        (b"operator()", MINE, 5), (b"loop<>", TORCH, 2), (b"_Z4workv", MINE, 4), symbol=b"_Z4workv"
    )
    alone = at((b"operator()", MINE, 5), symbol=b"_ZZ4workvENKUlvE_clEv")
    assert seen(inlined, alone) == (Site("work()", MINE, 5, 2, own=True),)


def test_code_without_a_line_in_the_projects_file() -> None:
    use = at((b"_Z1gv", MINE, None), symbol=b"_Z1gv")
    assert seen(use) == (Site("g()", None, None, 1, own=True),)


def test_without_debug_information_the_name_may_tell() -> None:
    names = (b"_ZNK2at6Tensor3dimEv", b"_ZN5torch6stable6Tensor3getEv", b"_ZN3pkg3opsEv", None)
    found = {one.function: one.own for name in names for one in seen(Reference(name))}
    assert found == {
        "at::Tensor::dim() const": False,
        "torch::stable::Tensor::get()": False,
        "pkg::ops()": None,
        None: None,
    }


def test_units_learn_from_each_other_where_torch_is() -> None:
    path = "/opt/somewhere/include/c10/core/TensorImpl.h"
    poor = at((b"_Z1gv", path, 3), symbol=b"_Z1gv")
    assert [one.own for one in seen(poor)] == [False]
    mine = "/opt/somewhere/else/include/c10/x.h"
    files = tuple(
        f"/opt/somewhere/include/{one}"
        for one in ("c10/core/TensorImpl.h", "c10/core/Device.h", "ATen/core/TensorBody.h")
    )
    rich = Reference(None, place=Place((Frame(None),), SourceUnit("b.cpp", "/home/u/proj", files)))
    authors = Authors()
    own = at((b"_Z1gv", mine, 3), symbol=b"_Z1gv")
    authors.learn([own])
    assert [one.own for one in sites([own], authors)] == [False]
    authors.learn([rich])
    assert [one.own for one in sites([own, poor], authors)] == [True, False]
