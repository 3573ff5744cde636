from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.gpu_values import with_gpus
from tests.support.metadata_values import judged, library, only
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules import rule

if TYPE_CHECKING:
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport

CU12, CU13 = ("libcudart.so.12",), ("libcudart.so.13",)
PINNED = ("torch==2.10.0",)
"""On the index, that is built for CUDA 12.8 and 7.0, 7.5, 8.0, 8.6, 9.0, 10.0 and 12.0."""


def built(*sets: str, needed: tuple[str, ...] = CU12, **more: Any) -> ExtensionReport:
    return with_gpus(*sets, torch="2.10.0", needed=needed, **more)


def rules(report: PackageReport) -> list[str]:
    return [one.rule for one in report.findings if one.rule in ("G607", "G608", "G609")]


def test_gpus_that_torch_supports_and_the_package_does_not() -> None:
    report = judged(built("sm_75 sm_80 sm_86 sm_90"), requires=PINNED)
    found = only(report, "G607")
    assert found.severity is Severity.NOTE
    assert found.library is None
    assert found.message == (
        "has no code for V100 (7.0), B200 (10.0), B300 (10.3) and RTX 50 (12.0), on which torch "
        "2.10.0 (CUDA 12.8) runs: the code is for sm_75, sm_80, sm_86 and sm_90"
    )
    assert found.evidence == ("sm_70", "sm_100", "sm_103", "sm_120")
    assert rules(report) == ["G607"]


def test_gpus_for_which_torch_has_machine_code_and_the_package_ptx() -> None:
    """As xformers 0.0.35: the plain code is older than that for ``sm_90a``."""
    report = judged(built("sm_70 sm_75 sm_80 sm_90a compute_80"), requires=PINNED)
    found = only(report, "G608")
    assert found.severity is Severity.NOTE
    assert found.message == (
        "has only PTX for B200 (10.0), B300 (10.3) and RTX 50 (12.0), for which torch 2.10.0 (CUDA "
        "12.8) has machine code: compute_80"
    )
    assert found.evidence == ("sm_100", "sm_103", "sm_120")
    assert rules(report) == ["G608"]


@pytest.mark.parametrize(
    ("rule_id", "sets", "requires"),
    [
        ("G607", "sm_75 sm_80 sm_90a compute_80", "torch==2.10.0"),
        ("G608", "sm_75 sm_80 sm_90a compute_80", "torch==2.10.0"),
        ("G609", "sm_35 sm_37", "torch>=2.11"),
    ],
)
def test_the_examples_are_what_is_said(rule_id: str, sets: str, requires: str) -> None:
    """The first two are xformers 0.0.35."""
    found = only(judged(built(sets), requires=(requires,)), rule_id)
    assert found.message == rule(rule_id).example


@pytest.mark.parametrize(
    "sets",
    [
        ("sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120",),
        ("sm_70 sm_75 sm_80 sm_90 sm_100 sm_120",),  # 8.0 serves 8.6 and 8.9
        ("sm_70 sm_75 sm_80 sm_90a sm_100f sm_120f",),
        ("sm_70 sm_75 sm_80 sm_90 sm_100 sm_120", "sm_80"),  # chosen at run time, or partly
        ("sm_90a", "sm_100a"),  # made for these GPUs
    ],
)
def test_what_runs_wherever_torch_does(sets: tuple[str, ...]) -> None:
    assert rules(judged(built(*sets), requires=PINNED)) == []


def test_what_begins_with_newer_gpus_does_not_lack_older_ones() -> None:
    report = judged(built("sm_90 sm_100"), requires=PINNED)
    assert only(report, "G607").evidence == ("sm_120",)
    assert only(judged(built("sm_80 sm_90 sm_100"), requires=PINNED), "G607").evidence == (
        *("sm_70", "sm_75", "sm_120"),
    )


def test_a_gpu_on_which_one_of_several_libraries_runs() -> None:
    whole = built("sm_70 sm_75 sm_80 sm_90 sm_100 sm_120")
    assert rules(judged(whole, built("sm_80", name="_D.so"), requires=PINNED)) == []
    some = built("2x sm_70 sm_75 sm_80 compute_80", name="_D.so")
    assert rules(judged(built("sm_70 sm_75 sm_80 sm_90"), some, requires=PINNED)) == []
    special = built("sm_100a", name="_fast.so")
    report = judged(built("sm_70 sm_75 sm_80 sm_90"), special, requires=PINNED)
    assert only(report, "G607").evidence == ("sm_103", "sm_120")


def test_ptx_for_a_few_kernels_is_not_enough() -> None:
    """As in sgl-kernel 0.3.5, where a library for communication has PTX."""
    main = built("40x sm_70 sm_75 sm_80 sm_90")
    few = built("2x sm_80 sm_90 compute_90", name="_mscclpp.so")
    report = judged(main, few, requires=PINNED)
    assert rules(report) == ["G607"]
    assert only(report, "G607").message == (
        "has no code for B200 (10.0), B300 (10.3) and RTX 50 (12.0), on which torch 2.10.0 (CUDA "
        "12.8) runs, except PTX for some kernels (2 of 42 fatbins): the code is for sm_70, sm_75, "
        "sm_80, sm_90 and compute_90"
    )


def test_alternatives_are_taken_together() -> None:
    old = built("sm_70 sm_75 sm_80 sm_90", name="lib_cuda118.so", module=False)
    new = built("sm_80 sm_90 sm_100 sm_120", name="lib_cuda128.so", module=False)
    assert rules(judged(old, new, requires=PINNED)) == []


def test_code_for_amd_is_passed_over() -> None:
    cuda = built("sm_90 sm_100", name="lib_cuda128.so", module=False)
    rocm = built("gfx942", needed=(), name="lib_rocm64.so", module=False)
    found = only(judged(cuda, rocm, requires=PINNED), "G607")
    assert found.evidence == ("sm_120",)
    assert found.message.endswith("the code is for sm_90 and sm_100")


def test_the_torch_that_an_installer_takes() -> None:
    """The newest that is admitted and brings the CUDA; C501 is about the others."""
    report = judged(built("sm_80 sm_90"), requires=("torch>=2.10",))
    assert "on which torch 2.10.0 (CUDA 12.8) runs" in only(report, "G607").message
    newer = built("sm_80 sm_90", needed=CU13)
    report = judged(newer, requires=("torch>=2.10,<2.12",))
    assert "on which torch 2.11.0 (CUDA 13.0) runs" in only(report, "G607").message
    static = built("sm_80 sm_90", needed=())
    report = judged(static, requires=("torch>=2.10,<2.12",))
    assert "on which torch 2.11.0 (CUDA 13.0) runs" in only(report, "G607").message


def test_builds_that_are_not_on_the_package_index() -> None:
    one = built("sm_75 sm_80", needed=("cudart64_12.dll",), format=Format.PE, name="_C.pyd")
    report = judged(one, tags=("cp310-abi3-win_amd64",), requires=PINNED)
    found = only(report, "G607")
    assert found.message.startswith(
        "has no code for V100 (7.0) and H100/H200 (9.0), on which torch 2.10.0 (each build for "
        "CUDA 12.6 or 12.8) runs"
    )
    assert found.evidence == ("sm_70", "sm_90")  # only one of the builds supports newer ones


def test_boards_with_arm_processors_are_for_arm_alone() -> None:
    arm = ("cp310-abi3-manylinux_2_28_aarch64",)
    one = built("sm_80 sm_90 sm_100 sm_120", needed=CU13, arch="aarch64")
    requires = ("torch==2.11.0",)
    assert "sm_110" in only(judged(one, tags=arm, requires=requires), "G607").evidence
    other = built("sm_75 sm_80 sm_90 sm_100 sm_120", needed=CU13)
    assert rules(judged(other, requires=requires)) == []


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (judged(built("sm_80")), "requires no torch, but loads on all: as newest"),
        (judged(built("sm_80"), requires=PINNED, is_torch=True), "torch itself"),
        (judged(with_gpus("sm_80", needed=CU12)), "no torch"),
        (judged(built("sm_80", problem="cut short"), requires=PINNED), "unread"),
        (judged(built("gfx942"), requires=PINNED), "AMD"),
        (judged(library(torch="2.10.0"), requires=PINNED), "no device code"),
        (judged(built("sm_80"), requires=("torch @ https://x/torch.whl",)), "by URL"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_nothing_to_compare(report: PackageReport, why: str) -> None:
    assert rules(report) == ([] if "newest" not in why else ["G607"])


def test_no_gpu_in_common() -> None:
    report = judged(built("sm_35 sm_37"), requires=PINNED)
    found = only(report, "G609")
    assert found.severity is Severity.WARNING
    assert found.message == (
        "the code is for sm_35 and sm_37, but torch 2.10.0 is for sm_50 to sm_120"
    )
    assert found.evidence == ("sm_35", "sm_37")
    assert rules(report) == ["G609"]
    past = judged(built("sm_35 sm_37", needed=("libcudart.so.10.2",)), requires=PINNED)
    assert [one.rule for one in past.findings if one.rule in ("C501", "G609")] == ["C501"]
    old = built("sm_60 sm_61", needed=CU13)
    assert rules(judged(old, requires=("torch>=2.11,<2.12",))) == ["G607"]  # 2.11 has cu126 builds
