"""Which distribution of NVIDIA's brings a library: the table, and what the names say of it."""

from __future__ import annotations

import pytest

from tools.generate_nvidia_packages import DISTRIBUTIONS, Contained, between
from torch_abi_audit.knowledge import tables
from torch_abi_audit.knowledge.names import cuda
from torch_abi_audit.knowledge.names.cuda_packages import brings_some
from torch_abi_audit.knowledge.nvidia_packages import packages_of

ROWS = tables.read("nvidia_packages").sections["libraries"]


# Requires-Dist of torch 2.4.0 (CUDA 12.1) and of torch 2.9.0 (CUDA 13.0), and the libraries that
# the same wheels are linked to
@pytest.mark.parametrize(
    ("library", "distributions"),
    [
        ("libcufft.so.11", [("nvidia-cufft-cu12", 12)]),
        ("libcufft.so.12", [("nvidia-cufft", 13)]),
        ("libcusolver.so.11", [("nvidia-cusolver-cu11", 11), ("nvidia-cusolver-cu12", 12)]),
        ("libcusparse.so.12", [("nvidia-cusparse-cu12", 12), ("nvidia-cusparse", 13)]),
        (
            "libcurand.so.10",
            [("nvidia-curand-cu11", 11), ("nvidia-curand-cu12", 12), ("nvidia-curand", 13)],
        ),
        (
            "libcudnn.so.9",
            [("nvidia-cudnn-cu11", 11), ("nvidia-cudnn-cu12", 12), ("nvidia-cudnn-cu13", 13)],
        ),
        ("libnvJitLink.so.12", [("nvidia-nvjitlink-cu12", 12)]),
        ("libnvToolsExt.so.1", [("nvidia-nvtx-cu11", 11), ("nvidia-nvtx-cu12", 12)]),
        ("libnppicc.so.13", [("nvidia-npp", 13)]),
        ("cublas64_12.dll", [("nvidia-cublas-cu12", 12)]),
    ],
)
def test_libraries_and_their_distributions(
    library: str, distributions: list[tuple[str, int]]
) -> None:
    assert [(one.distribution, one.cuda) for one in packages_of(library)] == distributions


def test_names_are_found_as_they_are_written() -> None:
    nine = packages_of("libcudnn.so.9")
    assert packages_of("/usr/lib/libcudnn.so.9.1.0") == nine != ()
    assert packages_of("C:\\cuda\\bin\\CUBLASLT64_12.dll") == packages_of("cublasLt64_12.dll") != ()
    for other in (
        "libcudnn.so",
        "libcudnn-0a1b2c3d.so.9",
        "libc10.so",
        "libcudnn.so.99",
        "",
        ".so",
    ):
        assert packages_of(other) == (), other


def test_the_releases_are_those_of_the_library() -> None:
    (old,) = (one for one in packages_of("libcudnn.so.8") if one.cuda == 12)
    (new,) = (one for one in packages_of("libcudnn.so.9") if one.cuda == 12)
    assert old.first.startswith("8.")
    assert old.last.startswith("8.9.7.")
    assert new.first == "9.0.0.312"


def test_names_say_the_same_of_distributions() -> None:
    seen = set()
    for library in ROWS:
        for one in packages_of(library):
            seen.add(one.distribution)
            number = cuda.major(library)
            assert number in (None, one.cuda), (library, one)
            if cuda.is_cuda(library) and not cuda.is_published_apart(library):
                assert brings_some(one.distribution, library), (library, one)
    assert seen == set(DISTRIBUTIONS)


def test_releases_between_two_that_are_alike_are_not_read() -> None:
    releases = [str(number) for number in range(40)]
    read = []

    def contents(release: str) -> frozenset[Contained]:
        read.append(release)
        return frozenset([Contained("a.so.1" if int(release) < 27 else "a.so.2", "12")])

    found = between(releases, contents)

    assert list(found) == releases
    assert all(found[one] == contents(one) for one in releases)
    assert len(set(read[: len(read) - 40])) < 10
