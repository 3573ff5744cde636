"""On which GPUs a package and the builds of torch that load it both run.

The lists of torch 2.10.0 and 2.11.0 for CUDA 12.6 and 12.8 are also told in pytorch/pytorch#182250.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.reports import library, package, stable
from torch_abi_audit.facts.device_code import package_code
from torch_abi_audit.judges.gpu_loads import with_gpus
from torch_abi_audit.model.device_code import DeviceCode, KernelSet
from torch_abi_audit.model.loads import GpuLoads, LibraryLoads, LoadMatrix, Loads
from torch_abi_audit.model.reports import Cuda

if TYPE_CHECKING:
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.model.reports import PackageReport

RELEASES = ("2.10.0", "2.11.0", "2.12.0")


def code(*sets: str) -> DeviceCode:
    kernels = tuple(KernelSet(tuple(one.split()), 1) for one in sets)
    ptx = tuple((one, "8.4") for one in " ".join(sets).split() if one.startswith("compute_"))
    return DeviceCode(kernels, ptx)


def ops(*sets: str, cuda: tuple[int, ...] = (12,)) -> PackageReport:
    held = replace(library("_C.so", stable()), device_code=code(*sets) if sets else None)
    report = replace(package(held), cuda=Cuda(cuda, ()) if cuda else None)
    return replace(report, device_code=package_code(report))


def matrix(
    report: PackageReport, platform: str | None = "linux_x86_64", **answers: str
) -> LoadMatrix:
    on = dict.fromkeys(RELEASES, Loads.YES) | {
        key[1:].replace("_", "."): Loads(answer) for key, answer in answers.items()
    }
    image = LibraryLoads(report.libraries[0].path, "x86_64", platform, stable=True, loads_on=on)
    return LoadMatrix(RELEASES, (image,), on)


def found(report: PackageReport, **answers: str) -> dict[tuple[str | None, str], GpuLoads]:
    """The answer of each build, by its CUDA and its first release."""
    every = with_gpus(matrix(report, **answers), report).gpus
    return {(one.cuda or one.rocm, one.releases[0]): one for one in every}


def targets(gpus: tuple[Gpu, ...]) -> list[str]:
    return [one.target for one in gpus]


def test_a_build_for_a_newer_torch_drops_a_gpu() -> None:
    """Torch 2.11 for CUDA 12.8 has no code for the V100 any more, 2.11 for CUDA 12.6 has."""
    answers = found(ops("sm_70 sm_80 sm_90"))
    before, after = answers["12.8", "2.10.0"], answers["12.8", "2.11.0"]
    assert before.releases == ("2.10.0",)
    assert targets(before.both) == ["sm_70", "sm_75", "sm_80", "sm_86", "sm_89", "sm_90"]
    assert targets(after.both) == ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90"]
    assert targets(after.only_package) == ["sm_70"]
    assert answers["12.6", "2.10.0"].releases == RELEASES
    assert targets(answers["12.6", "2.10.0"].both)[0] == "sm_70"


def test_what_the_package_lacks() -> None:
    (one,) = (
        one for (cuda, _), one in found(ops("sm_80 sm_90"), v2_11_0="no", v2_12_0="no").items()
        if cuda == "12.8"
    )  # fmt: skip
    assert {"sm_75", "sm_100", "sm_120"} <= {*targets(one.only_torch)}
    assert one.releases == ("2.10.0",)


def test_jit_and_parts() -> None:
    one = found(ops("sm_80 compute_80"))["12.8", "2.10.0"]
    assert {"sm_90", "sm_120"} <= {*targets(one.by_jit)}
    assert targets(one.both) == ["sm_80", "sm_86", "sm_89"]
    parts = found(ops("sm_80 sm_90", "sm_80"))["12.8", "2.10.0"]
    assert targets(parts.partly) == ["sm_90"]


def test_a_build_whose_cuda_the_package_does_not_fit_is_left_out() -> None:
    assert {cuda for cuda, _ in found(ops("sm_80", cuda=(12,)))} == {"12.6", "12.8", "12.9"}
    assert {cuda for cuda, _ in found(ops("sm_80", cuda=(13,)))} == {"13.0", "13.2"}
    assert {"12.6", "13.0"} <= {cuda for cuda, _ in found(ops("sm_80", cuda=()))}


def test_rocm_only_beside_code_for_amd() -> None:
    answers = found(ops("gfx942 gfx1100", cuda=()))
    assert answers
    assert all(one.cuda is None for one in answers.values())
    one = next(iter(answers.values()))
    assert {"gfx942", "gfx1100"} <= {*targets(one.both)}
    assert all(target.startswith("gfx") for target in targets(one.only_torch))


@pytest.mark.parametrize("answer", ["no", "unknown"])
def test_only_releases_that_load_the_package(answer: str) -> None:
    answers = found(ops("sm_80"), v2_11_0=answer)
    assert all("2.11.0" not in one.releases for one in answers.values())


def test_nothing_without_code_or_platform_or_torch() -> None:
    none = ops()
    assert with_gpus(matrix(none), none).gpus == ()
    some = ops("sm_80")
    assert with_gpus(matrix(some, platform=None), some).gpus == ()
    assert with_gpus(LoadMatrix(), some).gpus == ()
    saved = replace(some, device_code=None)
    assert with_gpus(matrix(saved), saved).gpus == ()


def test_each_gpu_is_told_once() -> None:
    for one in found(ops("sm_60 sm_80 compute_80", "sm_80")).values():
        alone = (*one.only_package, *one.only_package_by_jit, *one.only_package_partly)
        every = (*one.both, *one.by_jit, *one.partly, *one.only_torch, *alone)
        assert len(every) == len(set(every))


def test_only_ptx_for_a_gpu_that_torch_dropped() -> None:
    """Torch 2.10 for CUDA 12.6 is for 5.0 to 9.0."""
    one = found(ops("sm_80 compute_80"))["12.6", "2.10.0"]
    assert targets(one.only_package) == []
    assert targets(one.only_package_by_jit) == ["sm_100", "sm_103", "sm_120"]
    some = found(ops("sm_80 compute_80", "sm_80"))["12.6", "2.10.0"]
    assert targets(some.only_package_partly) == ["sm_100", "sm_103", "sm_120"]


def test_boards_with_an_arm_processor_beside_one_alone() -> None:
    report = ops("sm_80 compute_80")
    on_arm = replace(
        report, bundled_libs=tuple(replace(one, arch="aarch64") for one in report.bundled_libs),
        extensions=tuple(replace(one, arch="aarch64") for one in report.extensions),
    )  # fmt: skip
    boards = {"sm_110", "sm_121"}
    one = with_gpus(matrix(on_arm), on_arm).gpus[0]
    assert boards <= {*targets(one.by_jit), *targets(one.only_package_by_jit)}
    one = with_gpus(matrix(report), report).gpus[0]
    assert boards.isdisjoint(
        {*targets(one.by_jit), *targets(one.only_package_by_jit), *targets(one.only_torch)}
    )
