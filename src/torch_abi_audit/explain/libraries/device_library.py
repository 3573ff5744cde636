"""Explains why a library of AMD's ROCm or Intel's oneAPI was not found."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause, Explanation, installed_torch
from torch_abi_audit.explain.torn_torch import REINSTALL
from torch_abi_audit.knowledge.names.library import Kind
from torch_abi_audit.knowledge.names.torch import Build
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.scene import Scene


@dataclass(frozen=True, slots=True)
class _Device:
    build: Build
    is_a: str
    owner: str
    title: str
    """The build of torch that loads it."""
    why: tuple[str, ...]
    advice: tuple[str, ...]


_DEVICES = {
    Kind.ROCM: _Device(
        Build.ROCM,
        "one of AMD's ROCm libraries",
        "ROCm",
        "a ROCm build",
        ("ROCm builds of torch contain the ROCm libraries; other builds do not",),
        (
            "install a ROCm build of torch, which contains the ROCm libraries",
            "or install ROCm on the system, in the release that the package was built with",
        ),
    ),
    Kind.ONEAPI: _Device(
        Build.XPU,
        "one of Intel's oneAPI libraries",
        "oneAPI",
        "an XPU build",
        ("XPU builds of torch install the SYCL runtime and what it needs; other builds do not",),
        (
            "install an XPU build of torch, which installs the SYCL runtime",
            "or install oneAPI on the system",
        ),
    ),
}


_RELEASES = (
    (
        re.compile(r"libsycl\.so\.(\d)"),
        {"5": "2022", "6": "2023", "7": "2024", "8": "2025"},
        "oneAPI",
    ),
    (re.compile(r"libamdhip64\.so\.(\d)"), {"5": "5", "6": "6", "7": "7"}, "ROCm"),
    (re.compile(r"librocblas\.so\.(\d)"), {"0": "5", "4": "6", "5": "7"}, "ROCm"),
)
"""The number in the name of a library, and the release that it stands for: intel/llvm
sycl/CMakeLists.txt, the packages of ROCm."""


def _release(name: str) -> tuple[str, ...]:
    """Which release a library belongs to, as a sentence; none if that is not known."""
    for pattern, releases, project in _RELEASES:
        match = pattern.match(name)
        if match is not None and match[1] in releases:
            release = f"{project} {releases[match[1]]}"
            return (f"{name} is of {release}: another release has another number in its name",)
    return ()


def device_library(name: str, kind: Kind, scene: Scene) -> Explanation:
    """Explain a missing library of ROCm or oneAPI."""
    device = _DEVICES[kind]
    installed = scene.installed
    fits = installed is not None and installed.build is device.build
    if scene.is_of_torch or fits:
        causes = [Cause.NOT_INSTALLED, Cause.SEARCH_PATH]
    else:
        causes = [Cause.NOT_INSTALLED, Cause.OTHER_TORCH]
    advice = list(device.advice)
    if scene.is_of_torch:
        advice = [REINSTALL, device.advice[1]]
    else:
        advice.append("or install the package's build for the installed torch")
        if scene.may_lack_import:
            causes.append(Cause.IMPORT_ORDER)
            advice.append(f"or import torch first: {device.title} of torch loads it")
    return Explanation(
        name,
        "library",
        is_a=(device.is_a,),
        owner=device.owner,
        causes=tuple(causes),
        why=(*_release(name), *device.why),
        advice=tuple(advice),
        unknown=(f"whether the package expects {device.owner} to be installed on the system",),
        pair=installed_torch(installed),
    )
