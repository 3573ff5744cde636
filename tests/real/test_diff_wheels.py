"""``diff`` between releases that moved to the stable ABI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.wheels import fetch
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PLATFORM = "manylinux_2_28_x86_64"
STABLE_ON = ["2.11.0", "2.12.0", "2.12.1", "2.13.0", "2.14.0", "2.14.1", "2.15.0"]


def compared(
    old: str | Path, new: str | Path, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, Any]]:
    code = main(["diff", str(old), str(new), "--json", *words])
    (package,) = json.loads(capsys.readouterr().out)["packages"]
    return code, package


def counts(listed: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    return {one["kind"]: (len(one["gained"]), len(one["lost"])) for one in listed}


def changes(listed: list[dict[str, str]]) -> dict[str, tuple[str | None, str | None]]:
    return {one["what"]: (one["old"], one["new"]) for one in listed}


def test_torchao(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = fetch("torchao==0.14.0", PLATFORM), fetch("torchao==0.18.0", PLATFORM)
    code, found = compared(old, new, capsys)
    assert code == 0
    assert changes(found["changes"])["torch verdict"] == ("torch-unstable", "torch-stable")
    assert changes(found["changes"])["torch floor"] == (None, "2.11.0")
    assert changes(found["changes"])["should require"][1] == "torch>=2.11"
    assert [(one["old"], one["new"]) for one in found["libraries"]] == [
        ("torchao/_C_cutlass_90a.abi3.so", "torchao/_C_cutlass_90a.abi3.so"),
        (
            "torchao/prototype/mxfp8_cuda.cpython-310-x86_64-linux-gnu.so",
            "torchao/_C_mxfp8.cpython-310-x86_64-linux-gnu.so",
        ),
        ("torchao/_C.abi3.so", None),
        ("torchao/_C_cutlass_100a.abi3.so", None),
    ]
    assert counts(found["symbols"]) == {
        "unstable": (0, 78),
        "internal": (0, 2),
        "shim": (67, 0),
        "cpython": (0, 6),
    }
    assert counts(found["libraries"][0]["symbols"]) == {
        "unstable": (0, 64),
        "internal": (0, 2),
        "shim": (57, 0),
    }
    assert found["releases_gained"] == STABLE_ON
    assert found["releases_lost"] == ["2.9.0", "2.9.1"]


def test_torchcodec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = fetch("torchcodec==0.8.0", PLATFORM), fetch("torchcodec==0.17.0", PLATFORM)
    code, found = compared(old, new, capsys, "--check")
    assert code == 1
    assert found["worse"] == ["no longer loads on torch 2.8.0 to 2.9.1"]
    pairs = {one["new"]: one["old"] for one in found["libraries"]}
    for number in range(4, 9):
        for name in (f"core{number}", f"custom_ops{number}"):
            path = f"torchcodec/libtorchcodec_{name}.so"
            assert pairs[path] == path
    assert pairs["torchcodec/libtorchcodec_pybind_ops.so"] == (
        "torchcodec/libtorchcodec_pybind_ops4.so"
    )
    assert pairs["torchcodec/libtorchcodec_core9.so"] is None
    assert counts(found["symbols"])["unstable"] == (0, 67)
    assert counts(found["symbols"])["shim"] == (79, 0)
    assert found["releases_gained"] == STABLE_ON

    # saved reports say the same as the wheels
    saved = []
    for wheel in (old, new):
        main([str(wheel), "--json"])
        saved.append(tmp_path / f"{wheel.stem}.json")
        saved[-1].write_text(capsys.readouterr().out)
    again = compared(saved[0], saved[1], capsys, "--check")[1]
    assert {**again, "old": None, "new": None} == {**found, "old": None, "new": None}

    code, back = compared(new, old, capsys, "--check")
    assert code == 1
    assert back["worse"][:2] == [
        "torch verdict: torch-stable to torch-unstable",
        "67 new unstable symbols",
    ]


def test_the_gpus_of_torchvision(capsys: pytest.CaptureFixture[str]) -> None:
    """torchvision 0.24 was built for CUDA 12.8, 0.26 for CUDA 13, which dropped the V100.

    ``cuobjdump --list-elf`` lists sm_70, 75, 80, 86, 90, 100 and 120 in 0.24.0, and all but sm_70
    in 0.26.0.
    """
    old, new = fetch("torchvision==0.24.0", PLATFORM), fetch("torchvision==0.26.0", PLATFORM)
    code, found = compared(old, new, capsys, "--check")
    assert code == 1
    lost = {one["target"] for one in found["gpus"] if (one["old"], one["new"]) == ("yes", "no")}
    assert lost == {"sm_70"}
    assert "no longer runs on V100 (sm_70)" in found["worse"]
    before, after = changes(found["changes"])["code for GPUs"]
    assert before is not None
    assert after is not None
    assert {*before.split()} - {*after.split()} == {"sm_70"}
