"""Plans for published wheels: how many symbols have a row, and what a stable package could drop."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.support.wheels import fetch
from torch_abi_audit import sources
from torch_abi_audit.audit.pipeline import audit
from torch_abi_audit.port.migration import Plan, Way
from torch_abi_audit.port.plan import plan, units_of

if TYPE_CHECKING:
    from pathlib import Path

LINUX, OLD_LINUX = "manylinux_2_28_x86_64", "manylinux1_x86_64"

WHEELS = (  # requirement, platform, its unstable symbols, and least share that can be replaced
    ("torchaudio==2.8.0", LINUX, 246, 1),
    ("torchaudio==2.9.0", LINUX, 161, 1),
    ("torchcodec==0.8.0", LINUX, 69, 1),
    ("torchcodec==0.11.1", LINUX, 4, 1),
    ("torchao==0.14.0", LINUX, 80, 1),
    ("torchtext==0.18.0", OLD_LINUX, 77, 0.8),  # TorchScript classes
    ("torchrl==0.10.0", LINUX, 84, 1),
    ("torchrl==0.14.1", LINUX, 90, 1),
    ("torchaudio==2.9.0", "win_amd64", 300, 1),
    ("torchaudio==2.9.0", "macosx_11_0_arm64", 125, 1),
    ("torchvision==0.28.0", "win_amd64", 270, 1),  # 0.29.2 is stable
)


@cache
def planned(requirement: str, platform: str) -> Plan:
    wheel = _wheel(requirement, platform)
    report = audit(sources.resolve(str(wheel)))
    return plan(report.name, str(report.root), units_of(report))


def _wheel(requirement: str, platform: str) -> Path:
    return fetch(requirement, platform)


@pytest.mark.parametrize(("requirement", "platform", "count", "least"), WHEELS)
def test_nearly_every_symbol_is_known(
    requirement: str, platform: str, count: int, least: float
) -> None:
    one = planned(requirement, platform)
    assert (one.symbols, one.verdict) == (count, "UNSTABLE")
    assert one.classified >= 0.99
    assert one.coverage >= least
    assert sum(len(item.symbols) for item in one.items) == one.symbols
    unknown = [item.api for item in one.items if item.way is Way.UNKNOWN]
    assert len(unknown) <= 0.01 * count


PLATFORMS = (
    ("torchaudio==2.9.0", "win_amd64", LINUX),
    ("torchaudio==2.9.0", "macosx_11_0_arm64", LINUX),
    ("torchvision==0.28.0", "win_amd64", LINUX),
)


@pytest.mark.parametrize(("requirement", "platform", "other"), PLATFORMS)
def test_other_systems_get_the_answers_of_linux(
    requirement: str, platform: str, other: str
) -> None:
    """A wheel of the same source has the same tasks, but for what another compiler inlines."""
    here = {item.api: item for item in planned(requirement, platform).items}
    there = {item.api: item for item in planned(requirement, other).items}
    for api in here.keys() & there.keys():
        assert (here[api].way, here[api].use) == (there[api].way, there[api].use), api
    operators = [item for item in here.values() if item.operator is not None]
    assert len(operators) > 10
    assert not [item.api for item in operators if '"…"' in (item.use or "")]


def test_what_a_stable_package_could_drop() -> None:
    one = planned("torchaudio==2.11.0", LINUX)
    assert (one.verdict, one.coverage, one.classified, one.items) == ("STABLE", 1, 1, ())
    assert one.floor == "2.11.0"
    assert one.floor_steps[0].release == "2.10.0"
    assert one.floor_steps[0].without == (
        "torch_dtype_float4_e2m1fn_x2",
        "torch_dtype_float8_e8m0fnu",
    )
    assert {"libc10.so", "libtorch.so"} <= {drop.what for drop in one.drops}
