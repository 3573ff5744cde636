"""What a text says of the GPU, the driver and the torch of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.explain.kinds.kind import Device
from torch_abi_audit.explain.question import explain
from torch_abi_audit.knowledge.gpus import gpu

if TYPE_CHECKING:
    from torch_abi_audit.explain.devices.seen import Seen

OLD = "CUDA driver version is insufficient for CUDA runtime version\n"
SMI = "| NVIDIA-SMI 535.129.03             Driver Version: 535.129.03   CUDA Version: 12.2 |"
ERROR = "RuntimeError: CUDA error: no kernel image is available for execution on the device"


def seen(text: str, **options: object) -> Seen:
    found = explain(text, **options).device  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("words", "target", "name"),
    [
        # names, as drivers, users and collect_env write them
        ("GPU 0: Tesla V100-SXM2-32GB", "sm_70", "V100"),
        ("GPU models and configuration: GPU 0: NVIDIA A100-SXM4-80GB", "sm_80", "A100"),
        ("GPU: NVIDIA GeForce RTX 4090 Laptop GPU", "sm_89", "RTX 4090"),
        ("on my RTX 3080Ti", "sm_86", "RTX 3080 Ti"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "sm_120", "RTX PRO 6000 Blackwell"),
        ("NVIDIA H100 80GB HBM3", "sm_90", "H100"),
        ("GPU 0: NVIDIA L4", "sm_89", "L4"),
        ("NVIDIA GB10", "sm_121", "GB10"),
        ("Radeon RX 7900 XTX", "gfx1100", "RX 7900 XTX"),
        ("amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-", "gfx90a", "gfx90a"),
        # capabilities, which have no name of their own
        ("(compute capability 8.6)", "sm_86", "sm_86"),
        ("compute capability `sm_120`", "sm_120", "sm_120"),
        ("your GPU has capability (7, 5) (too old)", "sm_75", "sm_75"),
        ("Compute capability: 120", "sm_120", "sm_120"),
        # a name beside its capability
        ("NVIDIA GeForce RTX 5090, compute capability 12.0", "sm_120", "RTX 5090"),
    ],
)
def test_the_gpu_of_a_text(words: str, target: str, name: str) -> None:
    found = seen(f"{ERROR}\n{words}\n").gpu
    assert found is not None
    assert (found.target, found.name) == (target, name)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "on page A4 of the manual, level T4, in row L4",
        "needs compute capability 8.0 or higher",
        "supports CUDA capabilities sm_50 sm_60",
        "requires at least compute capability 7.0",
        "TensileLibrary_lazy_gfx908.dat",
        "RTX 6000",  # of three generations
    ],
)
def test_no_gpu_is_guessed(words: str) -> None:
    found = seen(f"{ERROR}\n{words}\n")
    assert found.gpu is None
    assert not found.several


def test_several_gpus_are_left_to_the_user() -> None:
    answer = explain(f"{ERROR}\nGPU 0: NVIDIA GeForce RTX 3080\nGPU 1: NVIDIA GeForce RTX 4080\n")
    assert answer.device is not None
    assert answer.device.gpu is None
    assert [one.target for one in answer.device.several] == ["sm_86", "sm_89"]
    assert any("RTX 3080 (sm_86), RTX 4080 (sm_89)" in one for one in answer.unknown)
    asked = explain(f"{ERROR}\nRTX 3080, RTX 4080", gpu=gpu("RTX 4080"))
    assert asked.device is not None
    assert asked.device.gpu == gpu("RTX 4080")
    assert asked.device.is_given


def test_the_error_itself_decides() -> None:
    """Beside the GPU that fails, the text names those that torch was built for, and another one."""
    found = seen(
        "NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current "
        "PyTorch installation.\nThe current PyTorch install supports CUDA capabilities sm_50 "
        "sm_60 sm_70 sm_75 sm_80 sm_86 sm_90 compute_90.\nGPU 1: Tesla V100-SXM2-32GB"
    )
    assert found.kind is Device.TORCH
    assert found.gpu is not None
    assert (found.gpu.name, found.gpu.target) == ("RTX 5090", "sm_120")
    assert found.torch_has == (
        *("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "compute_90"),
    )


@pytest.mark.parametrize(
    ("text", "driver", "cuda"),
    [
        ("The NVIDIA driver on your system is too old (found version 11040).", None, "11.4"),
        ("The NVIDIA driver on your system is too old (found version 9000).", None, "9.0"),
        ("The NVIDIA driver on your system is too old (found version 12020).", None, "12.2"),
        (OLD + SMI, "535.129.03", "12.2"),
        (OLD + "Nvidia driver version: 470.86\nCUDA Version: none", "470.86", "11.4"),
    ],
)
def test_the_driver_of_a_text(text: str, driver: str | None, cuda: str | None) -> None:
    found = seen(text)
    assert (found.driver, found.driver_cuda) == (driver, cuda)


@pytest.mark.parametrize(
    ("words", "torch"),
    [
        ("PyTorch version: 2.8.0+cu128", "2.8.0+cu128"),
        ("[pip3] torch==2.5.1+rocm6.2", "2.5.1+rocm6.2"),
        ("torch                  2.9.1+cu130", "2.9.1+cu130"),
        ("requires torch 2.4.1", None),
        ("torch==2.8.0+cu128 and torch==2.7.0+cu126", None),
    ],
)
def test_the_torch_of_a_text(words: str, torch: str | None) -> None:
    assert seen(f"{ERROR}\n{words}\n").torch == torch


def test_a_long_text_is_read_at_both_ends() -> None:
    long = "x" * 300_000
    assert seen(f"Tesla V100-SXM2-32GB\n{long}\n{ERROR}").gpu is not None
    assert seen(f"{ERROR}\n{long}\nTesla V100-SXM2-32GB\n").gpu is not None
