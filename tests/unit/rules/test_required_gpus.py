from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.gpu_values import kernels, with_gpus
from tests.support.metadata_values import library, package
from torch_abi_audit.facts.device_code import package_code
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.reports import Skipped
from torch_abi_audit.rules import detect_in_report
from torch_abi_audit.rules.reported import Reported, Required

if TYPE_CHECKING:
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport


def required(*libraries: ExtensionReport, gpus: str, files: str = "") -> list[Finding]:
    """The findings about the GPUs that a configuration requires; ``files`` hold these targets."""
    report = package(*libraries)
    if files:
        held = Skipped("kernels.cubin", "device code", device_code=kernels(*files.split(", ")))
        report = replace(report, skipped=(held,))
    report = replace(report, device_code=package_code(report))
    wanted = Required(gpus=tuple(gpus.split(", ")))
    return [one for one in detect_in_report(Reported(report, wanted)) if one.rule[0] == "G"]


def said(*libraries: ExtensionReport, gpus: str) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(one.rule, one.library, one.evidence) for one in required(*libraries, gpus=gpus)]


def test_each_library_lists_the_gpus_that_it_lacks() -> None:
    (found,) = required(with_gpus("sm_75 sm_80 sm_86"), gpus="T4, RTX 4090, 9.0, RTX 5090, H100")
    assert found.rule == "G601"
    assert found.severity is Severity.ERROR
    assert found.library == "_C.abi3.so"
    assert found.message == (
        "does not run on H100/H200 (9.0) and RTX 5090 (12.0), which the configuration requires: "
        "its code is for sm_75, sm_80 and sm_86"
    )
    assert found.evidence == ("sm_90", "sm_120")


@pytest.mark.parametrize("gpus", ["8.0, A100", "RTX 4090, 89", "RTX 3090", "sm_80"])
def test_machine_code_for_the_gpu_or_an_older_one_of_its_major_is_enough(gpus: str) -> None:
    assert required(with_gpus("sm_80"), gpus=gpus) == []


def test_ptx_passes_and_is_told() -> None:
    (found,) = required(with_gpus("sm_80 compute_80"), gpus="A100, H100, B200")
    assert (found.rule, found.severity) == ("G603", Severity.NOTE)
    assert found.message == (
        "runs on H100 (9.0) and B200 (10.0), which the configuration requires, by PTX alone "
        "(compute_80)"
    )
    some = required(with_gpus("3x sm_80 sm_90", "sm_80 compute_80"), gpus="9.0")
    assert "by PTX alone for 1 of 4 fatbins (compute_80)" in some[0].message


def test_ptx_of_one_architecture_is_for_no_other() -> None:
    code = with_gpus("sm_80 sm_90a compute_90a")
    assert said(code, gpus="9.0, 10.0") == [("G601", "_C.abi3.so", ("sm_100",))]


def test_kernels_that_were_forgotten() -> None:
    code = with_gpus("41x sm_70 sm_80 compute_80", "sm_70 sm_80")
    (found,) = required(code, gpus="H100")
    assert (found.rule, found.severity) == ("G602", Severity.WARNING)
    assert found.message == (
        "runs only in part on H100 (9.0), which the configuration requires: 1 of 42 fatbins has no "
        "code for it; it is for sm_70 and sm_80"
    )


def test_most_kernels_lacking_is_an_error() -> None:
    """As in xgboost 1.7.6, where the sources that need the device linker have no PTX."""
    code = with_gpus("362x sm_50 sm_60 sm_70 sm_80", "41x sm_50 sm_60 sm_70 sm_80 compute_80")
    (found,) = required(code, gpus="H100")
    assert (found.rule, found.severity) == ("G602", Severity.ERROR)
    assert "362 of 403 fatbins have no code for it; they are for sm_50," in found.message


def test_kernels_for_single_architectures_may_be_lacking() -> None:
    for single in ("3x sm_90a", "3x sm_80a sm_90a"):
        (found,) = required(with_gpus("2x sm_80 sm_100", single), gpus="B200")
        assert (found.rule, found.severity) == ("G602", Severity.NOTE)


@pytest.mark.parametrize(
    ("other", "gpu"),
    [
        ("sm_80 sm_90", "T4"),  # newer GPUs
        ("9x sm_75 sm_90 sm_100", "A100"),  # as lmdeploy 0.18.0 for 9.0
        ("9x sm_75", "A100"),  # one architecture: as in lmdeploy, and sm_89 in vllm
    ],
)
def test_kernels_that_are_chosen_where_they_run(other: str, gpu: str) -> None:
    (found,) = required(with_gpus("sm_75 sm_80 sm_90", other), gpus=gpu)
    assert (found.rule, found.severity) == ("G602", Severity.NOTE)
    assert "no code for it; " in found.message
    assert required(with_gpus("2x sm_75 sm_80 sm_90", "sm_90a"), gpus="T4, A100, H100") == []


def test_most_kernels_are_for_newer_gpus() -> None:
    """As in cvcuda 0.19.0, where few sources were compiled for all that the compiler knows."""
    code = with_gpus("64x sm_75 sm_80 sm_90", "19x sm_52 compute_52")
    (found,) = required(code, gpus="V100")[:1]
    assert (found.rule, found.severity) == ("G602", Severity.WARNING)
    assert "64 of 83 fatbins have no code for it" in found.message


def test_what_could_not_be_read_never_passes() -> None:
    (found,) = required(with_gpus("sm_80 sm_90", problem="cut short"), gpus="8.0")
    assert (found.rule, found.severity) == ("G601", Severity.ERROR)
    assert found.message == (
        "could not be read in full, so nothing shows that it runs on A100 (8.0), which the "
        "configuration requires"
    )
    nothing = with_gpus(problem="cut short")
    assert said(nothing, gpus="9.0") == [("G601", "_C.abi3.so", ("sm_90",))]


def test_a_package_without_device_code_passes() -> None:
    assert required(library(torch="2.10.0"), gpus="9.0") == []


def test_the_best_of_alternatives_counts() -> None:
    old = with_gpus("sm_60 sm_70 sm_80 sm_90", name="lib_cuda118.so", module=False)
    new = with_gpus("sm_80 sm_90 sm_100 sm_120", name="lib_cuda128.so", module=False)
    assert required(old, new, gpus="P100, A100, B200, RTX 5090") == []
    assert said(old, new, gpus="V100, RTX 5090, Thor") == [("G601", "lib_cuda128.so", ("sm_110",))]
    assert said(old, gpus="RTX 5090") == [("G601", "lib_cuda118.so", ("sm_120",))]


def test_libraries_that_are_used_together_must_all_run() -> None:
    both = with_gpus("sm_80 sm_90"), with_gpus("sm_80", name="_D.abi3.so")
    assert said(*both, gpus="9.0") == [("G601", "_D.abi3.so", ("sm_90",))]


def test_a_library_for_some_gpus_is_not_used_on_others() -> None:
    main = with_gpus("sm_75 sm_80 sm_90")
    fast = with_gpus("8x sm_90a", name="_fa3.abi3.so")
    named = with_gpus("sm_100", name="sm100/_ops.abi3.so")
    assert required(main, fast, named, gpus="7.5, 8.0, 9.0") == []
    assert said(main, fast, named, gpus="12.0") == [("G601", "_C.abi3.so", ("sm_120",))]
    assert said(fast, gpus="8.0") == [("G601", "_fa3.abi3.so", ("sm_80",))]


def test_gpus_of_two_vendors() -> None:
    cuda = with_gpus("sm_80 sm_90", name="lib_cuda.so", module=False)
    rocm = with_gpus("gfx90a gfx942", name="lib_hip_kernels.so", module=False)
    assert required(cuda, rocm, gpus="9.0, MI300X") == []
    assert said(cuda, rocm, gpus="8.0, gfx1100") == [("G601", "lib_hip_kernels.so", ("gfx1100",))]
    assert required(cuda, gpus="8.0, MI300X") == []  # as a package without any device code
    partly = with_gpus("4x gfx90a gfx942", "gfx908 gfx90a")
    assert [one.severity for one in required(partly, gpus="gfx942")] == [Severity.WARNING]


def test_files_with_device_code() -> None:
    """Programs load the file that fits: it is enough that one does."""
    assert required(gpus="8.0, 9.0", files="sm_80, sm_90") == []
    (found,) = required(gpus="8.0, 10.0", files="sm_80, sm_90")
    assert found.library is None
    assert found.message == (
        "the device code beside the libraries does not run on B200 (10.0), which the configuration "
        "requires: its code is for sm_80 and sm_90"
    )
