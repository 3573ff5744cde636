"""The torch releases on which published wheels load: ranges measured by other means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.wheels import fetch
from torch_abi_audit.api import inspect_package
from torch_abi_audit.judges.loads import compat
from torch_abi_audit.knowledge import export_index
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.report.loads.summary import loads_on
from torch_abi_audit.runtime.records import replace

if TYPE_CHECKING:
    from torch_abi_audit.model.reports import PackageReport

MEASURED = ("2.8.0", "2.15.0")
"""What was measured: by presence of every import, from the first of these releases to the last."""


def measured(low: str, high: str) -> list[str]:
    return [
        one.version
        for one in export_index.releases("linux_x86_64")
        if release_key(low) <= release_key(one.version) <= release_key(high)
    ]


def report(requirement: str, platform: str) -> PackageReport:
    return inspect_package(fetch(requirement, platform))


RANGES = [
    ("torchaudio==2.8.0", "2.8.0", "2.8.0", "2.8.0 only; 2.9.0 lacks c10::SymInt::sym_ne("),
    ("torchaudio==2.9.0", "2.9.0", "2.9.1", "2.9.0, 2.9.1 only; 2.10.0 lacks "),
    ("torchaudio==2.10.0", "2.10.0", "2.15.0", "torch 2.10.0 to "),
    ("torchaudio==2.11.0", "2.11.0", "2.15.0", "torch 2.11.0 to "),
    ("torchao==0.14.0", "2.9.0", "2.9.1", "2.9.0, 2.9.1 only; 2.10.0 lacks c10::cuda::c10_cuda_"),
    ("torchao==0.18.0", "2.11.0", "2.15.0", "torch 2.11.0 to "),
    ("torchcodec==0.8.0", "2.8.0", "2.9.1", "2.8.0 to 2.9.1 only; 2.10.0 lacks "),
    ("torchcodec==0.17.0", "2.11.0", "2.15.0", "torch 2.11.0 to "),
    # 2.7 was not measured; it has every name, too
    ("torchrl==0.10.0", "2.8.0", "2.9.1", "2.7.0 to 2.9.1 only; 2.10.0 lacks "),
    ("torchrl==0.14.1", "2.14.0", "2.15.0", "torch 2.14.0 to "),
]


@pytest.mark.parametrize(("requirement", "low", "high", "summary"), RANGES)
def test_the_measured_range_comes_out_exactly(
    requirement: str, low: str, high: str, summary: str
) -> None:
    audited = report(requirement, "manylinux_2_28_x86_64")
    matrix = compat(audited)
    loaded = [one for one, answer in matrix.loads_on.items() if answer == "yes"]
    assert [one for one in loaded if one in measured(*MEASURED)] == measured(low, high)
    assert loads_on(matrix).startswith(summary)
    stable = audited.torch_verdict == "torch-stable"
    assert matrix.open_upwards == stable == loads_on(matrix).endswith("(stable: and later)")


def test_a_wheel_of_the_old_abi_loads_nowhere() -> None:
    matrix = compat(report("torchtext==0.18.0", "manylinux1_x86_64"))
    assert set(matrix.loads_on.values()) == {"no"}
    sentence = "built for the pre-C++11 ABI: no torch since 2.7.0 can load it"
    assert loads_on(matrix).endswith(f"; {sentence}")
    assert {one.pre_cxx11 for one in matrix.libraries} == {"2.7.0"}


@pytest.mark.parametrize(
    ("platform", "low"),
    [
        ("manylinux_2_28_aarch64", "2.11.0"),
        # without its CUDA half the same source asks for older shims alone
        ("macosx_12_0_arm64", "2.10.0"),
        ("win_amd64", "2.10.0"),
    ],
)
def test_a_stable_wheels_range_begins_at_its_floor_on_every_platform(
    platform: str, low: str
) -> None:
    audited = report("torchaudio==2.11.0", platform)
    matrix = compat(audited)
    loaded = [one for one, answer in matrix.loads_on.items() if answer == "yes"]
    assert [one for one in loaded if one in measured(*MEASURED)] == measured(low, "2.15.0")
    assert audited.min_torch_version == low
    assert matrix.open_upwards


@pytest.mark.parametrize(
    ("platform", "low"),
    [("macosx_12_0_arm64", "2.9.0"), ("win_amd64", "2.8.0"), ("manylinux_2_28_aarch64", "2.9.0")],
)
def test_an_unstable_wheel_of_another_platform_is_asked_of_its_own_releases(
    platform: str, low: str
) -> None:
    matrix = compat(report("torchaudio==2.9.0", platform))
    loaded = [one for one, answer in matrix.loads_on.items() if answer == "yes"]
    assert loaded == measured(low, "2.9.1")


def test_a_missing_name_makes_the_range_another_one() -> None:
    """The ranges are the names': one more name, and nothing loads."""
    audited = report("torchaudio==2.11.0", "manylinux_2_28_x86_64")
    first = audited.libraries[0]
    assert first.torch is not None
    torch = replace(first.torch, required=(*first.torch.required, b"aoti_torch_never_was"))
    rest = tuple(one for one in audited.bundled_libs if one is not first)
    broken = replace(audited, extensions=(), bundled_libs=(replace(first, torch=torch), *rest))
    assert set(compat(broken).loads_on.values()) == {"no"}
