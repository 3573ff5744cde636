"""The table of the GPUs of torch's builds: whole, and as torch's own notes and others say."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.torch_gpus import (
    Source,
    default_build,
    of_release,
    releases,
    torch_gpus,
)
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.device_code import target_key
from torch_abi_audit.model.releases import release_key


def arch_list(release: str, cuda: str, platform: str = "linux_x86_64") -> str:
    (build,) = of_release(release, platform, cuda)
    return " ".join(build.targets)


def test_every_wheel_for_cuda_on_the_index_has_its_row_and_no_other_wheel_has() -> None:
    on_index = {
        (release.version, platform, ".".join(cuda.split(".")[:2]))
        for release in torch_releases()
        for platform, cuda in release.cuda.items()
    }
    rows = {(b.release, b.platform, b.cuda) for b in torch_gpus() if b.source is Source.WHEEL}
    assert rows == on_index


def test_rows_are_in_order_and_say_what_they_should() -> None:
    every = torch_gpus()
    assert len({(b.release, b.platform, b.cuda, b.rocm) for b in every}) == len(every) > 250
    assert [b.release for b in every] == sorted((b.release for b in every), key=release_key)
    known = {release.version for release in torch_releases()}
    for build in every:
        assert build.release in known
        assert build.platform in {"linux_x86_64", "linux_aarch64", "win_amd64"}
        assert (build.cuda is None) != (build.rocm is None)
        assert list(build.targets) == sorted(set(build.targets), key=target_key)
        kinds = {target.rstrip("0123456789abcdef") for target in build.targets}
        assert kinds <= ({"gfx", "g"} if build.rocm else {"sm_", "compute_"}), build


def test_builds_of_a_release_can_be_narrowed() -> None:
    assert {b.platform for b in of_release("2.12.1")} == {
        "linux_x86_64",
        "linux_aarch64",
        "win_amd64",
    }
    assert [b.label for b in of_release("2.11.0", "linux_x86_64")] == [
        *("cu126", "cu128", "cu130"),
        "rocm7.2",
    ]
    assert [b.platform for b in of_release("2.11.0", cuda="12.8")] == [
        "linux_aarch64",
        "linux_x86_64",
        "win_amd64",
    ]
    assert of_release("2.11.0", "linux_x86_64", "11.8") == of_release("9.9.9") == ()


def test_the_build_on_the_index_is_the_one_for_linux() -> None:
    build = default_build("2.11.0", "linux_aarch64")
    assert build is not None
    assert (build.cuda, build.source) == ("13.0", Source.WHEEL)
    assert default_build("2.11.0", "win_amd64") is None
    assert default_build("2.8.0", "linux_aarch64") is None
    assert (releases()[0], releases()[-1]) == ("1.0.0", torch_releases()[-1].version)


@pytest.mark.parametrize(
    ("release", "cuda", "platform", "reported"),
    [  # https://github.com/pytorch/pytorch/issues/182250
        ("2.11.0", "12.6", "linux_x86_64", "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90"),
        ("2.11.0", "12.8", "linux_x86_64", "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"),
        ("2.10.0", "12.8", "linux_x86_64", "sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"),
        # https://github.com/illuin-tech/colpali/issues/267
        ("2.6.0", "12.4", "linux_x86_64", "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90"),
        # https://github.com/RobThePCGuy/Claude-Patent-Creator/issues/29: begins with sm_61
        ("2.8.0", "12.6", "win_amd64", "sm_61 sm_70 sm_75 sm_80 sm_86 sm_90"),
        # https://github.com/grimoire/mmdetection-to-tensorrt/pull/83
        ("1.9.1", "11.1", "linux_x86_64", "sm_37 sm_50 sm_60 sm_70 sm_75 sm_80 sm_86"),
    ],
)
def test_lists_are_those_that_others_report(
    release: str, cuda: str, platform: str, reported: str
) -> None:
    assert arch_list(release, cuda, platform) == reported


def with_target(target: str, platform: str = "linux_x86_64") -> dict[str, set[str]]:
    """CUDA releases to the releases of torch whose builds have code for a target."""
    found: dict[str, set[str]] = {}
    for build in torch_gpus():
        if build.platform == platform and build.cuda and target in build.targets:
            found.setdefault(build.cuda, set()).add(build.release)
    return found


def test_maxwell_and_pascal_went_with_cuda_12_8() -> None:
    """https://github.com/pytorch/pytorch/releases/tag/v2.8.0: use CUDA 12.6 for these."""
    for target in ("sm_50", "sm_60"):
        assert max(map(release_key, with_target(target))) == (12, 6)
        assert {"2.8.0", "2.9.1", "2.12.0"} <= with_target(target)["12.6"]


def test_volta_went_from_cuda_12_8_with_2_11() -> None:
    """https://dev-discuss.pytorch.org/t/dropping-volta-support-from-cuda-12-8-binaries-for-release-2-11/3290"""
    volta = with_target("sm_70")
    assert max(volta["12.8"], key=release_key) == "2.10.0"
    assert "2.11.0" in volta["12.6"]
    assert not {"13.0", "13.2"} & volta.keys()  # nvcc 13 cannot compile for it


def test_blackwell_came_with_2_7_and_cuda_12_8() -> None:
    """https://pytorch.org/blog/pytorch-2-7/"""
    for platform in ("linux_x86_64", "linux_aarch64", "win_amd64"):
        blackwell = with_target("sm_120", platform)
        assert min(map(release_key, blackwell)) >= (12, 8)
        assert min({r for some in blackwell.values() for r in some}, key=release_key) == "2.7.0"


def test_kepler_went_with_cuda_12_and_hopper_came_with_cuda_11_8() -> None:
    """CUDA 12 cannot compile for Kepler, and CUDA 11.8 is the first that can for Hopper:
    https://docs.nvidia.com/cuda/archive/12.0.0/cuda-toolkit-release-notes/index.html"""
    assert max(map(release_key, with_target("sm_37"))) == (11, 8)
    assert min(map(release_key, with_target("sm_90"))) == (11, 8)
    assert min(with_target("sm_90")["11.8"], key=release_key) == "2.0.0"
