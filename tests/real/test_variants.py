"""Published wheels with one library per torch release or per CUDA."""

from __future__ import annotations

import pytest

from tests.support.wheels import fetch
from torch_abi_audit.api import inspect_package
from torch_abi_audit.judges.loads import compat
from torch_abi_audit.knowledge.names.alternatives import choices

LINUX = "manylinux_2_28_x86_64"


def test_a_number_that_the_package_compares_with_torchs_version() -> None:
    """``mooncake/pg.py`` imports ``"pg_" + torch's version with underscores``, or fails."""
    wheel = fetch("mooncake-transfer-engine==0.3.13.post1", LINUX, "3.12")
    matrix = compat(inspect_package(wheel))
    served = {at: [one.files for one in each] for at, each in matrix.serving.items()}
    assert served == {
        at: [(f"mooncake/pg_{at.replace('.', '_')}.cpython-312-x86_64-linux-gnu.so",)]
        for at in ("2.11.0", "2.12.0", "2.12.1", "2.13.0")
    }
    assert {at for at, answer in matrix.loads_on.items() if answer == "yes"} == served.keys()
    assert {(one.needs, one.brings) for one in matrix.other_cuda.values()} == {((12,), 13)}


@pytest.mark.parametrize("platform", [LINUX, "macosx_14_0_arm64", "win_amd64"])
def test_a_directory_for_each_minor_release(platform: str) -> None:
    matrix = compat(inspect_package(fetch("metatensor-torch==0.10.8", platform)))
    loading = {at for at, answer in matrix.loads_on.items() if answer == "yes"}
    assert loading == {one for one in matrix.releases if one != "2.15.0"}
    for release in loading:
        (one,) = matrix.serving[release]
        assert one.variant == ".".join(release.split(".")[:2])
        (file,) = one.files
        assert f"/torch-{one.variant}/" in file


def test_a_patch_release_in_the_name() -> None:
    """Its last variant is for torch 2.2.1, so that no release in the index is served."""
    matrix = compat(inspect_package(fetch("dgl==2.1.0", "manylinux1_x86_64")))
    assert matrix.variants == ("2.0.0", "2.0.1", "2.1.0", "2.1.1", "2.1.2", "2.2.0", "2.2.1")
    assert (set(matrix.loads_on.values()), dict(matrix.serving)) == ({"no"}, {})


def test_one_library_per_cuda_and_device() -> None:
    (choice,) = choices(inspect_package(fetch("bitsandbytes==0.50.2", "win_amd64")))
    flavours = {one.flavour for one in choice.alternatives}
    assert {"cpu", "cuda118", "cuda132", "rocm714", "xpu2026"} < flavours


def test_numbers_that_are_no_cuda_release() -> None:
    report = inspect_package(fetch("auto-gptq==0.7.1", "manylinux_2_17_x86_64"))
    assert {"autogptq_cuda_64", "autogptq_cuda_256"} < {
        one.name.split(".")[0] for one in report.extensions
    }
    assert choices(report) == ()
