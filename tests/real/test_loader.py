"""The load matrix compared with the dynamic loader, for the one torch that CI has on disk."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.wheels import fetch
from tools import loader
from tools.compare_with_loader import Comparison, Unpacked, compare, differences, unpack_torch
from torch_abi_audit.api import inspect_package
from torch_abi_audit.audit.given_torch import GivenTorch, given_torch
from torch_abi_audit.judges.loads import compat

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the loader of Linux x86_64 is asked",
)

ANSWERS = {
    "torchaudio==2.8.0": "no",
    "torchaudio==2.9.0": "no",
    "torchaudio==2.11.0": "yes",
    "torchcodec==0.8.0": "no",
    "torchcodec==0.17.0": "yes",
    "torchrl==0.10.0": "no",
    "torchrl==0.14.1": "no",
    "torchvision==0.24.0": "no",
}
"""What a CUDA build of torch 2.13.0 does with each wheel."""


@pytest.fixture(scope="module")
def torch_wheel() -> Path:
    return fetch("torch==2.13.0", "manylinux_2_28_x86_64")


@pytest.fixture(scope="module")
def torch(torch_wheel: Path) -> GivenTorch:
    return given_torch(str(torch_wheel))


@pytest.fixture(scope="module")
def libraries(torch_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("torch")
    return loader.stand_in(unpack_torch(torch_wheel, home / "lib"), home / "stand-in")


@pytest.mark.parametrize("requirement", ANSWERS)
def test_the_loader_misses_what_the_matrix_says(
    requirement: str, torch: GivenTorch, libraries: Path, tmp_path: Path
) -> None:
    wheel = fetch(requirement, "manylinux_2_28_x86_64")
    unpacked = Unpacked(wheel, tmp_path / "wheel")
    (tmp_path / "stubs").mkdir()
    compared = list(compare(unpacked, {"2.13.0": libraries}, torch, tmp_path / "stubs"))
    assert compared
    assert list(differences(compared)) == []
    answer = compat(inspect_package(wheel), torch).loads_on["2.13.0"]
    cpu = torch.releases(torch.platform)[0].cuda is None
    expected = ANSWERS[requirement]
    assert answer == ("needs-cuda" if cpu and expected == "yes" else expected)


def test_a_disagreement_would_be_seen() -> None:
    one = Comparison(
        *("w", "l", "2.13.0"),
        matrix=frozenset({b"a"}),
        loader=frozenset({b"b"}),
        absent=frozenset({"libcaffe2.so"}),
        not_found=frozenset(),
    )
    assert list(differences([one])) == [
        "w: l: torch 2.13.0: only the loader misses b",
        "w: l: torch 2.13.0: only the matrix misses a",
        "w: l: torch 2.13.0: only one side misses the library libcaffe2.so",
    ]
