"""Metadata of published wheels and the needs of their binaries; each answer was looked up."""

from __future__ import annotations

import pytest

from tests.support.wheels import fetch
from torch_abi_audit import PackageReport, inspect_package

LINUX = "manylinux_2_28_x86_64"


def audited(requirement: str, platform: str = LINUX, python: str = "3.11") -> PackageReport:
    report = inspect_package(fetch(requirement, platform, python))
    assert report.error is None
    assert report.libraries
    return report


def rules(report: PackageReport) -> set[str]:
    return {one.rule for one in report.findings}


@pytest.mark.parametrize(
    ("requirement", "others"),
    [
        ("torchao==0.18.0", {"M318", "G608"}),  # PTX for RTX 50, in _C_mxfp8
        ("torchaudio==2.11.0", set()),
        ("torchcodec==0.17.0", {"L404", "L422"}),  # FFmpeg and libheif are the user's own
    ],
)
def test_stable_packages_without_a_torch_requirement(requirement: str, others: set[str]) -> None:
    report = audited(requirement)
    assert rules(report) == {"M301", *others}
    assert report.requires_torch is None
    assert report.proposed_requires_torch == "torch>=2.11"
    assert report.cuda is not None
    assert report.cuda.majors == (13,)


def test_the_floor_differs_between_platforms() -> None:
    report = audited("torchaudio==2.11.0", "macosx_14_0_arm64")
    assert report.proposed_requires_torch == "torch>=2.10"
    assert rules(report) == {"M301", "L403"}  # its libc++ says macOS 12.1 under a tag for 11.0


@pytest.mark.parametrize(("python", "floor"), [("3.12", "3.11"), ("3.15", "3.15")])
def test_abi3_and_abi3t_wheels_of_cryptography(python: str, floor: str) -> None:
    report = audited("cryptography==50.0.2", "manylinux_2_34_x86_64", python)
    assert rules(report) == set()
    assert report.min_python == floor
    assert report.cpython_verdict == "abi3-compliant"


def test_torchtext_loads_on_no_torch_that_its_requirement_admits() -> None:
    report = audited("torchtext==0.18.0", "manylinux1_x86_64")
    assert report.requires_torch == "torch>=2.3.0"
    assert report.proposed_requires_torch == "torch>=2.3.0,<2.4"  # of 2.3 nothing is known
    assert report.glibc == "2.14"
    assert rules(report) >= {"M305", "L401", "L402"}  # manylinux1 promises glibc 2.5


def test_unstable_wheels_are_held_against_the_load_matrix() -> None:
    report = audited("torchrl==0.14.1")
    assert report.requires_torch == "torch>=2.1.0"
    assert (report.proposed_requires_torch or "").startswith("torch>=2.14,<2.")
    assert rules(report) == {"M302"}
    assert rules(audited("torchaudio==2.9.0")) == {"T108"}  # built with the headers of 2.9


def test_a_cpython_file_in_an_abi3_wheel() -> None:
    assert rules(audited("torchao==0.14.0")) == {"M301", "M311", "P205", "G607"}


def test_gpus_of_torch_for_which_xformers_has_no_code_or_only_ptx() -> None:
    """cuobjdump lists sm_75, sm_80, sm_90a and PTX of 8.0 in it.

    torch 2.10.0 from the index says of itself 7.0, 7.5, 8.0, 8.6, 9.0, 10.0 and 12.0.
    """
    report = audited("xformers==0.0.35")
    found = {one.rule: one for one in report.findings}
    assert found["G607"].evidence == ("sm_70",)
    assert found["G608"].evidence == ("sm_100", "sm_103", "sm_120")
    assert "torch 2.10.0 (CUDA 12.8)" in found["G608"].message


@pytest.mark.parametrize(
    ("requirement", "platform"),
    [
        ("torchvision==0.24.0", LINUX),
        ("torchvision==0.29.1", LINUX),
        ("torchaudio==2.9.0", LINUX),
        ("torchaudio==2.9.0", "manylinux_2_28_aarch64"),
        ("torchcodec==0.17.0", LINUX),
        ("auto-gptq==0.7.1", "manylinux_2_17_x86_64"),
        ("bitsandbytes==0.50.2", "win_amd64"),
        ("torch==2.11.0", LINUX),
    ],
)
def test_nothing_is_said_of_gpus(requirement: str, platform: str) -> None:
    assert not [one for one in rules(audited(requirement, platform)) if one.startswith("G")]


def test_cuda_of_another_major_than_torchs() -> None:
    report = audited("xformers==0.0.35")
    assert report.requires_torch == "torch>=2.10"
    assert rules(report) == {"C501", "T108", "G607", "G608"}
    assert report.proposed_requires_torch == "torch>=2.10,<2.11"


@pytest.mark.parametrize(
    ("requirement", "platform", "declared", "proposal", "found"),
    [
        # narrowed by symbols, with the bound that was declared
        ("executorch==1.2.0", LINUX, "torch>=2.11.0", "torch>=2.11.0,<2.12", {"M305"}),
        (
            *("autoawq-kernels==0.0.9", "win_amd64", "torch>=2.5.1", "torch>=2.5.1,<2.6"),
            {"M305", "C505"},  # the DLLs of CUDA come with CUDA builds of torch
        ),
        # the pin of a stable package is right: newer releases bring CUDA 13
        ("xformers==0.0.34", LINUX, "torch==2.10.0", "torch==2.10.0", set()),
    ],
)
def test_one_requirement_has_one_finding(
    requirement: str, platform: str, declared: str, proposal: str, found: set[str]
) -> None:
    report = audited(requirement, platform)
    assert report.requires_torch == declared
    assert report.proposed_requires_torch == proposal
    assert {one for one in rules(report) if one[:2] in {"M3", "C5"}} == found
    about_torch = [one for one in report.findings if one.rule[:3] in {"M30", "C50"}]
    assert len(about_torch) == len(found)


@pytest.mark.parametrize(
    ("requirement", "platform"),
    [
        ("numpy==2.4.6", LINUX),
        ("numpy==2.4.6", "musllinux_1_2_x86_64"),
        ("numpy==2.4.6", "win_amd64"),
        ("bcrypt==5.0.0", LINUX),
        ("pynacl==1.6.2", LINUX),
        ("psutil==7.2.2", "manylinux2014_x86_64"),
        ("safetensors==0.8.0", "manylinux_2_17_x86_64"),
    ],
)
def test_well_kept_wheels_have_no_findings(requirement: str, platform: str) -> None:
    assert audited(requirement, platform).findings == ()
