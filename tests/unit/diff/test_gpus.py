"""What ``diff`` says of the GPUs that a package began or ceased to run on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.reports import library, package
from torch_abi_audit.diff.compare import diff
from torch_abi_audit.diff.difference import Changed, Difference
from torch_abi_audit.facts.device_code import package_code
from torch_abi_audit.model.device_code import NO_PACKAGE_CODE, DeviceCode, KernelSet
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.report.rendering import Detail, render

if TYPE_CHECKING:
    from torch_abi_audit.model.reports import PackageReport


def code(*sets: str, problem: str | None = None) -> DeviceCode:
    """Device code of these sets of architectures, one fatbin each."""
    kernels = tuple(KernelSet(tuple(one.split()), 1) for one in sets)
    ptx = tuple((one, "8.4") for one in " ".join(sets).split() if one.startswith("compute_"))
    return DeviceCode(kernels, ptx, problem=problem)


def with_code(**held: DeviceCode | None) -> PackageReport:
    """A package of libraries, by the stems of their names."""
    report = package(
        *(replace(library(f"{stem}.so"), device_code=one) for stem, one in held.items())
    )
    return replace(report, device_code=package_code(report))


def only(old: PackageReport, new: PackageReport) -> Difference:
    (found,) = diff((old,), (new,))
    return found


def answers(found: Difference) -> dict[str, tuple[Runs, Runs]]:
    return {one.gpu.target: (one.old, one.new) for one in found.gpus}


VOLTA_TO_HOPPER = code("sm_70 sm_75 sm_80 sm_86 sm_90")
TURING_TO_BLACKWELL = code("sm_75 sm_80 sm_86 sm_90 sm_120")


def test_gained_and_lost() -> None:
    found = only(with_code(_C=VOLTA_TO_HOPPER), with_code(_C=TURING_TO_BLACKWELL))
    no, yes = Runs.NO, Runs.YES
    assert answers(found) == {"sm_70": (yes, no), "sm_120": (no, yes)}
    assert found.worse == ("no longer runs on V100 (sm_70)",)
    assert (
        Changed("code for GPUs", "sm_70 sm_75 sm_80 sm_86 sm_90", "sm_75 sm_80 sm_86 sm_90 sm_120")
        in found.changes
    )
    (one,) = found.libraries
    assert [part.what for part in one.changes] == ["code for GPUs"]
    assert one.gpus == found.gpus


def test_an_architecture_less_whose_gpus_run_another_is_no_loss() -> None:
    found = only(with_code(_C=code("sm_80 sm_86 sm_89")), with_code(_C=code("sm_80 sm_86")))
    assert found.gpus == ()
    assert found.worse == ()
    assert not found.empty


def test_only_by_jit_now_is_worse() -> None:
    found = only(with_code(_C=code("sm_80 sm_90")), with_code(_C=code("sm_80 compute_80")))
    assert answers(found)["sm_90"] == (Runs.YES, Runs.JIT)
    assert answers(found)["sm_120"] == (Runs.NO, Runs.JIT)
    assert found.worse == ("only by JIT now on H100/H200 (sm_90)",)
    back = only(with_code(_C=code("sm_80 compute_80")), with_code(_C=code("sm_80 sm_90")))
    assert answers(back)["sm_90"] == (Runs.JIT, Runs.YES)
    assert "no longer needs JIT on H100/H200 (sm_90)" in render("diff", "text", (back,), Detail())


def test_kernels_that_a_library_no_longer_has_for_a_gpu() -> None:
    old = with_code(_C=code("sm_80 sm_90", "sm_80 sm_90"))
    new = with_code(_C=code("sm_80 sm_90", "sm_80"))
    found = only(old, new)
    assert answers(found)["sm_90"] == (Runs.YES, Runs.PARTLY)
    assert found.worse == ("fewer kernels run now on H100/H200 (sm_90)",)


def test_kernels_added_for_other_gpus_take_nothing_away() -> None:
    found = only(with_code(_C=code("sm_80 sm_90")), with_code(_C=code("sm_80 sm_90", "sm_80")))
    assert answers(found)["sm_90"] == (Runs.YES, Runs.PARTLY)
    assert found.worse == ()
    assert "~ has new kernels that do not run on H100/H200 (sm_90)" in render(
        "diff", "text", (found,), Detail()
    )
    (one,) = found.libraries
    assert Changed("sets of kernels", None, "sm_80") in one.changes


def test_a_library_is_named_where_the_package_does_not_show_it() -> None:
    """A package that runs only in part on a GPU, of which another library ceases to."""
    old = with_code(a=code("sm_80 sm_90"), b=code("sm_80"), c=code("sm_80 sm_90"))
    new = with_code(a=code("sm_80 sm_90"), b=code("sm_80"), c=code("sm_80"))
    found = only(old, new)
    assert found.gpus == ()
    assert found.worse == ("c.so: no longer runs on H100/H200 (sm_90)",)


def test_a_new_library_without_a_gpu_is_no_loss() -> None:
    old = with_code(a=code("sm_80 sm_90"))
    found = only(old, with_code(a=code("sm_80 sm_90"), b=code("sm_80")))
    assert answers(found)["sm_90"] == (Runs.YES, Runs.PARTLY)
    assert found.worse == ()


def test_a_package_that_lost_all_its_code() -> None:
    found = only(with_code(_C=VOLTA_TO_HOPPER), with_code(_C=None))
    assert all(one.new is Runs.NO for one in found.gpus)
    assert found.worse[0].startswith("no longer runs on V100 (sm_70), ")
    assert only(with_code(_C=None), with_code(_C=VOLTA_TO_HOPPER)).worse == ()


def test_code_that_cannot_be_read_any_more_is_no_clean_answer() -> None:
    torn = code("sm_80", problem="the fatbin at 64 ends early")
    found = only(with_code(_C=code("sm_80")), with_code(_C=torn))
    assert answers(found)["sm_80"] == (Runs.YES, Runs.UNKNOWN)
    assert len(found.worse) == 1
    assert found.worse[0].startswith("is no longer known to run on A100 (sm_80)")
    assert only(with_code(_C=torn), with_code(_C=code("sm_80"))).worse == ()


def test_a_report_saved_before_the_code_was_read_loses_nothing() -> None:
    new = with_code(_C=VOLTA_TO_HOPPER)
    saved = replace(package(library("_C.so")), device_code=None)
    assert only(new, saved).empty
    assert only(saved, new).empty
    read = replace(saved, device_code=NO_PACKAGE_CODE)
    assert only(new, read).worse


@pytest.mark.parametrize("name", ["text", "markdown", "json"])
def test_every_format_tells_it(name: str) -> None:
    found = diff((with_code(_C=VOLTA_TO_HOPPER),), (with_code(_C=TURING_TO_BLACKWELL),))
    shown = render("diff", name, found, Detail())
    if name == "json":
        (one,) = json.loads(shown)["packages"]
        assert {"gpu": "V100", "target": "sm_70", "old": "yes", "new": "no"} in one["gpus"]
        assert one["libraries"][0]["gpus"] == one["gpus"]
        return
    plain = shown.replace("\\", "")
    assert "- no longer runs on V100 (sm_70)" in plain
    assert "+ now runs on RTX 50 (sm_120)" in plain


def test_what_never_ran_is_not_lost_with_code_that_cannot_be_read() -> None:
    torn = code("sm_80", problem="the fatbin at 64 ends early")
    found = only(with_code(_C=code("sm_80")), with_code(_C=torn))
    assert answers(found)["sm_75"] == (Runs.NO, Runs.UNKNOWN)
    assert "sm_75" not in " ".join(found.worse)
    assert "~ may run now, which is not known, on V100 (sm_70)" in render(
        "diff", "text", (found,), Detail()
    )


def test_gpus_that_ran_code_of_an_older_one_are_lost_with_it() -> None:
    old, new = code("sm_50 sm_60 sm_75"), code("sm_75 sm_80")
    found = only(with_code(_C=old), with_code(_C=new))
    lost = {target for target, pair in answers(found).items() if pair == (Runs.YES, Runs.NO)}
    assert lost == {"sm_50", "sm_52", "sm_60", "sm_61"}
    assert "P40/GTX 10 (sm_61)" in found.worse[0]


def test_boards_count_beside_arm_alone() -> None:
    assert "sm_110" not in answers(only(with_code(_C=code("sm_80")), with_code(_C=code("sm_110"))))
    old, new = (on_arm(with_code(_C=code(one))) for one in ("sm_80", "sm_110"))
    assert answers(only(old, new))["sm_110"] == (Runs.NO, Runs.YES)


def on_arm(report: PackageReport) -> PackageReport:
    each, more = (
        tuple(replace(one, arch="aarch64") for one in libraries)
        for libraries in (report.extensions, report.bundled_libs)
    )
    return replace(report, extensions=each, bundled_libs=more)


def test_that_a_report_from_before_cannot_be_compared_is_told() -> None:
    old = with_code(_C=code("sm_80"))
    old = replace(
        old,
        device_code=None,
        extensions=tuple(replace(one, device_code=None) for one in old.extensions),
    )
    found = only(old, with_code(_C=code("sm_90")))
    assert found.gpus == ()
    (note,) = found.notes
    assert "the old report does not say" in note
    for form in ("text", "markdown", "json"):
        assert "GPUs were not compared" in render("diff", form, (found,), Detail())
    assert only(with_code(_C=None), with_code(_C=code("sm_90"))).notes == ()
