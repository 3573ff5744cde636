"""The plan of the last unstable wheel of a package, held against its first stable wheel.

A stable wheel shows how its authors replaced what the wheel before it used: it imports the C shims
of the replacements, and holds the names of the operators that it calls through the dispatcher. What
the plan says and the successor does not show needs a reason.
"""

from __future__ import annotations

import re
import zipfile
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.wheels import fetch
from torch_abi_audit import sources
from torch_abi_audit.audit.pipeline import audit
from torch_abi_audit.port.migration import COVERED, Item, Plan, Way
from torch_abi_audit.port.plan import plan, units_of

if TYPE_CHECKING:
    from torch_abi_audit.model.reports import PackageReport

LINUX, WINDOWS = "manylinux_2_28_x86_64", "win_amd64"
MACOS_11, MACOS_14 = "macosx_11_0_arm64", "macosx_14_0_arm64"


COMMON = re.compile(
    r"aoti_torch_(abi_version|call_dispatcher|delete_\w+|new_tensor_handle)"
    r"|aoti_torch_(device_type|dtype|layout|library|memory_format)_\w+"
    r"|torch_(call_dispatcher|delete_list|dtype_\w+|exception_\w+|list_\w+|new_list\w+)"
    r"|torch_new_stable_ivalue"
)
"""Shims that headers use beside what they are for, so that they tell nothing."""
OPERATOR = re.compile(r"aten::(\w+)")
WRAPPER = re.compile(r"torch::stable::([a-z]\w*)")
TYPE = re.compile(r"torch::stable::[A-Z]")


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
    Step("torchcodec==0.11.1", "torchcodec==0.12.0", LINUX, "2.11.0", 1),
    Step("torchcodec==0.11.1", "torchcodec==0.12.0", MACOS_11, "2.11.0", 1, MACOS_14),
    Step("torchcodec==0.11.1", "torchcodec==0.12.0", WINDOWS, "2.11.0", 1),
    Step("torchao==0.15.0", "torchao==0.17.0", LINUX, "2.11.0", 10),
    Step("torchao==0.16.0", "torchao==0.17.0", LINUX, "2.11.0", 10),
    Step("xformers==0.0.33.post2", "xformers==0.0.34", LINUX, "2.10.0", 20),
)
"""torchao has libraries only for Linux, and xformers no wheel for macOS; those for Windows would be
200 MB more to download."""

TYPED = "typed operator handles use it inside; the calls through them were dropped"
INLINED = "inlined from headers; no source of the package uses it"
CONTAINER = "torch::tensor is inlined and uses it"
WARNS = "the destructor of c10::cuda::CUDAGuard is inlined and uses it"
LOOP = "at::parallel_for is a template that uses it"
DELETED = "only rir/ calls it, which was removed before the port (pytorch/audio#4124)"
SPARSE = "belongs to sparse attention, removed before the port (facebookresearch/xformers@0eb7c432)"
SWIGLU = "belongs to the fast SwiGLU, removed before the port (facebookresearch/xformers@8de65ecb)"
GUARD = "CUDAGuard, OptionalCUDAGuard, DeviceGuard"
ROOM_RESPONSES = (
    "at::all",
    "at::arange",
    "at::div.Scalar",
    "at::div.Tensor",
    "at::dot",
    "at::fft_fftshift",
    "at::fft_irfft",
    "at::gt.Scalar",
    "at::lt.Tensor",
    "at::mul.Scalar",
    "at::mul.Tensor",
    "at::mul_.Tensor",
    "at::norm",
)
SPARSE_ATTENTION = (
    "GradMode, NoGradGuard",
    "Tensor::select, Tensor::operator[]",
    "at::coalesce",
    "at::get_num_threads",
    "at::get_thread_num",
    "at::indices",
    "at::logical_not",
    "at::masked_fill.Scalar",
    "at::parallel_for",
    "at::sparse_coo_tensor.indices_size",
)
EVERYWHERE = (LINUX, MACOS_11, MACOS_14, WINDOWS)


class Reason(NamedTuple):
    """Why a successor does not show what the plan says of an API."""

    package: str
    api: str
    why: str
    platforms: tuple[str, ...] = EVERYWHERE


REASONS = (
    Reason("torchvision", "RECORD_FUNCTION", TYPED),
    Reason("torchvision", "c10::Dispatcher", TYPED),
    Reason("torchvision", "at::mul.Tensor", "at::ones_like(x) * sum is the sum"),
    Reason("torchvision", "at::ones_like, at::full_like", "at::ones_like(x) * sum is the sum"),
    Reason("torchvision", "at::zeros_like", "torch::stable::new_zeros does it"),
    Reason("torchvision", "at::transpose_", "torch::stable::transpose does it, not in place"),
    Reason("torchvision", "at::view_as", "torch::stable::view with the sizes does it"),
    Reason("torchvision", "at::from_blob", "the bytes are copied into a new tensor"),
    Reason("torchvision", "at::index.Tensor", "aten::index_select does it", (MACOS_14,)),
    Reason("torchvision", GUARD, INLINED, (MACOS_14, WINDOWS)),
    Reason("torchvision", "Library::set_python_module", INLINED, (WINDOWS,)),
    Reason("torchaudio", "RECORD_FUNCTION", TYPED),
    Reason("torchaudio", "c10::Dispatcher", TYPED),
    Reason("torchaudio", "GradMode, NoGradGuard", CONTAINER),
    Reason("torchaudio", "TORCH_WARN", WARNS, (LINUX,)),
    Reason("torchaudio", "at::get_num_threads", LOOP, (LINUX, WINDOWS)),
    Reason("torchaudio", "at::get_thread_num", LOOP),
    Reason("torchaudio", "at::max", "torch::stable::amax does it"),
    Reason("torchaudio", "Tensor::item", "the data is read on the CPU, or copied there"),
    Reason("torchaudio", "Tensor::contiguous", "forced_align on a GPU does without it", (LINUX,)),
    Reason("torchaudio", GUARD, INLINED, (WINDOWS,)),
    *(Reason("torchaudio", api, DELETED) for api in ROOM_RESPONSES),
    Reason("torchcodec", "GradMode, NoGradGuard", CONTAINER),
    Reason("torchcodec", "Tensor::fill_", "tensor[i] = x became a write through an accessor"),
    Reason("torchcodec", "Tensor::size", "sizes()[i] does it", (WINDOWS,)),
    Reason("torchcodec", GUARD, INLINED, (WINDOWS,)),
    Reason("torchao", "TORCH_WARN", WARNS),
    Reason("torchao", "Tensor::view(dtype)", "activation24 was removed (pytorch/ao#3744)"),
    Reason("torchao", "at::empty_strided", "new_empty and transpose do it (pytorch/ao#3610)"),
    Reason("xformers", "RECORD_FUNCTION", TYPED),
    Reason("xformers", "c10::Dispatcher", TYPED),
    Reason("xformers", "TORCH_WARN", WARNS),
    Reason("xformers", "TensorIterator", SWIGLU),
    *(Reason("xformers", api, SPARSE) for api in SPARSE_ATTENTION),
)


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


def shown(item: Item, step: Step) -> bool:
    """Whether the new wheel does what the plan says of an API."""
    if item.way not in COVERED:
        return False  # it was done, without what the plan waits for
    if item.way is Way.GOES or not item.shims:
        return True
    ways = f"{item.use} {item.fallback.use if item.fallback is not None else ''}"
    called = set(OPERATOR.findall(ways))
    if item.way is Way.DISPATCHER:
        return not called.isdisjoint(operators(step))
    called.update(WRAPPER.findall(ways))  # many a wrapper calls the operator of its name
    shims = {one for one in item.shims if not COMMON.fullmatch(one)}
    if TYPE.search(ways) or not (shims or called):
        shims = set(item.shims)
    return not (shims.isdisjoint(imported(step)) and called.isdisjoint(operators(step)))


def telling(item: Item, step: Step) -> bool:
    """Whether the new wheel shows it by what it imports or holds, not by the absence of the old."""
    return item.way in (Way.NOW, Way.DISPATCHER) and bool(item.shims) and shown(item, step)


def unshown(step: Step) -> dict[str, Item]:
    return {item.api: item for item in planned(step).items if not shown(item, step)}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.old}-{step.platform}")
def test_the_successor_shows_what_the_plan_says(step: Step) -> None:
    assert report(step.old, step.platform).torch_verdict == "torch-unstable"
    assert successor(step).torch_verdict == "torch-stable"
    explained = {
        one.api for one in REASONS if one.package == step.package and step.platform in one.platforms
    }
    unexplained = [
        (item.api, item.way.value, item.use, item.symbols[0])
        for item in unshown(step).values()
        if item.api not in explained
    ]
    assert unexplained == []
    assert sum(telling(item, step) for item in planned(step).items) >= step.least


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: f"{reason.package}-{reason.api}")
def test_every_reason_is_needed(reason: Reason) -> None:
    systems = {
        step.platform
        for step in STEPS
        if step.package == reason.package and reason.api in unshown(step)
    }
    assert systems
    if reason.platforms is not EVERYWHERE:
        assert systems == set(reason.platforms)
