"""Errors about GPUs: whose code is missing, which torch and which driver is needed.

What builds of torch have is also told in public threads: pytorch/pytorch#182250 has the lists of
2.10.0 and 2.11.0 for CUDA 12.6 and 12.8.
"""

from __future__ import annotations

import re

import pytest

from torch_abi_audit.explain.explanation import Explanation, Fails, Installed
from torch_abi_audit.explain.question import explain
from torch_abi_audit.knowledge.gpus import gpu
from torch_abi_audit.model.gpus import Runs

ERROR = "RuntimeError: CUDA error: no kernel image is available for execution on the device"
PTX = "RuntimeError: CUDA error: the provided PTX was compiled with an unsupported toolchain."
DRIVER = "RuntimeError: The NVIDIA driver on your system is too old (found version 11040)."
RANGE = (
    "Found GPU0 {name} which is of cuda capability {number}.\n"
    "    Minimum and Maximum cuda capability supported by this version of PyTorch is\n"
    "    ({first}) - ({last})\n"
)


def torch(version: str) -> Installed:
    local = version.partition("+")[2]
    number = local.removeprefix("cu")
    cuda = f"{number[:-1]}.{number[-1]}" if local.startswith("cu") else None
    return Installed(version, cuda, stated=bool(local))


def asked(
    name: str, version: str | None, text: str = ERROR, platform: str | None = None
) -> Explanation:
    installed = None if version is None else torch(version)
    return explain(text, installed, platform=platform, gpu=gpu(name))


def said(answer: Explanation) -> str:
    return "\n".join((*answer.is_a, *answer.why, *answer.advice, *answer.unknown))


@pytest.mark.parametrize(
    ("name", "version", "answer"),
    [
        ("V100", "2.10.0+cu128", Runs.YES),
        ("V100", "2.11.0+cu128", Runs.NO),
        ("V100", "2.11.0+cu126", Runs.YES),
        ("RTX 4090", "2.11.0+cu128", Runs.YES),  # by sm_86
        ("RTX 5090", "2.11.0+cu126", Runs.NO),
        ("RTX 5090", "2.11.0+cu128", Runs.YES),
        ("RX 7900 XTX", "2.5.1+rocm6.2", Runs.YES),
        ("RX 7900 XTX", "2.11.0+cu128", Runs.NO),
    ],
)
def test_what_a_build_of_torch_runs_on(name: str, version: str, answer: Runs) -> None:
    (one,) = asked(name, version).code
    assert one.run.answer is answer


def test_torch_lacks_the_gpu() -> None:
    answer = asked("V100", "2.11.0+cu128")
    text = said(answer)
    assert "torch 2.11.0 for CUDA 12.8 has code for sm_75 sm_80 sm_86 sm_90 sm_100 sm_120" in text
    assert "torch's own code is missing" in text
    assert "install torch 2.15.0 for CUDA 12.6" in answer.advice[0]
    assert "or the same torch, 2.11.0, for CUDA 12.6" in answer.advice[1]
    assert "TORCH_CUDA_ARCH_LIST" not in text


def test_torch_has_code_for_the_gpu() -> None:
    answer = asked("RTX 5090", "2.9.1+cu128", f'File "/v/site-packages/awq/x.py", line 1\n{ERROR}')
    text = said(answer)
    assert "the code that is missing is that of awq, not torch's" in text
    assert 'TORCH_CUDA_ARCH_LIST="12.0"' in text
    assert "install torch" not in text


def test_a_release_without_its_build_may_be_any_of_them() -> None:
    answer = asked("RTX 4090", "2.9.1")
    assert "all builds of torch 2.9.1 run on RTX 4090 (sm_89)" in said(answer)
    mixed = asked("V100", "2.11.0")
    assert {one.run.answer for one in mixed.code} == {Runs.YES, Runs.NO}
    assert "not torch's" not in said(mixed)
    assert "so torch's own code is missing" not in said(mixed)


@pytest.mark.parametrize("version", [None, "2.9.1+cpu", "2.99.0+cu128", "2.9.0a0+git1+cu128"])
def test_an_unknown_torch_is_not_judged(version: str | None) -> None:
    answer = asked("RTX 5090", version)
    assert answer.code == ()
    assert "torch.randn" in said(answer)
    assert 'TORCH_CUDA_ARCH_LIST="12.0"' in said(answer)


def test_without_a_gpu_the_answer_asks_for_it() -> None:
    answer = explain(ERROR, torch("2.9.1+cu128"))
    assert answer.code == ()
    assert any("--gpu" in one for one in answer.unknown)


def test_builds_differ_between_platforms() -> None:
    arm = asked("A100", "2.9.1+cu126", platform="linux_aarch64")
    assert [one.targets for one in arm.code] == [("sm_80", "sm_90")]
    lost = asked("T4", "2.9.1+cu126", platform="linux_aarch64")
    assert [one.run.answer for one in lost.code] == [Runs.NO]
    assert "no published build of torch" in said(lost)
    assert "from source" in lost.advice[0]


def test_a_gpu_that_only_old_releases_have() -> None:
    answer = asked("Tesla K80", "2.9.1+cu126")
    assert "up to 2." in said(answer)
    assert answer.advice[0].startswith("install torch 2.")


@pytest.mark.parametrize(
    ("name", "number", "first", "last", "runs"),
    [
        ("NVIDIA GB10", "12.1", "8.0", "12.0", True),
        ("NVIDIA RTX 6000 Ada Generation", "8.9", "8.9", "9.0", True),
        ("Tesla P100-PCIE-16GB", "6.0", "7.5", "12.0", False),
        ("NVIDIA GeForce RTX 5090", "12.0", "5.0", "9.0", False),
    ],
)
def test_the_range_that_torch_names(
    name: str, number: str, first: str, last: str, *, runs: bool
) -> None:
    answer = explain(RANGE.format(name=name, number=number, first=first, last=last))
    assert answer.fails is Fails.TORCH
    assert (answer.causes == ()) is runs
    assert ("nothing has to be done" in said(answer)) is runs


def test_the_list_that_torch_prints_counts_for_more_than_the_installed_one() -> None:
    text = (
        "NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current "
        "PyTorch installation.\nThe current PyTorch install supports CUDA capabilities sm_50 sm_90."
    )
    answer = explain(text, torch("2.9.1+cu128"))
    assert [one.targets for one in answer.code] == [("sm_50", "sm_90")]
    assert "the torch in the text has code for sm_50 sm_90" in said(answer)


def test_the_driver_of_the_text_and_the_torch() -> None:
    answer = explain(DRIVER, torch("2.9.1+cu128"))
    text = said(answer)
    assert "the driver is for CUDA 11.4: it runs programs of CUDA 11" in text
    assert "torch 2.9.1+cu128 is for CUDA 12.8, which needs driver 525.60.13 or newer" in text
    assert "for CUDA 11.8: pip install torch==" in text
    windows = explain(DRIVER, torch("2.9.1+cu128"), platform="win_amd64")
    assert re.search(r"needs driver 52[78]\.\d\d or newer", said(windows))


def test_ptx_needs_more_than_the_major_release() -> None:
    answer = explain(f"{PTX}\nDriver Version: 550.54.14   CUDA Version: 12.4")
    text = said(answer)
    assert "the driver, 550.54.14, is for CUDA 12.4" in text
    assert "PTX up to version 8.4" in text
    assert "does not cover PTX" in text


def test_a_gpu_that_has_nothing_to_do_with_the_error_is_told() -> None:
    answer = explain("undefined symbol: _ZN3c104cuda9SetDeviceEa", gpu=gpu("8.9"))
    assert answer.device is None
    assert any("sm_89 has to do with it" in one for one in answer.unknown)


def test_a_refusal_is_not_answered_with_a_rebuild() -> None:
    text = "RuntimeError: FlashAttention only supports Ampere GPUs or newer.\nGPU: Tesla V100S"
    answer = explain(text, torch("2.9.1+cu126"))
    assert answer.device is not None
    assert answer.device.gpu == gpu("V100S")
    assert "TORCH_CUDA_ARCH_LIST" not in said(answer)


def test_the_drivers_of_each_cuda_where_none_is_named() -> None:
    text = said(explain("CUDA driver version is insufficient for CUDA runtime version"))
    assert "525.60.13 for CUDA 12" in text
    assert "580.65.06 for CUDA 13" in text
    assert "--with" in text
    assert "for CUDA 12, " not in said(explain(DRIVER, torch("2.9.1+cu128")))


def test_amds_gpus_are_asked_for_by_their_own_names() -> None:
    error = 'hipErrorNoBinaryForGpu: Unable to find code object for all current devices!"'
    assert "gfx942" in " ".join(explain(error).unknown)
    assert any("HSA_OVERRIDE" in one for one in asked("RX 6700 XT", None, error).advice)
    assert not any("HSA_OVERRIDE" in one for one in asked("MI300X", None, error).advice)


def test_the_words_that_people_paste_are_enough() -> None:
    assert asked("B200", None, "no kernel image is available").device is not None
