from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.gpu_values import with_gpus
from tests.support.metadata_values import judged, library, only
from torch_abi_audit.model.findings import Severity

if TYPE_CHECKING:
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport


def rules(*libraries: ExtensionReport, **declared: Any) -> list[str]:
    return of(judged(*libraries, **declared))


def of(report: PackageReport) -> list[str]:
    return [one.rule for one in report.findings if one.rule in ("G604", "G605", "G606")]


def test_device_code_that_could_not_be_read_is_told() -> None:
    report = judged(with_gpus("sm_80", problem="fatbin at 0x40: cut short"), library("_D.so"))
    found = only(report, "G604")
    assert found.severity is Severity.WARNING
    assert found.library == "_C.abi3.so"
    assert found.message == ("some of its device code could not be read: fatbin at 0x40: cut short")
    assert rules(with_gpus(problem="cut short"), is_python_distribution=False) == ["G604"]


def test_ptx_for_one_architecture_alone() -> None:
    found = only(judged(with_gpus("sm_80 sm_90a compute_90a")), "G605")
    assert found.severity is Severity.NOTE
    assert found.library is None
    assert found.message == (
        "the only PTX is compute_90a, which runs on compute capability 9.0 and on no newer GPU"
    )
    assert found.evidence == ("compute_90a",)


@pytest.mark.parametrize(
    "sets",
    [
        ("sm_80 sm_90a",),  # made for these GPUs
        ("sm_90a",),
        ("sm_80 sm_90a compute_80",),  # runs on newer ones
        ("sm_80 compute_80", "sm_90a compute_90a"),
        ("sm_90a compute_90a", "sm_100 sm_120"),  # code for newer ones
        ("sm_100f compute_100f",),
        ("gfx942",),
    ],
)
def test_ptx_that_is_not_alone(sets: tuple[str, ...]) -> None:
    assert rules(with_gpus(*sets)) == []


def test_the_ptx_of_the_whole_package_counts() -> None:
    fast = with_gpus("sm_90a compute_90a", name="_fast.so")
    assert rules(fast, with_gpus("sm_80 sm_90 compute_90")) == []
    assert rules(fast, with_gpus("sm_80 sm_90")) == ["G605"]


MAIN = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


def test_a_library_that_was_compiled_for_fewer_gpus() -> None:
    report = judged(with_gpus(MAIN), with_gpus("sm_75 sm_80", name="_ops.abi3.so"))
    found = only(report, "G606")
    assert found.severity is Severity.WARNING
    assert found.library == "_ops.abi3.so"
    assert found.message == (
        "does not run on H100/H200 (9.0), B200 (10.0), B300 (10.3), RTX 50 (12.0) and DGX Spark "
        "(12.1), on which _C.abi3.so does: its code is for sm_75 and sm_80"
    )
    assert found.evidence == ("sm_90", "sm_100", "sm_103", "sm_120", "sm_121")
    assert rules(*report.extensions, is_python_distribution=False) == ["G606"]


@pytest.mark.parametrize(
    "other",
    [
        with_gpus("sm_80 sm_90 sm_100 sm_120", name="_ops.so"),  # older ones left out
        with_gpus("sm_80 compute_80", name="_ops.so"),  # PTX
        with_gpus("sm_90a", name="_ops.so"),
        with_gpus("9x sm_80 sm_90a", name="_flash.so"),  # sgl-kernel 0.3.21
        with_gpus("sm_50 sm_60", name="_ops.so"),  # nothing in common
        with_gpus("sm_80", name="_ops_sm80.so"),
        with_gpus("sm_80", name="ampere/_ops.so"),
        with_gpus("sm_80", name="x.libs/libcublas-1a2b3c4d.so.12", module=False),
        with_gpus("gfx942", name="_ops.so"),
        with_gpus("sm_80", "sm_80 sm_90 sm_100 sm_120", name="_ops.so"),  # partly
        library("_ops.so"),
    ],
    ids=lambda one: one.name,
)
def test_libraries_that_do_not_differ(other: ExtensionReport) -> None:
    assert rules(with_gpus(MAIN), other) == []


def test_what_runs_by_ptx_alone_is_no_measure() -> None:
    """As in xformers 0.0.20: nobody meant the newer GPUs."""
    assert rules(with_gpus("sm_75 sm_80 compute_50"), with_gpus("sm_80", name="_flash.so")) == []


def test_a_library_that_the_package_may_do_without() -> None:
    plugin = with_gpus("sm_80", name="plugins/libx.so", needed=("libpq.so.5",), module=False)
    assert rules(with_gpus(MAIN), plugin) == []


def test_a_library_for_newer_gpus_is_no_measure() -> None:
    """As in torchao 0.15.0."""
    assert rules(with_gpus("sm_80 sm_86"), with_gpus("sm_100 sm_120", name="_mxfp8.so")) == []


def test_alternatives_may_differ() -> None:
    old = with_gpus("sm_60 sm_80", name="lib_cuda118.so", module=False)
    new = with_gpus("sm_80 sm_100 sm_120", name="lib_cuda128.so", module=False)
    assert rules(old, new) == []


def test_nvidias_own_libraries_may_differ() -> None:
    one = with_gpus(MAIN, name="nvidia/libcufft.so.11", module=False)
    other = with_gpus("sm_80", name="nvidia/libcufftw.so.11", module=False)
    assert rules(one, other) == []


def test_torch_itself_is_not_judged() -> None:
    two = with_gpus(MAIN), with_gpus("sm_80", name="_D.so")
    assert rules(*two) == ["G606"]
    assert rules(*two, is_torch=True) == []
    specific = with_gpus("sm_80 compute_90a")
    assert rules(specific) == ["G605"]
    assert rules(specific, is_torch=True) == []
