"""Errors about GPUs with the failing package beside them: which of its libraries lack the GPU."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.reports import library, package, stable, unstable
from torch_abi_audit.explain.devices.package import beside_gpu
from torch_abi_audit.explain.explanation import Cause, Fails, Installed
from torch_abi_audit.explain.question import explain
from torch_abi_audit.explain.target import beside
from torch_abi_audit.facts.device_code import package_code
from torch_abi_audit.knowledge.gpus import gpu
from torch_abi_audit.model.device_code import DeviceCode, KernelSet
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.report.rendering import Detail, render

if TYPE_CHECKING:
    from torch_abi_audit.explain.devices.seen import Seen
    from torch_abi_audit.explain.explanation import Explanation
    from torch_abi_audit.model.reports import PackageReport

ERROR = "RuntimeError: CUDA error: no kernel image is available for execution on the device"
PTX = "RuntimeError: CUDA error: the provided PTX was compiled with an unsupported toolchain."
DRIVER = "RuntimeError: CUDA error: CUDA driver version is insufficient for CUDA runtime version"
BLACKWELL = Installed("2.9.1+cu128", "12.8")
HOPPER = Installed("2.9.1+cu126", "12.6")


def code(*sets: str, isa: str = "8.4", problem: str | None = None) -> DeviceCode:
    """Device code of these sets of architectures, two fatbins each."""
    kernels = tuple(KernelSet(tuple(one.split()), 2) for one in sets)
    ptx = tuple((one, isa) for one in " ".join(sets).split() if one.startswith("compute_"))
    return DeviceCode(kernels, ptx, problem=problem)


def ops(**held: DeviceCode | None) -> PackageReport:
    """A package of libraries, by the stems of their names."""
    libraries = (
        replace(
            library(f"{stem}.so", unstable("c10::cuda::SetDevice(signed char, bool)")),
            device_code=one,
            needed=("libcudart.so.12",),
        )
        for stem, one in held.items()
    )
    report = package(*libraries, name="ops")
    return replace(report, device_code=package_code(report))


def asked(
    name: str | None, report: PackageReport, torch: Installed | None, text: str = ERROR
) -> Explanation:
    return beside(explain(text, torch, gpu=gpu(name) if name else None), report, torch)


def said(answer: Explanation) -> str:
    return "\n".join((*answer.is_a, *answer.why, *answer.advice, *answer.unknown, *answer.pair))


def answers(answer: Explanation) -> dict[str, Runs]:
    return {one.owner: one.run.answer for one in answer.code}


def test_the_package_lacks_the_gpu_and_torch_has_it() -> None:
    answer = asked("RTX 5090", ops(a=code("sm_80 sm_90"), b=code("sm_80 sm_120")), BLACKWELL)
    assert answers(answer) == {
        "torch 2.9.1 for CUDA 12.8": Runs.YES,
        "a.so": Runs.NO,
        "b.so": Runs.YES,
    }
    assert answer.why[0] == "the code that is missing is that of ops, not torch's"
    assert answer.advice[0] == (
        'rebuild ops from source with TORCH_CUDA_ARCH_LIST="8.0;9.0;12.0", which adds 12.0, or '
        "install a build that has it"
    )
    assert answer.causes == (Cause.OTHER_GPU,)
    text = render("explain", "text", answer, Detail())
    assert "runs on it:    no: a.so (sm_80 sm_90)" in text
    assert "GPU:           RTX 5090 (sm_120)" in text


def test_torch_lacks_the_gpu_and_the_package_has_it() -> None:
    answer = asked("RTX 5090", ops(a=code("sm_90 sm_120")), HOPPER)
    assert "ops has code for RTX 5090 (sm_120): the code that is missing is torch's" in said(answer)
    assert "the same torch, 2.9.1, for CUDA 12.8 or 13.0" in said(answer)
    assert "rebuild ops" not in said(answer)


def test_both_lack_the_gpu() -> None:
    answer = asked("RTX 5090", ops(a=code("sm_90")), HOPPER)
    assert "code of ops is missing, too" in said(answer)
    assert answer.advice[0].startswith("install torch")
    assert any(one.startswith("and rebuild ops") for one in answer.advice)


def test_neither_lacks_it() -> None:
    answer = asked("A100", ops(a=code("sm_80")), BLACKWELL)
    assert "ops has code for A100 (sm_80), and so has torch" in said(answer)
    assert any(one.startswith("whose code is missing") for one in answer.unknown)
    assert "CUDA_LAUNCH_BLOCKING=1" in answer.advice[0]


def test_some_kernels_are_missing() -> None:
    answer = asked("H100", ops(a=code("sm_80 sm_90", "sm_80", "sm_80 sm_86")), BLACKWELL)
    assert answers(answer)["a.so"] is Runs.PARTLY
    assert "a.so: the kernels in 4 of its fatbins have code for sm_80 | sm_80 sm_86 only" in said(
        answer
    )


@pytest.mark.parametrize("torch", [None, Installed("2.9.1+cpu")])
def test_without_a_known_torch(torch: Installed | None) -> None:
    answer = asked("RTX 5090", ops(a=code("sm_90")), torch)
    assert "the code that is missing is that of ops" in answer.why[0]
    assert "not torch's" not in said(answer)


def test_only_ptx_for_the_gpu() -> None:
    answer = asked("RTX 5090", ops(a=code("sm_90 compute_90", isa="8.7")), BLACKWELL, PTX)
    assert answers(answer)["a.so"] is Runs.JIT
    assert (
        "kernels of a.so are only PTX 8.7 for RTX 5090 (sm_120), which needs driver 570.26 "
        "(CUDA 12.8) or newer"
    ) in said(answer)
    assert answer.advice[0] == "install driver 570.26 (CUDA 12.8) or newer"
    assert 'TORCH_CUDA_ARCH_LIST="9.0+PTX;12.0", which adds 12.0' in answer.advice[1]
    assert sum("machine code" in one for one in answer.advice) == 1
    machine = asked("H100", ops(a=code("sm_90 compute_90")), BLACKWELL, PTX)
    assert "ops has no PTX that H100 (sm_90) would use" in said(machine)
    unnamed = asked(None, ops(a=code("sm_90 compute_90", isa="8.7")), BLACKWELL, PTX)
    assert "ops contains PTX 8.7, which needs driver 570.26" in said(unnamed)
    none = asked(None, ops(a=code("sm_90")), BLACKWELL, PTX)
    assert "ops contains no PTX" in said(none)


def test_the_driver_that_the_package_needs() -> None:
    answer = asked(None, ops(a=code("sm_90 compute_90", isa="8.7")), None, DRIVER)
    assert (
        "ops is for CUDA 12: it needs driver 525.60.13 or newer, and 570.26 or newer where its "
        "PTX is used"
    ) in said(answer)


def test_without_a_gpu_the_architectures_are_listed() -> None:
    answer = asked(None, ops(a=code("sm_90 sm_75"), b=code("sm_80")), BLACKWELL)
    assert "ops has code for sm_75 sm_80 sm_90" in said(answer)
    assert any("--gpu" in one for one in answer.unknown)


def test_a_package_without_code_for_gpus() -> None:
    answer = asked("A100", ops(a=None), BLACKWELL)
    assert any("ops contains no code for GPUs" in one for one in answer.unknown)


def test_code_that_could_not_be_read_is_told_and_not_judged() -> None:
    answer = asked("H100", ops(a=code("sm_80", problem="it ends early")), BLACKWELL)
    assert answers(answer)["a.so"] is Runs.UNKNOWN
    assert any("a.so has code for: some of it could not be read" in one for one in answer.unknown)
    assert "the code that is missing is that of ops, not torch's" not in answer.why


def test_that_it_does_not_load_on_the_installed_torch_is_no_cause() -> None:
    """Who runs a kernel was loaded, so the installed torch is not the one that failed."""
    newer = stable("2.11.0", "torch_dtype_float4_e2m1fn_x2")
    report = package(replace(library("a.so", newer), device_code=code("sm_90")), name="ops")
    answer = asked("RTX 5090", replace(report, device_code=package_code(report)), BLACKWELL)
    assert "loads on torch 2.9.1: no" in answer.pair
    assert answer.causes == (Cause.OTHER_GPU,)
    assert "torch_dtype_float4_e2m1fn_x2" not in said(answer)


def test_json() -> None:
    answer = asked("RTX 5090", ops(a=code("sm_80 sm_90")), BLACKWELL)
    document = json.loads(render("explain", "json", answer, Detail()))
    assert document["gpu"] == {"name": "RTX 5090", "target": "sm_120"}
    assert document["code_for_gpu"][1] == {
        "owner": "a.so",
        "targets": ["sm_80", "sm_90"],
        "runs": "no",
        "used": [],
    }
    other = json.loads(render("explain", "json", explain("STABLE"), Detail()))
    assert (other["gpu"], other["code_for_gpu"]) == (None, [])


def test_what_a_package_has_today_is_kept() -> None:
    held = ops(a=code("sm_75 sm_80 compute_80"), b=code("sm_80 sm_90a"))
    answer = asked("B200", held, BLACKWELL)
    assert 'TORCH_CUDA_ARCH_LIST="7.5;8.0+PTX;9.0a;10.0", which adds 10.0' in answer.advice[0]
    mixed = asked("B200", ops(a=code("sm_60 sm_70")), BLACKWELL)
    assert '"6.0;7.0;10.0", which adds 10.0 (with CUDA 12.8 or later and before 13.0)' in said(
        mixed
    )
    never = asked("Thor", ops(a=code("sm_50")), BLACKWELL)
    assert "no CUDA compiles for this and all that it has today" in said(never)
    amd = asked("gfx1100", ops(a=code("gfx90a gfx942:xnack-")), None)
    assert 'PYTORCH_ROCM_ARCH="gfx90a;gfx942;gfx1100"' in said(amd)


def test_a_torch_that_fails_is_who_fails() -> None:
    answer = asked("RTX 5090", ops(a=code("sm_90 sm_120")), HOPPER)
    assert answer.fails is Fails.TORCH
    assert asked("RTX 5090", ops(a=code("sm_90")), BLACKWELL).fails is Fails.EXTENSION


def test_the_torch_to_install_loads_the_package() -> None:
    old = replace(
        library("a.so", unstable("_ZN3c104cuda20CUDACachingAllocator9allocatorE")),
        device_code=code("sm_80"),
        needed=("libcudart.so.12",),
    )
    report = package(old, name="ops")
    report = replace(report, device_code=package_code(report))
    seen_only = beside_gpu(
        explain(ERROR, HOPPER, gpu=gpu("RTX 5090")), report, device("RTX 5090"), ("2.7.0", "2.9.1")
    )
    named = [one for one in seen_only.advice if "install torch" in one]
    assert named
    assert all("2.9.1" in one for one in named)
    none = beside_gpu(
        explain(ERROR, HOPPER, gpu=gpu("RTX 5090")), report, device("RTX 5090"), ("2.4.0",)
    )
    assert not any(one.startswith("install torch") for one in none.advice)
    assert "no torch that it loads on is for RTX 5090 (sm_120)" in said(none)


def device(name: str) -> Seen:
    found = explain(ERROR, HOPPER, gpu=gpu(name)).device
    assert found is not None
    return found


def test_where_neither_lacks_it_the_cause_is_not_known() -> None:
    answer = asked("A100", ops(a=code("sm_80")), BLACKWELL)
    assert answer.causes == (Cause.UNKNOWN,)
    assert "not compiled" not in said(answer)


def test_code_that_could_not_be_read_is_no_cause() -> None:
    for held in (code("sm_80", problem="torn"), DeviceCode(others=("lto_80",))):
        answer = asked("RTX 5090", ops(a=held), BLACKWELL)
        assert answer.causes == (Cause.UNKNOWN,)
        assert "other architectures only" not in said(answer)
        assert "whether ops has code for RTX 5090 (sm_120)" in said(answer)


def test_without_a_torch_nothing_is_said_of_it_but_that() -> None:
    text = said(asked("RTX 5090", ops(a=code("sm_90")), None))
    assert "whether torch has code for it, too" in text
    assert "install torch" not in text
    assert "torch.randn" not in text
