"""The order of work."""

from __future__ import annotations

import pytest

from torch_abi_audit.port.migration import Way
from torch_abi_audit.port.source.findings import BuildFinding, Edit, Kind, SourceFile, SourceUse
from torch_abi_audit.port.source.steps import steps

EDIT = (Edit(0, 1, "x"),)


def use(line: int, spelled: str, kind: Kind = Kind.FUNCTION, *, hand: bool = False) -> SourceUse:
    edits = () if hand else EDIT
    return SourceUse(line, 1, kind, spelled, None, Way.NOW, "x", edits=edits)


def test_every_step_in_its_order_with_its_places() -> None:
    files = [
        SourceFile("hard.cu", (use(3, "at::Tensor"), use(4, ".options()", hand=True))),
        SourceFile("easy.cpp", (use(1, "torch/all.h", Kind.INCLUDE), use(9, "at::kFloat"))),
        SourceFile(
            "ops.cpp",
            (use(2, "TORCH_LIBRARY"), use(5, "torch::autograd::Function", hand=True)),
        ),
    ]
    build = [
        BuildFinding("setup.py", 7, "macro"),
        BuildFinding("pyproject.toml", None, "tag", late=True),
    ]
    found = steps(files, build, "2.10.0")
    assert [(one.title.partition(" ")[0], one.places) for one in found] == [
        ("Set", ("setup.py:7",)),
        ("Register", ("ops.cpp:2",)),
        ("Move", ("ops.cpp:5",)),
        ("Port", ("easy.cpp:9",)),
        ("Port", ("hard.cu:3", "hard.cu:4")),
        ("Remove", ("easy.cpp:1",)),
        ("Drop", ("pyproject.toml",)),
        ("Build", ()),
    ]
    assert "TORCH_TARGET_VERSION=0x020a000000000000" in found[0].why
    assert found[4].why == "2 to replace, 1 of them by hand"


def test_nothing_to_do_is_no_step() -> None:
    assert steps([SourceFile("a.cpp")], [], "2.10.0") == ()


@pytest.mark.parametrize(
    "spelled",
    [
        *(
            "TORCH_LIBRARY_IMPL",
            "TORCH_LIBRARY_FRAGMENT",
            "PYBIND11_MODULE",
            "m.impl(…)",
            ".impl(…)",
        ),
        *("pybind11::arg", "TORCH_SELECTIVE_NAME", "torch::RegisterOperators", "PYBIND11_MODULE"),
    ],
)
def test_what_belongs_to_registration(spelled: str) -> None:
    assert steps([SourceFile("a.cpp", (use(1, spelled),))], [], "2.10.0")[0].title.startswith("Reg")


@pytest.mark.parametrize(
    "spelled",
    ["torch::autograd::Variable", "AutogradContext", "torch::NoGradGuard", "torch::GradMode"],
)
def test_what_belongs_to_autograd(spelled: str) -> None:
    assert steps([SourceFile("a.cpp", (use(1, spelled),))], [], "2.10.0")[0].title.startswith("Mov")
