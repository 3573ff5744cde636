"""The judge of GPUs: what runs on what, by the documents of NVIDIA, PyTorch and LLVM."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from typing import TYPE_CHECKING

import pytest

from tests.support.gpu_values import kernels
from tests.support.reports import library, package
from torch_abi_audit.judges.gpus import best, fits, package_run, runs, served, together
from torch_abi_audit.model.device_code import (
    NO_PACKAGE_CODE,
    DeviceCode,
    KernelSet,
    PackageCode,
)
from torch_abi_audit.model.gpus import Gpu, Run, Runs

if TYPE_CHECKING:
    from torch_abi_audit.model.reports import PackageReport

# GPU: the machine code that runs there, of all architectures. From ``DEVICE_REQUIREMENT`` in
# https://github.com/pytorch/pytorch/blob/main/torch/cuda/__init__.py, turned round; sm_121 and
# sm_103 from "Binary Compatibility" in the CUDA programming guide.
MACHINE_CODE = {
    50: {50},
    52: {50, 52},
    53: {53},
    60: {60},
    61: {60, 61},
    62: {62},
    70: {70},
    72: {72},
    75: {70, 75},
    80: {80},
    86: {80, 86},
    87: {87},
    89: {80, 86, 89},
    90: {90},
    100: {100},
    103: {100, 103},
    110: {101, 110},
    120: {120},
    121: {120, 121},
}
NUMBERS = sorted({*MACHINE_CODE, 101})

# "Family-Specific Compatibility", table 25 of the CUDA C++ programming guide 13.0
FAMILIES = {
    "100f": {100, 103},
    "103f": {103},
    "110f": {110},
    "120f": {120, 121},
    "121f": {121},
}

# "Generic processors" in https://llvm.org/docs/AMDGPUUsage.html
GENERIC = {
    "gfx9-generic": {"gfx900", "gfx902", "gfx904", "gfx906", "gfx909", "gfx90c"},
    "gfx9-4-generic": {"gfx940", "gfx941", "gfx942", "gfx950"},
    "gfx10-1-generic": {"gfx1010", "gfx1011", "gfx1012", "gfx1013"},
    "gfx10-3-generic": {f"gfx103{minor}" for minor in range(7)},
    "gfx11-generic": {*(f"gfx110{minor}" for minor in range(4))}
    | {*(f"gfx115{minor}" for minor in range(4))},
    "gfx12-generic": {"gfx1200", "gfx1201"},
}
AMD = sorted({"gfx908", "gfx90a", "gfx803", *(one for some in GENERIC.values() for one in some)})


@pytest.mark.parametrize("gpu", MACHINE_CODE)
def test_machine_code_runs_on_newer_gpus_of_the_same_major_release(gpu: int) -> None:
    found = {number for number in NUMBERS if fits(f"sm_{number}", f"sm_{gpu}")}
    assert found == MACHINE_CODE[gpu]


@pytest.mark.parametrize(("code", "gpus"), FAMILIES.items())
@pytest.mark.parametrize("prefix", ["sm_", "compute_"])
def test_family_specific_code_runs_on_its_family(prefix: str, code: str, gpus: set[int]) -> None:
    assert {gpu for gpu in MACHINE_CODE if fits(prefix + code, f"sm_{gpu}")} == gpus


@pytest.mark.parametrize("prefix", ["sm_", "compute_"])
@pytest.mark.parametrize("number", [90, 100, 103, 120, 121])
def test_architecture_specific_code_runs_on_one_alone(prefix: str, number: int) -> None:
    found = {gpu for gpu in MACHINE_CODE if fits(f"{prefix}{number}a", f"sm_{gpu}")}
    assert found == {number}


@pytest.mark.parametrize("number", [50, 75, 80, 87, 90, 120])
@pytest.mark.parametrize("gpu", MACHINE_CODE)
def test_ptx_is_compiled_for_every_gpu_that_is_not_older(number: int, gpu: int) -> None:
    assert fits(f"compute_{number}", f"sm_{gpu}") == (number <= gpu)


def test_thor_is_the_same_gpu_by_its_old_name() -> None:
    for code, gpu in product(("sm_101", "sm_110", "sm_101a", "sm_110f"), ("sm_101", "sm_110")):
        assert fits(code, gpu)
    assert not fits("sm_100f", "sm_110")


@pytest.mark.parametrize("gpu", AMD)
def test_generic_code_of_amd_runs_on_its_members(gpu: str) -> None:
    found = {name for name in GENERIC if fits(name, gpu)}
    assert found == {name for name, members in GENERIC.items() if gpu in members}
    assert [one for one in AMD if fits(one, gpu)] == [gpu]


@pytest.mark.parametrize(
    ("code", "gpu", "runs_there"),
    [  # "Target ID" in https://llvm.org/docs/AMDGPUUsage.html: what is not stated is any
        ("gfx942", "gfx942", True),
        ("gfx942", "gfx942:sramecc+:xnack-", True),
        ("gfx942:xnack-", "gfx942", True),
        ("gfx942:xnack-", "gfx942:sramecc+:xnack-", True),
        ("gfx942:xnack+", "gfx942:sramecc+:xnack-", False),
        ("gfx90a:sramecc-:xnack-", "gfx90a:sramecc+:xnack-", False),
        ("gfx90a:sramecc+:xnack-", "gfx90a:xnack-", True),
        ("gfx9-4-generic:xnack+", "gfx942:sramecc+:xnack-", False),
        ("gfx9-4-generic:sramecc+", "gfx942:sramecc+:xnack-", True),
        ("gfx94", "gfx942", False),
        ("gfx942", "sm_90", False),
        ("sm_90", "gfx942", False),
    ],
)
def test_features_of_amd(code: str, gpu: str, *, runs_there: bool) -> None:
    assert fits(code, gpu) is runs_there


@pytest.mark.parametrize("text", ["", "sm_", "sm_x", "sm_9_0", "sm_90b", "compute_", "gfx", "x86"])
def test_what_is_no_architecture_runs_nowhere(text: str) -> None:
    assert not any(fits(text, f"sm_{gpu}") for gpu in MACHINE_CODE)
    assert not any(fits(text, gpu) for gpu in AMD)


@pytest.mark.parametrize(
    ("targets", "gpu", "taken"),
    [
        ("sm_80 sm_86 compute_80", "sm_89", "sm_86"),
        ("sm_90 sm_90a", "sm_90", "sm_90a"),
        ("sm_100f sm_100 sm_100a", "sm_103", "sm_100f"),
        ("sm_75 compute_80 compute_86", "sm_90", "compute_86"),
        ("sm_80 compute_90", "sm_87", None),
        ("sm_80 compute_80", "sm_87", "compute_80"),
        ("gfx9-4-generic gfx942", "gfx942", "gfx942"),
        ("gfx942 gfx942:xnack-", "gfx942:sramecc+:xnack-", "gfx942:xnack-"),
    ],
)
def test_the_most_fitting_code_is_taken(targets: str, gpu: str, taken: str | None) -> None:
    for given in (targets.split(), targets.split()[::-1]):
        assert best(given, Gpu("x", gpu)) == taken


def on(gpu: str, *sets: str, problem: str | None = None) -> Run:
    return runs(kernels(*sets, problem=problem), Gpu("x", gpu))


def test_all_of_it_runs() -> None:
    assert on("sm_89", "10x sm_80 sm_86", "sm_80") == Run(Runs.YES, ("sm_80", "sm_86"))


def test_some_of_it_must_be_compiled_first() -> None:
    found = on("sm_90", "sm_90", "sm_80 compute_80")
    assert found == Run(Runs.JIT, ("sm_90", "compute_80"), (), "8.7")


def test_the_language_of_ptx_that_is_not_used_does_not_matter() -> None:
    assert on("sm_80", "sm_80 compute_80").ptx_isa is None


def test_a_plain_kernel_set_is_missing() -> None:
    found = on("sm_90", "10x sm_80 sm_90", "2x sm_80")
    assert found.answer is Runs.PARTLY
    assert found.lacking == (KernelSet(("sm_80",), 2, 2000),)


def test_kernels_for_another_gpu_alone_are_chosen_at_run_time() -> None:
    found = on("sm_80", "10x sm_80 sm_90", "9x sm_90a", "sm_90a compute_90a")
    assert found.answer is Runs.PARTLY, "as many are left out as run"
    found = on("sm_80", "10x sm_80 sm_90", "8x sm_90a", "sm_90a compute_90a")
    assert found.answer is Runs.YES
    assert [one.targets for one in found.lacking] == [("sm_90a",), ("sm_90a", "compute_90a")]


def test_a_helper_does_not_make_a_library_for_one_gpu_run_elsewhere() -> None:
    assert on("sm_80", "40x sm_90a", "sm_80 sm_90").answer is Runs.PARTLY


def test_nothing_of_it_runs() -> None:
    found = on("sm_75", "3x sm_80 compute_80", "sm_90a")
    assert found.answer is Runs.NO
    assert sum(one.count for one in found.lacking) == 4


@pytest.mark.parametrize("gpu", ["sm_80", "sm_90", "gfx942"])
def test_what_could_not_be_read_has_no_clean_answer(gpu: str) -> None:
    assert on(gpu, "sm_80", problem="cut short").answer is Runs.UNKNOWN


def test_nor_has_a_library_without_code_that_could_be_asked() -> None:
    assert runs(DeviceCode(others=("LTO-IR for sm_90",)), Gpu("x", "sm_90")).answer is Runs.UNKNOWN


PLAIN = ("sm_80", "sm_86", "sm_90", "sm_120", "compute_80", "compute_90", "gfx942", "gfx942:xnack-")


@pytest.mark.parametrize("gpu", ["sm_75", "sm_86", "sm_90", "sm_103", "sm_120", "gfx942"])
def test_more_code_never_makes_it_worse(gpu: str) -> None:
    """Each architecture that kernel sets gain leaves the answer as it is or improves it."""
    order = (Runs.NO, Runs.PARTLY, Runs.JIT, Runs.YES)
    for first, second, more in permutations(PLAIN, 3):
        before = on(gpu, f"2x {first}", second)
        after = on(gpu, f"2x {first} {more}", second)
        assert order.index(after.answer) >= order.index(before.answer)
        assert {*before.lacking} >= {one for one in after.lacking if more not in one.targets}


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ([], Runs.UNKNOWN),
        ([Runs.YES], Runs.YES),
        ([Runs.YES, Runs.JIT], Runs.JIT),
        ([Runs.YES, Runs.NO], Runs.PARTLY),
        ([Runs.NO, Runs.NO], Runs.NO),
        ([Runs.YES, Runs.UNKNOWN], Runs.UNKNOWN),
        ([Runs.JIT, Runs.PARTLY], Runs.PARTLY),
    ],
)
def test_libraries_together(given: list[Runs], answer: Runs) -> None:
    assert together(map(Run, given)).answer is answer


def test_what_libraries_lack_together_is_said_once() -> None:
    lacking = (KernelSet(("sm_80",), 2, 10),)
    found = together([Run(Runs.PARTLY, lacking=lacking), Run(Runs.NO, lacking=lacking)])
    assert found.lacking == (KernelSet(("sm_80",), 4, 20),)


def holding(code: PackageCode | None = None, **sets: str) -> PackageReport:
    """A package with libraries, each with one kernel set."""
    libraries = [
        replace(library(f"{name}.so"), device_code=kernels(text)) for name, text in sets.items()
    ]
    paths = tuple(f"{name}.so" for name in sets)
    return replace(
        package(*libraries), device_code=code or PackageCode(targets=("sm_80",), libraries=paths)
    )


def of_package(report: PackageReport, gpu: str) -> Runs | None:
    run = package_run(report, Gpu("x", gpu))
    return None if run is None else run.answer


def test_a_package_without_device_code_is_not_asked() -> None:
    assert of_package(replace(package(), device_code=NO_PACKAGE_CODE), "sm_80") is None
    assert of_package(package(), "sm_80") is None


def test_a_package_runs_if_its_libraries_do() -> None:
    report = holding(a="sm_80 sm_90", b="sm_80")
    assert of_package(report, "sm_86") is Runs.YES
    assert of_package(report, "sm_90") is Runs.PARTLY
    assert of_package(report, "sm_75") is Runs.NO


def test_a_library_for_one_gpu_beside_others_is_chosen_at_run_time() -> None:
    report = holding(a="sm_80 sm_90", b="90x sm_90a")
    found = package_run(report, Gpu("x", "sm_80"))
    assert found is not None
    assert found.answer is Runs.YES
    assert [one.targets for one in found.lacking] == [("sm_90a",)]
    assert of_package(report, "sm_75") is Runs.NO
    assert of_package(holding(b="sm_90a"), "sm_80") is Runs.NO


def test_of_alternatives_the_best_one_counts() -> None:
    code = PackageCode(libraries=("a.so", "b.so"), choices=((("a.so",), ("b.so",)),))
    report = holding(code, a="sm_80", b="sm_90 sm_120")
    assert of_package(report, "sm_80") is Runs.YES
    assert of_package(report, "sm_120") is Runs.YES
    assert of_package(report, "sm_75") is Runs.NO


def test_an_unread_alternative_may_be_the_right_one() -> None:
    code = PackageCode(libraries=("a.so", "b.so"), choices=((("a.so",), ("b.so",)),))
    report = holding(code, a="sm_80", b="sm_80")
    torn = replace(report.libraries[1], device_code=kernels("sm_80", problem="cut short"))
    report = replace(report, bundled_libs=(report.libraries[0], torn), extensions=())
    assert of_package(report, "sm_90") is Runs.UNKNOWN
    assert of_package(report, "sm_80") is Runs.YES


def test_libraries_that_do_not_count_are_left_out() -> None:
    report = holding(PackageCode(libraries=("a.so",)), a="sm_80", libcublas="sm_90")
    assert of_package(report, "sm_90") is Runs.NO


def test_libraries_for_the_gpus_of_another_maker_are_left_out() -> None:
    report = holding(a="sm_80", b="gfx942")
    assert of_package(report, "sm_80") is Runs.YES
    assert of_package(report, "sm_90") is Runs.NO
    assert of_package(report, "gfx942") is Runs.YES
    assert of_package(holding(b="gfx942"), "sm_80") is Runs.NO


def test_alternatives_for_the_gpus_of_another_maker_are_none() -> None:
    code = PackageCode(libraries=("a.so", "b.so", "c.so"), choices=((("a.so",), ("b.so",)),))
    report = holding(code, a="gfx942", b="gfx90a", c="sm_80")
    assert of_package(report, "sm_80") is Runs.YES
    assert of_package(report, "gfx90a") is Runs.YES


def test_one_file_that_fits_is_enough() -> None:
    files = kernels("9x sm_100a", "2x sm_90a")
    report = replace(package(), device_code=PackageCode(files=files))
    assert of_package(report, "sm_90") is Runs.YES
    assert of_package(report, "sm_80") is Runs.NO


def test_files_for_other_gpus_do_not_spoil_what_libraries_do() -> None:
    code = PackageCode(libraries=("a.so",), files=kernels("sm_90a"))
    found = package_run(holding(code, a="sm_80"), Gpu("x", "sm_80"))
    assert found == Run(Runs.YES, ("sm_80",), (KernelSet(("sm_90a",), 1, 1000),))
    assert of_package(holding(code, a="sm_80"), "sm_90") is Runs.PARTLY


def test_the_architectures_that_a_package_serves() -> None:
    report = holding(
        PackageCode(targets=("sm_75", "sm_80", "sm_90a", "compute_80"), libraries=("a.so", "b.so")),
        a="sm_75 sm_80 sm_90a",
        b="sm_80 compute_80",
    )
    assert served(report) == (("sm_80", "sm_90a"), ("sm_75", "compute_80"))


def test_ptx_serves_what_is_newer_than_all_machine_code() -> None:
    code = PackageCode(targets=("sm_80", "compute_80"), libraries=("a.so",))
    assert served(holding(code, a="sm_80 compute_80")) == (("sm_80", "compute_80"), ())


def test_ptx_for_one_gpu_serves_that_one() -> None:
    code = PackageCode(targets=("compute_90a",), libraries=("a.so",))
    assert served(holding(code, a="compute_90a")) == (("compute_90a",), ())


def test_amds_targets_are_served_with_their_features() -> None:
    targets = ("gfx942:xnack+", "gfx942:xnack-")
    code = PackageCode(targets=targets, libraries=("a.so",))
    assert served(holding(code, a=" ".join(targets))) == (targets, ())
