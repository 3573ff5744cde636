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
    assert found.fix == "Declare `torch>=2.10,<2.11`."


def test_one_requirement_has_one_finding() -> None:
    many = [using(*CU12, name=f"_{number}.abi3.so") for number in range(3)]
    assert rules(judged(*many, requires=("torch>=2.10",))) == ["C501"]
    assert rules(judged(*many, requires=("torch>=2.9",))) == ["M302"]
    assert rules(judged(*many)) == ["M301"]
    assert judged(*many).proposed_requires_torch == "torch>=2.10,<2.11"
    unstable = library(unstable=True, needed=CU12)
    every = {"2.9.0": "yes", "2.9.1": "yes", "2.10.0": "yes", "2.11.0": "yes"}
    report = judged(unstable, requires=("torch>=2.9",), loads_on=every)
    assert rules(report) == ["C501"]
    assert "it also lacks the upper bound" in only(report, "C501").message
    assert report.proposed_requires_torch == "torch>=2.9,<2.11"


def test_no_admitted_torch_brings_the_cuda() -> None:
    report = judged(using(*CU12), requires=("torch>=2.11,<2.13",))
    assert rules(report) == ["C501"]
    assert "torch 2.11.0 to 2.12.1 from the package index brings CUDA 13" in (
        only(report, "C501").message
    )
    assert only(report, "C501").fix == (
        "Require the nvidia packages of CUDA 12, build for CUDA 13, or tell users to install a "
        "build of torch for CUDA 12."
    )
    early = judged(using(*CU12, torch="2.11.0"), requires=("torch>=2.9",))
    assert rules(early) == ["M302"]  # narrowed by the symbols; CUDA 12 is said beside
    assert early.proposed_requires_torch == "torch>=2.11"
    assert "the binaries need CUDA 12 (libcudart.so.12), but torch 2.11.0 to 2.15.0" in (
        only(early, "M302").message
    )


def test_a_pin_to_a_build_brings_the_cuda_of_that_build() -> None:
    assert rules(judged(using(*CU12), requires=("torch==2.12.0+cu128",))) == []


def test_a_library_that_no_torch_brings() -> None:
    npp = using("libnppicc.so.13", torch="2.11.0")
    report = judged(npp, requires=("torch>=2.11",))
    assert rules(report) == ["C502"]
    assert "needs libnppicc.so.13 (CUDA 13)" in only(report, "C502").message
    assert rules(judged(npp, requires=("torch>=2.11", "nvidia-npp-cu13"))) == []


def test_a_renamed_library_is_only_where_it_was_put() -> None:
    report = judged(using("libcudart-0a1b2c3d.so.12"), requires=("torch>=2.10",))
    assert rules(report) == ["C502"]


def test_what_is_contained_and_linked_by_nothing() -> None:
    own = library("libs/libcudart-0a1b2c3d.so.12.8.90", module=False)
    report = judged(library(torch="2.10.0"), own, requires=("torch>=2.10",))
    assert report.cuda is not None
    assert report.cuda.bundled == ("libcudart-0a1b2c3d.so.12.8.90",)
    assert report.cuda.libraries == ()


def test_cuda_on_windows_comes_with_builds_of_another_index() -> None:
    tags = ("cp311-cp311-win_amd64",)
    needed = ("cudart64_12.dll", "c10.dll")
    pair = [
        library(f"{name}.pyd", torch="2.10.0", needed=needed, format="pe") for name in ("_a", "_b")
    ]
    report = judged(*pair, tags=tags, requires=("torch>=2.10",))
    assert rules(report) == ["C505"]
    said = only(report, "C505").message
    assert said.startswith(
        "its CUDA libraries need a build of torch for CUDA 12 (cudart64_12.dll): torch 2.10.0 to"
    )
    unused = library("_c.dll", needed=("cudart64_110.dll",), format="pe", module=False)
    assert rules(judged(unused, tags=tags, requires=("torch",))) == ["C505"]
    assert rules(judged(unused, tags=tags)) == ["C502"]


def test_a_build_for_rocm() -> None:
    hip = library(unstable=True, needed=("libtorch_hip.so", "libc10_hip.so"))
    nowhere = dict.fromkeys(("2.9.0", "2.10.0"), "no")
    report = judged(hip, requires=("torch>=2.9,<2.11",), loads_on=nowhere)
    assert rules(report) == ["C505"]
    assert "for ROCm" in only(report, "C505").message
    plain = library("_cpu.so", unstable=True)
    assert rules(judged(hip, plain, requires=("torch==2.9.0",), loads_on={"2.9.0": "yes"})) == []


def test_without_metadata_nothing_is_known_of_requirements() -> None:
    assert rules(judged(using(*CU12, torch=None), is_python_distribution=False)) == []


@pytest.mark.parametrize("line", ["torch>=2.10,<2.11", "torch==2.10.0"])
def test_torch_that_brings_the_same_cuda(line: str) -> None:
    assert "C501" not in rules(judged(using(*CU12), requires=(line,)))
    assert rules(judged(using("libcudart.so.13", torch="2.11.0"), requires=("torch>=2.11",))) == []


def test_releases_on_which_it_does_not_load_do_not_count() -> None:
    unstable = library(unstable=True, needed=CU12)
    said = {"2.9.0": "yes", "2.9.1": "yes", "2.10.0": "no", "2.11.0": "no"}
    report = judged(unstable, loads_on=said)
    assert rules(report) == ["M301"]
    mixed = judged(unstable, requires=("torch>=2.9,<2.12",), loads_on={**said, "2.11.0": "yes"})
    assert rules(mixed) == ["M305"]  # 2.10.0 does not load, 2.11.0 brings CUDA 13
    assert "torch 2.11.0 from the package index brings CUDA 13" in only(mixed, "M305").message
    assert mixed.proposed_requires_torch == "torch>=2.9,<2.10"


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
        ("nvidia-cuda-runtime-cu12==12.8.90", True),
        ("nvidia_cuda.runtime-cu12; platform_system == 'Linux'", True),
        ("nvidia-cublas-cu12", False),  # the requirement has another library
        ("nvidia-cuda-runtime-cu13", False),
        ("nvidia-cu12", False),
        ("nvidia-cuda-runtime-cu12x", False),
        ("cuda-toolkit[cublas,cudart]==12.8.1; platform_system == 'Linux'", True),
        ("cuda-toolkit[all]==12.*", True),
        ("cuda-toolkit[cublas]==12.*", False),
        ("cuda-toolkit==12.*", False),  # without an extra, it installs nothing
        ("cuda-bindings==12.9", False),
        ("libraft-cu12", True),  # may require any library of CUDA 12
        ("nvidia-cuda-runtime (~= 12.4)", True),
        ("nvidia-cuda-runtime<13,>=12", True),
        ("nvidia-cuda-runtime<=12", False),
        ("nvidia-cuda-runtime==12rc1", False),
        ("nvidia-cuda-runtime", False),
        ("cuda-python==12.8", False),
    ],
)
def test_the_cuda_that_a_requirement_brings(line: str, brings: bool) -> None:
    assert rules(judged(using(*CU12, torch=None), requires=(line,))) == ([] if brings else ["C502"])


def test_arm_builds_of_torch_had_no_cuda_before_2_11() -> None:
    tags = ("cp310-abi3-manylinux_2_28_aarch64",)
    arm = library(torch="2.10.0", needed=CU12, arch="aarch64")
    assert rules(judged(arm, tags=tags, requires=("torch==2.10.0",))) == ["C505"]
    newer = library(torch="2.11.0", needed=("libcudart.so.13",), arch="aarch64")
    assert rules(judged(newer, tags=tags, requires=("torch>=2.11",))) == []


def test_what_a_requirement_requires_in_turn() -> None:
    cublas = using("libcublas.so.12", "libcublasLt.so.12", torch=None)
    assert rules(judged(cublas, requires=("nvidia-cudnn-cu12",))) == []
    assert rules(judged(cublas, requires=("cuda-toolkit[cusolver]==12.*",))) == []
    assert rules(judged(cublas, requires=("nvidia-curand-cu12",))) == ["C502"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("libcudnn.so.9", "nvidia-cudnn-cu13"),
        ("libnccl.so.2", "nvidia-nccl-cu12"),
        ("libcufft.so.11", "cuda-toolkit[cufft]==12.*"),
        ("libnvshmem_host.so.3", "nvidia-nvshmem-cu12"),
        ("libcusparseLt.so.0", "nvidia-cusparselt-cu13"),
    ],
)
def test_a_library_whose_name_says_no_cuda(name: str, line: str) -> None:
    alone = using(name, torch=None)
    found = only(judged(alone), "C502")
    assert found.message == (
        f"_C.abi3.so needs {name}, which neither the package nor its requirements provide"
    )
    assert rules(judged(alone, requires=(line,))) == []
    assert rules(judged(alone, requires=("nvidia-npp-cu12",))) == ["C502"]
    assert rules(judged(using(name), requires=("torch>=2.10",))) == []  # comes with torch


def test_torch_brings_what_a_requirement_for_another_library_does_not() -> None:
    lines = ("torch>=2.10", "nvidia-cublas-cu12")
    assert rules(judged(using("libcublas.so.12", *CU12), requires=lines)) == ["C501"]
    report = judged(using("libcublas.so.12", *CU12), requires=lines)
    assert "need CUDA 12 (libcudart.so.12), but torch 2.11.0 to" in only(report, "C501").message
    unknown = ("torch>=2.10", "libfoo-cu12")  # torch is the likelier one to bring it
    assert rules(judged(using(*CU12), requires=unknown)) == ["C501"]
    whole = (*lines, "nvidia-cuda-runtime-cu12")
    assert rules(judged(using("libcublas.so.12", *CU12), requires=whole)) == ["C504"]


def test_unprovided_cuda_is_said_once() -> None:
    many = [using("libcublas.so.12", *CU12, name=f"_{each}.so", torch=None) for each in "abc"]
    found = only(judged(*many), "C502")
    assert found.library is None
    assert found.message == (
        "_a.so and 2 more need libcudart.so.12 and 1 more (CUDA 12), which neither the package nor "
        "its requirements provide"
    )
    assert found.evidence == ("libcudart.so.12", "libcublas.so.12")


def test_one_flavour_that_is_provided_is_enough() -> None:
    flavours = [
        using(f"libcudart.so.{number}", name=f"libx_cu{number}.so", torch=None)
        for number in (12, 13)
    ]
    found = only(judged(*flavours), "C502")
    assert found.message == (
        "libx_cu12.so and 1 more need CUDA 12 or 13 (libcudart.so.12 and 1 more), which neither "
        "the package nor its requirements provide"
    )
    assert rules(judged(*flavours, requires=("nvidia-cuda-runtime-cu12",))) == []
    plain = library("libx_cpu.so")
    assert rules(judged(*flavours, plain)) == []
    both = [
        using(f"libcudart.so.{number}", name=name, torch=None)
        for number, name in ((12, "_a.so"), (13, "_b.so"))
    ]
    assert "need CUDA 12 and 13 (" in only(judged(*both), "C502").message


def test_two_cudas_side_by_side_are_said_once() -> None:
    mixed = (using(*CU12, name="_a.so"), using("libcublas.so.12", name="_b.so"))
    lines = ("torch>=2.10", "nvidia-cublas-cu12")
    assert rules(judged(*mixed, requires=lines)) == ["C501"]
