from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.metadata_values import judged, library, only, rules

if TYPE_CHECKING:
    from torch_abi_audit.model.reports import ExtensionReport

CU12 = ("libcudart.so.12", "libc.so.6")


def using(*needed: str, name: str = "_C.abi3.so", torch: str | None = "2.10.0") -> ExtensionReport:
    return library(name, torch=torch, needed=needed)


def test_the_facts() -> None:
    report = judged(
        using("libcudart.so.12", "libnvjpeg-1a359ba7.so.12.1"),
        library("libs/libnvjpeg-1a359ba7.so.12.1", module=False),
        requires=("torch>=2.10", "nvidia-cublas-cu12; platform_system == 'Linux'"),
    )
    assert report.cuda is not None
    assert report.cuda.majors == (12,)
    assert report.cuda.libraries == ("libcudart.so.12", "libnvjpeg-1a359ba7.so.12.1")
    assert report.cuda.bundled == ("libnvjpeg-1a359ba7.so.12.1",)
    assert report.cuda.dependencies == ("nvidia-cublas-cu12",)
    assert judged(using("libc.so.6"), requires=("torch>=2.10",)).cuda is None


def test_torch_that_brings_another_cuda() -> None:
    report = judged(using(*CU12), requires=("torch>=2.10",))
    found = only(report, "C501")
    assert "torch 2.11.0 to 2.15.0 from the package index brings CUDA 13" in found.message
    assert found.evidence == ("libcudart.so.12",)


@pytest.mark.parametrize("line", ["torch>=2.10,<2.11", "torch==2.10.0"])
def test_torch_that_brings_the_same_cuda(line: str) -> None:
    assert "C501" not in rules(judged(using(*CU12), requires=(line,)))
    assert rules(judged(using("libcudart.so.13", torch="2.11.0"), requires=("torch>=2.11",))) == []


def test_releases_on_which_it_does_not_load_do_not_count() -> None:
    unstable = library(unstable=True, needed=CU12)
    said = {"2.9.0": "yes", "2.9.1": "yes", "2.10.0": "no", "2.11.0": "no"}
    report = judged(unstable, loads_on=said)
    assert rules(report) == ["M301"]
    assert "C501" in rules(judged(unstable, loads_on={**said, "2.11.0": "yes"}))


def test_what_the_package_brings_itself() -> None:
    own = library("libs/libcudart-0a1b2c3d.so.12", module=False)
    report = judged(using("libcudart-0a1b2c3d.so.12"), own, requires=("torch>=2.10",))
    assert rules(report) == []


def test_what_its_dependencies_bring() -> None:
    lines = ("torch>=2.10", "nvidia-cuda-runtime-cu12")
    assert rules(judged(using(*CU12), requires=lines)) == ["C504"]
    fitting = ("torch==2.10.0", "nvidia-cuda-runtime-cu12")
    assert "C504" not in rules(judged(using(*CU12), requires=fitting))


def test_one_library_for_each_cuda() -> None:
    both = (using(*CU12, name="_c12.abi3.so"), using("libcudart.so.13", name="_c13.abi3.so"))
    assert rules(judged(*both, requires=("torch>=2.10",))) == []


def test_two_cudas_in_one_library() -> None:
    report = judged(using("libcudart.so.12", "libcublas.so.13"), requires=("torch>=2.10",))
    assert rules(report) == ["C503"]


def test_cuda_that_nobody_brings() -> None:
    alone = using(*CU12, torch=None)
    assert rules(judged(alone)) == ["C502"]
    assert rules(judged(alone, requires=("nvidia-cuda-runtime-cu12",))) == []
    assert rules(judged(alone, requires=("nvidia-cuda-runtime>=12,<13",))) == []
    assert rules(judged(alone, requires=("torch==2.10.0",))) == []


@pytest.mark.parametrize(
    ("line", "brings"),
    [
        ("nvidia-cublas-cu12==12.8.4.1", True),
        ("nvidia_cuda.nvrtc-cu12; platform_system == 'Linux'", True),
        ("nvidia-cublas-cu13", False),
        ("nvidia-cu12", False),
        ("nvidia-cublas-cu12x", False),
        ("cuda-toolkit[cublas,cudart]==12.8.1; platform_system == 'Linux'", True),
        ("nvidia-cublas (~= 12.4)", True),
        ("nvidia-cublas<13,>=12", True),
        ("nvidia-cublas<=12", False),
        ("nvidia-cublas==12rc1", False),
        ("nvidia-cublas", False),
        ("cuda-python==12.8", False),
    ],
)
def test_the_cuda_that_a_requirement_brings(line: str, brings: bool) -> None:
    assert rules(judged(using(*CU12, torch=None), requires=(line,))) == ([] if brings else ["C502"])


def test_arm_builds_of_torch_had_no_cuda_before_2_11() -> None:
    tags = ("cp310-abi3-manylinux_2_28_aarch64",)
    arm = library(torch="2.10.0", needed=CU12, arch="aarch64")
    assert "C502" in rules(judged(arm, tags=tags, requires=("torch==2.10.0",)))
    newer = library(torch="2.11.0", needed=("libcudart.so.13",), arch="aarch64")
    assert rules(judged(newer, tags=tags, requires=("torch>=2.11",))) == []
