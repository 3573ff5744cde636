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
    assert found.fix == (
        "Declare `torch>=2.11`, with an extra if the package can be used without torch."
    )
    assert report.requires_torch is None


def test_no_requirement_of_variants_of_which_nothing_else_is_known() -> None:
    variants = [library(f"libx_pytorch_2.{minor}.so", unstable=True) for minor in (0, 1, 2)]
    found = only(judged(*variants, loads_on={"2.4.0": "no", "2.15.0": "no"}), "M301")
    assert found.fix == (
        "Declare `torch>=2.0,<2.3`, for which it ships variants, with an extra if the package can "
        "be used without torch."
    )
    one = only(judged(variants[0], loads_on={"2.4.0": "no", "2.15.0": "no"}), "M301")
    assert one.fix == "Declare the torch releases that the binaries load on."


def test_what_nothing_is_known_of_stays_where_all_else_fails() -> None:
    known = [one.version for one in torch_releases() if release_key(one.version) >= (2, 4)]
    report = judged(
        library(unstable=True), requires=("torch>=2.3.0",), loads_on=dict.fromkeys(known, "no")
    )
    found = only(report, "M305")
    assert found.message.endswith("of 2.3.0, 2.3.1 nothing is known")
    assert found.fix == (
        "Declare `torch>=2.3.0,<2.4`, or build the binaries for torch 2.4.0 to 2.15.0."
    )
    assert report.proposed_requires_torch == "torch>=2.3.0,<2.4"


def test_a_package_without_torch_needs_no_requirement() -> None:
    report = judged(library())
    assert rules(report) == []
    assert report.proposed_requires_torch is None


def test_torch_itself_needs_no_requirement() -> None:
    assert rules(judged(UNSTABLE, is_torch=True)) == []


def test_what_has_no_metadata_has_no_metadata_findings() -> None:
    assert rules(judged(STABLE, is_python_distribution=False)) == []


def test_a_requirement_of_an_extra_alone() -> None:
    report = judged(STABLE, requires=('torch>=2.12; extra == "gpu"',))
    assert rules(report) == ["M301"]
    assert "extra 'gpu'" in only(report, "M301").message
    assert only(report, "M301").fix == (
        "Declare `torch>=2.12`, or leave it to the extra 'gpu' if the package can be used without "
        "torch."
    )
    assert report.requires_torch == 'torch>=2.12; extra == "gpu"'


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


@pytest.mark.parametrize(
    ("line", "proposal"),
    [
        ("torch>=2.9", "torch>=2.11"),
        ("torch", "torch>=2.11"),
        ("torch>=2.7,<2.12", "torch>=2.11,<2.12"),
        ("torch (!=2.12.0,>=2.7)", "torch>=2.11,!=2.12.0"),
        ("torch!=2.7.0,!=2.11.*", "torch>=2.12"),
        ("torch~=2.7", "torch~=2.7,>=2.11"),
        ("torch[opt-einsum]>=2.7", "torch[opt-einsum]>=2.11"),
        (
            "torch>=2.9; sys_platform == 'linux'",
            'torch>=2.11; sys_platform == "linux"',
        ),
    ],
)
def test_a_floor_that_is_too_low(line: str, proposal: str) -> None:
    report = judged(STABLE, requires=(line,))
    assert rules(report) == ["M302"]
    found = only(report, "M302")
    assert "2.10.0" in found.evidence
    assert not any(one.startswith("2.11") for one in found.evidence)
    assert found.fix == f"Declare `{proposal}`."
    assert report.proposed_requires_torch == proposal


def test_a_requirement_of_which_nothing_loads() -> None:
    report = judged(STABLE, requires=("torch==2.10.*",))
    assert rules(report) == ["M302"]
    found = only(report, "M302")
    assert "the binaries load on none of them: they need at least 2.11.0" in found.message
    assert found.fix == (
        "Declare `torch>=2.11`, or build the binaries for a release that is admitted."
    )


def test_each_line_keeps_its_marker() -> None:
    lines = (
        'torch<3,>=2.6; python_version < "3.13"',
        'torch>=2.12,!=2.13.0; python_version >= "3.13"',
    )
    report = judged(STABLE, requires=lines)
    assert rules(report) == ["M302"]
    assert only(report, "M302").fix == (
        'Declare `torch>=2.11,<3; python_version < "3.13"` and '
        '`torch>=2.12,!=2.13.0; python_version >= "3.13"`.'
    )


def test_a_line_for_another_system_is_left_alone() -> None:
    lines = ('torch>=2.9; sys_platform != "darwin"', 'torch>=2.2; sys_platform == "darwin"')
    assert only(judged(STABLE, requires=lines), "M302").fix == (
        'Declare `torch>=2.11; sys_platform != "darwin"`.'
    )


def test_of_two_lines_that_apply_at_once_the_one_without_a_marker_is_narrowed() -> None:
    lines = ('torch<2.13; sys_platform == "linux"', "torch>=2.9")
    assert only(judged(STABLE, requires=lines), "M302").fix == "Declare `torch>=2.11`."


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
    report = judged(STABLE, requires=("torch==2.14.0+cu130",))
    assert rules(report) == []  # a pin to a build is meant as it is
    assert report.requires_torch == report.proposed_requires_torch == "torch==2.14.0"


def test_a_stable_binary_that_is_pinned_harder_than_needed() -> None:
    report = judged(STABLE, requires=("torch==2.11.0",))
    assert rules(report) == ["M304"]
    assert only(report, "M304").evidence[0] == "2.12.0"
    assert only(report, "M304").evidence[-1] == KNOWN[-1]
    assert only(report, "M304").fix.startswith("Declare `torch>=2.11`, unless")


def test_a_pin_is_opened_no_further_than_the_cuda_of_torch() -> None:
    cu12 = library(torch="2.9.0", needed=("libcudart.so.12",))
    assert rules(judged(cu12, requires=("torch==2.10.0",))) == []
    report = judged(cu12, requires=("torch==2.9.0",))
    assert rules(report) == ["M304"]
    assert only(report, "M304").evidence == ("2.9.1", "2.10.0")
    assert report.proposed_requires_torch == "torch>=2.9,<2.11"


@pytest.mark.parametrize("line", ["torch>=2.12,!=2.15.0", "torch===2.14.0", "torch<3,>=2.13"])
def test_what_is_kept_out_on_purpose_is_no_pin(line: str) -> None:
    assert rules(judged(STABLE, requires=(line,))) == []


@pytest.mark.parametrize("line", ["torch>=2.11,<3", "torch>=2.12", "torch>=2.11,!=2.12.0"])
def test_bounds_that_keep_out_no_newer_release_are_no_pin(line: str) -> None:
    assert rules(judged(STABLE, requires=(line,))) == []


def test_an_unstable_binary_may_be_pinned() -> None:
    report = judged(UNSTABLE, requires=("torch==2.9.0",), loads_on=loading("2.9.0", "2.9.1"))
    assert rules(report) == []
    assert report.proposed_requires_torch == "torch==2.9.0"


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
    assert rules(report) == ["M305"]
    assert only(report, "M305").evidence == ("2.8.0", "2.10.0", "2.11.0")
    assert only(report, "M305").fix == "Declare `torch==2.9.*`."


@pytest.mark.parametrize(
    ("line", "good", "proposal"),
    [  # the first as executorch 1.2.0, the second as autoawq_kernels 0.0.9 for Windows
        ("torch>=2.11.0", ["2.11.0"], "torch>=2.11.0,<2.12"),
        ("torch>=2.9.1", ["2.9.0", "2.9.1", "2.10.0"], "torch>=2.9.1,<2.11"),
        ("torch>=2.8,!=2.9.0", ["2.8.0", "2.9.0", "2.9.1"], "torch>=2.8,!=2.9.0,<2.10"),
        ("torch>=2.8,<3", ["2.9.0", "2.9.1", "2.11.0"], "torch>=2.9,!=2.10.*,<2.12"),
        ("torch~=2.9", ["2.9.0", "2.9.1"], "torch~=2.9,<2.10"),
        ("torch>=2.9.0rc1", ["2.9.0", "2.9.1"], "torch>=2.9.0rc1,<2.10"),
    ],
)
def test_a_bound_that_was_set_on_purpose_is_kept(line: str, good: list[str], proposal: str) -> None:
    report = judged(UNSTABLE, requires=(line,), loads_on=loading(*good))
    assert rules(report) == ["M305"]
    assert report.proposed_requires_torch == proposal
    assert only(report, "M305").fix == f"Declare `{proposal}`."


def test_a_missing_bound_is_said_in_the_same_finding() -> None:
    said = loading("2.12.0", "2.12.1", "2.13.0", "2.14.0", "2.14.1", "2.15.0")
    report = judged(UNSTABLE, requires=("torch>=2.8",), loads_on=said)
    assert rules(report) == ["M302"]
    assert "it also lacks the upper bound" in only(report, "M302").message
    assert only(report, "M302").fix == "Declare `torch>=2.12,<2.16`."


def test_an_older_release_of_which_nothing_is_known_stays() -> None:
    report = judged(UNSTABLE, requires=("torch>=2.3",), loads_on=loading(*SINCE_2_8))
    assert rules(report) == ["M303"]
    assert report.proposed_requires_torch == "torch>=2.3,<2.16"
    parted = judged(UNSTABLE, requires=("torch>=2.3",), loads_on=loading(*SINCE_2_8[2:]))
    assert parted.proposed_requires_torch == "torch>=2.9.1,<2.16"


def test_newer_releases_of_which_nothing_is_known_are_not_admitted() -> None:
    said = {**loading("2.11.0", "2.12.0", "2.12.1"), "2.13.0": "unknown", "2.14.0": "unknown"}
    report = judged(UNSTABLE, requires=("torch",), loads_on=said)
    assert report.proposed_requires_torch == "torch>=2.11,<2.13"


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
    assert report.requires_torch == "torch (>2,"
    assert rules(judged(STABLE, requires=("torch>=2.11", "numpy (>2,"))) == []


def test_what_is_declared_is_a_fact_of_a_package_that_uses_no_torch() -> None:
    assert judged(library(), requires=("torch<3,>=2.4",)).requires_torch == "torch<3,>=2.4"
    other = judged(library(), requires=('torch>=2; sys_platform == "win32"',))
    assert other.requires_torch == 'torch>=2; sys_platform == "win32"'
    assert judged(library(), requires=("torchvision",)).requires_torch is None


def test_pythons_without_any_fitting_torch_need_no_requirement() -> None:
    tags = ("cp38-abi3-manylinux_2_28_x86_64",)
    line = 'torch>=2.11; python_version >= "3.10"'
    assert rules(judged(STABLE, tags=tags, requires=(line,))) == []


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
