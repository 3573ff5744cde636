"""Explains why a library of AMD's ROCm or Intel's oneAPI was not found."""

from __future__ import annotations

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
    why: tuple[str, ...]
    advice: tuple[str, ...]


_DEVICES = {
    Kind.ROCM: _Device(
        Build.ROCM,
        "one of AMD's ROCm libraries",
        "ROCm",
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
        (
            "XPU builds of torch install the SYCL runtime and what it needs; other builds do not",
            "MKL and TBB are also available as packages (mkl, tbb)",
        ),
        (
            "install an XPU build of torch, or the package that brings the library (mkl, tbb)",
            "or install oneAPI on the system",
        ),
    ),
}


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
            advice.append(f"or import torch first: a {device.owner} build of torch loads it")
    return Explanation(
        name,
        "library",
        is_a=(device.is_a,),
        owner=device.owner,
        causes=tuple(causes),
        why=device.why,
        advice=tuple(advice),
        unknown=(f"whether the package expects {device.owner} to be installed on the system",),
        pair=installed_torch(installed),
    )
