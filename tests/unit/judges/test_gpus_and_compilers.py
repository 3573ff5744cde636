"""The judge of GPUs against what NVIDIA's assemblers and LLVM say of architectures."""

from __future__ import annotations

import pytest

from torch_abi_audit.judges.gpus import fits
from torch_abi_audit.knowledge import tables
from torch_abi_audit.knowledge.cuda_toolkits import family
from torch_abi_audit.knowledge.gpus import every_generation, generic_of, plain_target

NVIDIA = [one.target for one in every_generation() if one.target.startswith("sm_")]
AMD = [target for target in tables.read("gpus").sections["names"] if target.startswith("gfx")]


@pytest.mark.parametrize("code", tables.read("cuda_toolkits").sections["families"])
@pytest.mark.parametrize("prefix", ["sm_", "compute_"])
def test_family_specific_code_runs_where_an_assembler_makes_it(code: str, prefix: str) -> None:
    target = prefix + code.removeprefix("sm_")
    assert {one for one in NVIDIA if fits(target, one)} == {*family(target)} & {*NVIDIA}


def test_an_architecture_with_a_new_number_is_the_same_gpu() -> None:
    for code in ("sm_101", "sm_101a", "sm_101f", "compute_101", "compute_101a"):
        assert fits(code, plain_target(code))


@pytest.mark.parametrize("gpu", AMD)
def test_generic_code_runs_on_its_processors(gpu: str) -> None:
    generics = tables.read("gpus").sections["generic"]
    assert [one for one in generics if fits(one, gpu)] == [
        one for one in (generic_of(gpu),) if one is not None
    ]
