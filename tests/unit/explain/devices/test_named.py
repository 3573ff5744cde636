"""GPUs and architectures that are asked about by their names."""

from __future__ import annotations

import pytest

from torch_abi_audit.explain.question import explain
from torch_abi_audit.knowledge.cuda_toolkits import is_known


def said(asked: str) -> str:
    answer = explain(asked)
    return "\n".join((*answer.is_a, *answer.why, *answer.advice, *answer.unknown))


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("sm_90a", '"9.0a" (with CUDA 12.0 or later)'),
        ("compute_120", '"12.0+PTX" (with CUDA 12.8 or later)'),
        ("compute_90a", '"9.0a+PTX" (with CUDA 12.0 or later)'),
        ("sm_100f", '"10.0f" (with CUDA 12.9 or later)'),
        ("sm_86", '"8.6" (with CUDA 11.1 or later)'),
        ("sm_70", '"7.0" (with a CUDA before 13.0)'),
        ("RTX 4090", '"8.9" (with CUDA 11.8 or later)'),
    ],
)
def test_what_compiles_for_it(asked: str, line: str) -> None:
    assert f"to compile for it: TORCH_CUDA_ARCH_LIST={line}" in said(asked)


@pytest.mark.parametrize(
    ("asked", "gpus", "others"),
    [
        ("sm_86", ("A10/RTX 30", "L4/RTX 40"), ("Jetson", "A100")),
        ("sm_87", ("Jetson Orin",), ("RTX 40",)),
        ("sm_90a", ("H100/H200",), ("B200",)),
        ("sm_100f", ("B200", "B300"), ("RTX 50",)),
        ("compute_80", ("A100 (sm_80) and newer",), ("T4",)),
    ],
)
def test_where_it_runs(asked: str, gpus: tuple[str, ...], others: tuple[str, ...]) -> None:
    runs = explain(asked).is_a[1]
    assert runs.startswith("runs on ")
    assert all(one in runs for one in gpus)
    assert not any(one in runs for one in others)


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("sm_999", "sm_90"),
        ("sm_91", "sm_90"),
        ("sm_86a", "sm_86"),
        ("gfx999", "gfx950"),
        ("RTX 4099", "RTX 4090"),
        ("RTX 6000", "RTX 6000 Ada"),
    ],
)
def test_what_does_not_exist_is_not_explained(asked: str, near: str) -> None:
    assert not is_known(asked)
    answer = explain(asked)
    assert answer.kind == "unknown"
    assert near in answer.nearby
    assert answer.advice == ()


def test_generic_architectures() -> None:
    assert "gfx1100, gfx1101" in said("gfx11-generic")
    assert explain("gfx77-generic").kind == "unknown"


def test_gpus_are_among_what_may_be_asked() -> None:
    assert "GPU" in said("something that nobody knows")
