"""What somebody may have meant who names a GPU by something else."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.gpu_hints import hint
from torch_abi_audit.knowledge.gpus import every_generation, gpu
from torch_abi_audit.model.errors import UnknownGpuError


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("12", "say 12.0 (RTX 50) or 12.1 (DGX Spark)"),
        ("9", "say 9.0 (H100/H200)"),
        ("B200,H100", "name each by itself (B200, H100)"),
        ("8.0;9.0", "name each by itself (8.0, 9.0)"),
        ("Hopper", "say 9.0 (H100/H200)"),
        ("ada", "say 8.9 (L4/RTX 40)"),
        ("Turing", "say 7.5 (T4/RTX 20)"),
        # https://docs.nvidia.com/cuda/volta-tuning-guide/: V100 is 7.0, and Xavier 7.2
        ("volta", "say 7.0 (V100) or 7.2 (Jetson Xavier)"),
        ("8.0+PTX", "'+PTX' says how code is compiled; the GPU is 8.0"),
        (
            "sm_89a",
            "there is no architecture sm_89a; the compute capability is 8.9",
        ),
    ],
)
def test_hints(word: str, said: str) -> None:
    assert hint(word, every_generation()) == said
    with pytest.raises(UnknownGpuError, match="is not the name of one GPU") as caught:
        gpu(word)
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize("word", ["", "sm", "GeForce", "99", "sm_999", "gfx999"])
def test_nothing_is_made_up(word: str) -> None:
    assert hint(word, every_generation()) is None


@pytest.mark.parametrize(
    ("word", "target"),
    [("sm_90a", "sm_90"), ("compute_100f", "sm_100"), ("RTX 6000 Ada", "sm_89"), ("A10", "sm_86")],
)
def test_names_stay_names(word: str, target: str) -> None:
    assert gpu(word).target == target
