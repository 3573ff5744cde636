"""The plan of the last unstable wheel of a package, held against its first stable wheel.

A stable wheel shows how its authors replaced what the wheel before it used: it imports the C shims
of the replacements, and holds the names of the operators that it calls through the dispatcher. What
the plan says and the successor does not show needs a reason.
"""

from __future__ import annotations

import zipfile
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.wheels import fetch
from torch_abi_audit import sources
from torch_abi_audit.audit.pipeline import audit
from torch_abi_audit.knowledge import replacements
from torch_abi_audit.port.migration import COVERED, Item, Plan, Way
from torch_abi_audit.port.plan import plan, units_of

if TYPE_CHECKING:
    from torch_abi_audit.model.reports import PackageReport

LINUX, WINDOWS = "manylinux_2_28_x86_64", "win_amd64"
MACOS_11, MACOS_14 = "macosx_11_0_arm64", "macosx_14_0_arm64"


class Step(NamedTuple):
    """A migration, and on which system."""

    old: str
    new: str
    platform: str
    floor: str
    """The oldest torch release that the new wheel loads on."""
    least: int
    """How many APIs its imports and strings must show at least."""
    newer_macos: str | None = None
    """The platform of the new wheel, if it is another."""

    @property
    def package(self) -> str:
        return self.old.partition("==")[0]


STEPS = (
    Step("torchvision==0.28.0", "torchvision==0.29.0", LINUX, "2.13.0", 30),
    Step("torchvision==0.28.0", "torchvision==0.29.0", MACOS_14, "2.14.0", 30),
    Step("torchvision==0.28.0", "torchvision==0.29.0", WINDOWS, "2.13.0", 30),
    Step("torchaudio==2.9.1", "torchaudio==2.10.0", LINUX, "2.10.0", 25),
    Step("torchaudio==2.9.1", "torchaudio==2.10.0", MACOS_11, "2.10.0", 25),
    Step("torchaudio==2.9.1", "torchaudio==2.10.0", WINDOWS, "2.10.0", 25),
    Step("torchcodec==0.10.0", "torchcodec==0.12.0", LINUX, "2.11.0", 20),
    Step("torchcodec==0.10.0", "torchcodec==0.12.0", MACOS_11, "2.11.0", 20, MACOS_14),
    Step("torchcodec==0.10.0", "torchcodec==0.12.0", WINDOWS, "2.11.0", 20),
    Step("torchcodec==0.11.1", "torchcodec==0.12.0", LINUX, "2.11.0", 2),
    Step("torchcodec==0.11.1", "torchcodec==0.12.0", MACOS_11, "2.11.0", 2, MACOS_14),
    Step("torchcodec==0.11.1", "torchcodec==0.12.0", WINDOWS, "2.11.0", 2),
    Step("torchao==0.15.0", "torchao==0.17.0", LINUX, "2.11.0", 15),
    Step("torchao==0.16.0", "torchao==0.17.0", LINUX, "2.11.0", 15),
    Step("xformers==0.0.33.post2", "xformers==0.0.34", LINUX, "2.10.0", 20),
)
"""torchao has libraries only for Linux, and xformers no wheel for macOS; those for Windows would be
200 MB more to download."""

HANDLES = "came with the C++ overloads that called their own operator, which the port dropped"
GUARDS = "came with an include of the headers of CUDA guards and streams; no source calls it"
DELETED = "was called by rir/ray_tracing.cpp alone, which the port deleted (pytorch/audio#4076)"
FEATURE = "belonged to the sparse attention and the fast SwiGLU, which were removed before the port"
REASONS: dict[str, dict[str, str]] = {
    "torchvision": {
        "at::mul": "was at::ones_like(bias) * sum; the sum is the same",
        "at::transpose_": "out_buf.transpose_(1, 2) became torch::stable::transpose",
        "at::view_as": "became torch::stable::view",
        "RECORD_FUNCTION": HANDLES,
        "c10::Dispatcher": HANDLES,
    },
    "torchaudio": {
        "RECORD_FUNCTION": HANDLES,
        "c10::Dispatcher": HANDLES,
        "Tensor::item": "the port reads the data of a tensor on the CPU, or copies it there",
        "at::get_num_threads": "came with the template of at::parallel_for",
        "at::get_thread_num": "came with the template of at::parallel_for",
        "at::max": "became torch::stable::amax",
    },
    "torchcodec": {
        "Tensor::fill_": "was tensor[i] = value; the port writes through an accessor",
    },
    "torchao": {},
    "xformers": {
        "RECORD_FUNCTION": HANDLES,
        "c10::Dispatcher": HANDLES,
    },
}
"""Why a successor does not show what the plan says of an API, by package."""


@cache
def report(requirement: str, platform: str) -> PackageReport:
    return audit(sources.resolve(str(fetch(requirement, platform))))


@cache
def planned(step: Step) -> Plan:
    one = report(step.old, step.platform)
    return plan(one.name, str(one.root), units_of(one), target=step.floor)


def successor(step: Step) -> PackageReport:
    return report(step.new, step.newer_macos or step.platform)


@cache
def imported(step: Step) -> frozenset[str]:
    return frozenset(shim.decode() for unit in units_of(successor(step)) for shim in unit.shims)


@cache
def operators(step: Step) -> frozenset[str]:
    """The operators whose names the libraries of the new wheel hold."""
    wheel = fetch(step.new, step.newer_macos or step.platform)
    with zipfile.ZipFile(wheel) as archive:
        data = b"\0".join(
            archive.read(name)
            for name in archive.namelist()
            if name.endswith((".so", ".pyd", ".dylib", ".dll"))
        )
    parts = data.split(b"aten::")[1:]
    return frozenset(part.partition(b"\0")[0][:80].decode("ascii", "replace") for part in parts)


def common_shims() -> frozenset[str]:
    """Shims that every stable library imports, so that they tell nothing."""
    return frozenset(
        shim
        for row in replacements.rows()
        if row.api in ("at::Tensor", "TORCH_LIBRARY")
        for shim in row.shims
    )


def shown(item: Item, step: Step) -> bool:
    """Whether the new wheel does what the plan says of an API."""
    if item.way not in COVERED:
        return False  # it was done, without what the plan waits for
    if item.way is Way.GOES:
        return True
    if item.way is Way.DISPATCHER:
        name = item.api.removeprefix("at::")
        return bool({"torch_call_dispatcher"} & imported(step)) and name in operators(step)
    telling = set(item.shims) - common_shims() or set(item.shims)
    return not item.shims or not telling.isdisjoint(imported(step))


def telling(item: Item, step: Step) -> bool:
    """Whether the new wheel shows it by what it imports or holds, not by the absence of the old."""
    return item.way in (Way.NOW, Way.DISPATCHER) and bool(item.shims) and shown(item, step)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.old}-{step.platform}")
def test_the_successor_shows_what_the_plan_says(step: Step) -> None:
    assert report(step.old, step.platform).torch_verdict == "torch-unstable"
    assert successor(step).torch_verdict == "torch-stable"
    items = planned(step).items
    reasons = REASONS[step.package]
    unexplained = {
        f"{item.api}: {item.way} {item.use} ({item.symbols[0]})"
        for item in items
        if not shown(item, step) and item.api not in reasons
    }
    assert not unexplained
    assert sum(telling(item, step) for item in items) >= step.least


@pytest.mark.parametrize("package", REASONS)
def test_every_reason_is_needed(package: str) -> None:
    needed = {
        item.api
        for step in STEPS
        if step.package == package
        for item in planned(step).items
        if not shown(item, step)
    }
    assert set(REASONS[package]) == needed
