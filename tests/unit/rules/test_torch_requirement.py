from __future__ import annotations

import pytest

from tests.support.metadata_values import judged, library, only, rules
from torch_abi_audit.knowledge.torch_releases import TorchRelease, torch_releases
from torch_abi_audit.model.releases import exact, release_key, release_runs

KNOWN = [one.version for one in torch_releases()]
SINCE_2_8 = KNOWN[KNOWN.index("2.8.0") :]


def loading(*releases: str, among: list[str] = SINCE_2_8) -> dict[str, str]:
    return {one: "yes" if one in releases else "no" for one in among}


STABLE = library(torch="2.11.0")
UNSTABLE = library(unstable=True)


def test_releases_are_listed_oldest_first_with_their_pythons_and_cuda() -> None:
    assert sorted(KNOWN, key=release_key) == KNOWN
    assert torch_releases()[KNOWN.index("2.7.0")] == TorchRelease(
        "2.7.0",
        frozenset({"3.9", "3.10", "3.11", "3.12", "3.13"}),
        {"linux_x86_64": "12.6"},
    )


def test_a_fitting_requirement_is_no_finding() -> None:
    report = judged(STABLE, requires=("numpy", "torch>=2.11"))
    assert rules(report) == []
    assert report.requires_torch == "torch>=2.11"
    assert report.proposed_requires_torch == "torch>=2.11"


def test_no_requirement() -> None:
    report = judged(STABLE, requires=("torchvision", "torch-geometric>=2"))
    assert rules(report) == ["M301"]
    found = only(report, "M301")
    assert "the binaries need at least 2.11.0" in found.message
    assert found.fix == "Declare `torch>=2.11`."
    assert report.requires_torch is None


def test_a_package_without_torch_needs_no_requirement() -> None:
    report = judged(library())
    assert rules(report) == []
    assert report.proposed_requires_torch is None


def test_torch_itself_needs_no_requirement() -> None:
    assert rules(judged(UNSTABLE, is_torch=True)) == []


def test_what_has_no_metadata_has_no_metadata_findings() -> None:
    assert rules(judged(STABLE, is_python_distribution=False)) == []


def test_a_requirement_of_an_extra_alone() -> None:
    report = judged(STABLE, requires=('torch>=2.11; extra == "gpu"',))
    assert rules(report) == ["M301"]
    assert "extra 'gpu'" in only(report, "M301").message


def test_a_requirement_that_leaves_out_a_python() -> None:
    report = judged(STABLE, requires=('torch>=2.11; python_version < "3.13"',))
    said = only(report, "M301").message
    assert said.startswith("the package does not require torch on Python 3.13, 3.14")
    whole = ('torch>=2.11; python_version < "3.13"', 'torch>=2.12; python_version >= "3.13"')
    assert rules(judged(STABLE, requires=whole)) == []


def test_a_marker_for_another_system_does_not_count() -> None:
    line = 'torch>=2.11; sys_platform == "win32"'
    assert rules(judged(STABLE, requires=(line,))) == ["M301"]
    windows = library("_C.pyd", torch="2.11.0", format="pe")
    assert rules(judged(windows, requires=(line,), tags=("cp311-cp311-win_amd64",))) == []


@pytest.mark.parametrize("line", ["torch>=2.9", "torch", "torch>=2.7,<2.12", "torch==2.10.*"])
def test_a_floor_that_is_too_low(line: str) -> None:
    report = judged(STABLE, requires=(line,))
    found = only(report, "M302")
    assert "2.10.0" in found.evidence
    assert not any(one.startswith("2.11") for one in found.evidence)
    assert found.fix == "Declare `torch>=2.11`."


def test_a_floor_that_no_python_of_the_tag_can_reach() -> None:
    # torch has cp315 wheels only since 2.15.0, so no older release can be installed
    tags = ("cp315-cp315-manylinux_2_28_x86_64",)
    name = "_C.cpython-315-x86_64-linux-gnu.so"
    assert rules(judged(library(name, torch="2.11.0"), tags=tags, requires=("torch>=2.9",))) == []
    older = ("cp314-cp314-manylinux_2_28_x86_64",)
    name = "_C.cpython-314-x86_64-linux-gnu.so"
    report = judged(library(name, torch="2.11.0"), tags=older, requires=("torch>=2.7",))
    assert only(report, "M302").evidence == ("2.9.0", "2.9.1", "2.10.0")


def test_a_pin_to_a_local_build_is_read_as_its_release() -> None:
    assert rules(judged(STABLE, requires=("torch==2.15.0+cu130",))) == []


def test_a_stable_binary_that_is_pinned_harder_than_needed() -> None:
    report = judged(STABLE, requires=("torch==2.11.0",))
    assert rules(report) == ["M304"]
    assert only(report, "M304").evidence[0] == "2.12.0"
    assert only(report, "M304").evidence[-1] == KNOWN[-1]


@pytest.mark.parametrize("line", ["torch>=2.11,<3", "torch>=2.12", "torch>=2.11,!=2.12.0"])
def test_bounds_that_keep_out_no_newer_release_are_no_pin(line: str) -> None:
    assert rules(judged(STABLE, requires=(line,))) == []


def test_an_unstable_binary_may_be_pinned() -> None:
    report = judged(UNSTABLE, requires=("torch==2.9.0",), loads_on=loading("2.9.0", "2.9.1"))
    assert rules(report) == []
    assert report.proposed_requires_torch == "torch==2.9.*"


def test_an_unstable_binary_without_an_upper_bound() -> None:
    report = judged(UNSTABLE, requires=("torch>=2.12",), loads_on=loading(*SINCE_2_8))
    assert rules(report) == ["M303"]
    assert "<" in only(report, "M303").fix
    assert rules(judged(UNSTABLE, requires=("torch<3",), loads_on=loading(*KNOWN)))[-1] == "M303"


def test_a_range_of_releases_on_which_it_does_not_load() -> None:
    said = loading("2.8.0", "2.9.0", "2.9.1")
    report = judged(UNSTABLE, requires=("torch>=2.8,<2.13",), loads_on=said)
    assert rules(report) == ["M305"]
    assert only(report, "M305").evidence == ("2.10.0", "2.11.0", "2.12.0", "2.12.1")
    assert only(report, "M305").fix == "Declare `torch>=2.8,<2.10`."


def test_a_range_that_begins_before_and_ends_after() -> None:
    said = loading("2.9.0", "2.9.1")
    report = judged(UNSTABLE, requires=("torch<2.12",), loads_on=said)
    assert rules(report) == ["M302", "M305"]
    assert only(report, "M302").evidence == ("2.8.0",)
    assert only(report, "M305").evidence == ("2.10.0", "2.11.0")


def test_releases_of_which_nothing_is_known_are_no_proof() -> None:
    said = {**loading("2.9.0", "2.9.1"), "2.10.0": "unknown", "2.11.0": "needs-cuda"}
    report = judged(UNSTABLE, requires=("torch>=2.9,<2.12",), loads_on=said)
    assert rules(report) == []


def test_an_unstable_binary_that_loads_nowhere_has_no_proposal() -> None:
    report = judged(UNSTABLE, requires=("torch>=2.8,<2.10",), loads_on=loading())
    assert rules(report) == ["M305"]
    assert report.proposed_requires_torch is None


def test_without_a_matrix_an_unstable_package_is_only_asked_for_a_bound() -> None:
    assert rules(judged(UNSTABLE, requires=("torch>=2.1",))) == ["M303"]
    assert rules(judged(UNSTABLE, requires=("torch>=2.1,<2.3",))) == []


def test_the_matrix_is_not_asked_for_a_stable_package() -> None:
    report = judged(STABLE, requires=("torch>=2.11",), loads_on=loading("2.8.0"))
    assert rules(report) == []


def test_a_requirement_that_cannot_be_read() -> None:
    report = judged(STABLE, requires=("torch (>2,",))
    assert rules(report) == ["M306"]
    assert rules(judged(STABLE, requires=("torch>=2.11", "numpy (>2,"))) == []


def test_a_requirement_by_address_says_no_range() -> None:
    report = judged(STABLE, requires=("torch @ https://example.org/torch.whl",))
    assert rules(report) == []
    assert report.requires_torch == "torch @ URL"


def test_names_of_other_spelling_are_torch() -> None:
    assert rules(judged(STABLE, requires=("Torch >=2.11",))) == []


def test_unknown_shims_leave_the_proposal_open() -> None:
    floor = library(torch="2.11.0", unknown=("aoti_torch_new",))
    report = judged(floor, requires=("torch>=2.9",))
    assert rules(report) == ["M302", "T104"]
    assert report.proposed_requires_torch is None


def test_variants_serve_each_their_release() -> None:
    both = (
        library("torch-2.10/_C.so", torch="2.10.0", module=False, variant="2.10"),
        library("torch-2.12/_C.so", torch="2.12.0", module=False, variant="2.12"),
    )
    report = judged(*both, requires=("torch>=2.10",), tags=())
    assert rules(report) == []
    assert report.proposed_requires_torch == "torch>=2.10"
    with_common = judged(*both, library(torch="2.11.0"), requires=("torch>=2.10",), tags=())
    assert rules(with_common) == ["M302"]


@pytest.mark.parametrize(
    ("good", "specifier"),
    [
        (["2.9.0", "2.9.1"], "torch==2.9.*"),
        (["2.9.1"], "torch==2.9.1"),
        (["2.8.0", "2.9.0"], "torch>=2.8,<2.9.1"),
        (["2.9.1", "2.10.0"], "torch>=2.9.1,<2.11"),
        (["2.8.0", "2.10.0"], "torch>=2.8,!=2.9.*,<2.11"),
        (["2.8.0", "2.9.1"], "torch>=2.8,!=2.9.0,<2.10"),
        ([], None),
    ],
)
def test_the_exact_specifier(good: list[str], specifier: str | None) -> None:
    among = ["2.8.0", "2.9.0", "2.9.1", "2.10.0", "2.11.0"]
    assert exact(loading(*good, among=among), {"yes"}) == specifier


def test_lists_of_releases_are_spans() -> None:
    among = ["2.8.0", "2.9.0", "2.9.1", "2.10.0", "2.11.0"]
    assert release_runs(["2.8.0", "2.9.1", "2.10.0", "2.11.0"], among) == "2.8.0, 2.9.1 to 2.11.0"
    assert release_runs(["2.9.1"], among) == "2.9.1"
