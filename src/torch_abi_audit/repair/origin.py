"""Who brings a library that a wheel is linked to, so that the wheel need not contain it."""

from __future__ import annotations

from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.names import cuda, torch
from torch_abi_audit.knowledge.names.cuda import distribution_word, is_brought_by_torch
from torch_abi_audit.knowledge.names.lending import lenders
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.system import MACOS_PATHS
from torch_abi_audit.knowledge.platforms import LINUX, MACOS, PLATFORMS, WINDOWS, usual_platform
from torch_abi_audit.knowledge.policies import is_linux_library, is_windows_library
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from torch_abi_audit.knowledge.export_index import IndexedRelease


class Origin(StrEnum):
    """The kinds of origin, in the order in which reports list them."""

    TORCH = "torch"
    CUDA = "cuda"
    """NVIDIA's libraries, which torch or a requirement brings."""
    DEVICE = "device"
    """The runtime of a device: ROCm, oneAPI."""
    DRIVER = "driver"
    REQUIREMENT = "requirement"
    PYTHON = "python"
    USER = "user"
    """Whoever installs the wheel: it has a library for each of several versions."""
    SYSTEM = "system"
    """The platform: every tool knows its libraries."""
    WHEEL = "wheel"
    """Nobody else: the wheel must contain it."""


LEFT_OUT = frozenset(Origin) - {Origin.SYSTEM, Origin.WHEEL}
"""The origins of libraries that a wheel must not contain."""


@dataclass(frozen=True, slots=True)
class Brought:
    """Who brings a library."""

    origin: Origin
    by: str = ""
    """In words: ``torch``, ``CUDA builds of torch``, ``nvidia-nvjpeg-cu12``."""
    note: str = ""
    """What to know of a library that the wheel must contain."""


@dataclass(frozen=True, slots=True)
class Project:
    """What decides who brings the libraries of a package."""

    word: str
    """The word of the system."""
    uses_torch: bool
    for_xpu: bool = False
    """Whether it is built for Intel's devices."""
    requirements: Collection[str] = ()
    """The canonical names of its requirements."""
    releases: Collection[str] | None = None
    """The torch releases that may be installed beside it; None if all may."""
    platform: str | None = None
    """The platform in the export index; None if torch is not published for it."""


_BUILDS = {
    torch.Build.ANY: "torch",
    torch.Build.CUDA: "CUDA builds of torch",
    torch.Build.ROCM: "ROCm builds of torch",
    torch.Build.XPU: "XPU builds of torch",
    torch.Build.OLD: "torch before 2.0",
}


_BESIDE_TOOLKIT = ("cudnn", "nccl", "nvshmem", "cusparselt")
"""CUDA libraries that torch requires and the toolkit does not contain."""


def brought(library: str, project: Project) -> Brought:
    """Who brings a library, by its name as a file or a message states it.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    name = file_name(library)
    kind = kind_of(library)
    if kind is Kind.TORCH:
        return Brought(Origin.TORCH, _BUILDS[torch.build_of(library)])
    if kind is Kind.SYSTEM or _is_of_system(library, name, project.word):
        return Brought(Origin.SYSTEM)
    if kind is Kind.NVIDIA_DRIVER:
        return Brought(Origin.DRIVER, "the NVIDIA driver")
    if kind is Kind.PYTHON:
        return Brought(Origin.PYTHON, "Python")
    if kind is Kind.CUDA and (found := _cuda(library, project)) is not None:
        return found
    if kind is Kind.ROCM and project.uses_torch:
        return Brought(Origin.DEVICE, "ROCm builds of torch, or ROCm itself")
    if kind is Kind.ONEAPI and project.for_xpu:
        return Brought(Origin.DEVICE, "XPU builds of torch, or oneAPI itself")
    if project.uses_torch and is_in_torch(name, project.word):
        return _of_some_torch(name, project)
    if requirements := lenders(library, project.requirements):
        return Brought(Origin.REQUIREMENT, requirements[0])
    if kind is Kind.OPENCL:
        return Brought(Origin.WHEEL, note="exclude it if users install the OpenCL loader")
    return Brought(Origin.WHEEL)


def _is_of_system(library: str, name: str, word: str) -> bool:
    if word == LINUX.word:
        return is_linux_library(name) or name == "libc.so"
    if word == WINDOWS.word:
        return is_windows_library(name.lower())
    return library.startswith(MACOS_PATHS)


def _cuda(library: str, project: Project) -> Brought | None:
    """The requirement that brings a CUDA library, else torch; None if neither does."""
    word = distribution_word(library)
    for requirement in sorted(project.requirements):
        stem = requirement.rpartition("-cu")[0] or requirement  # nvidia-cublas, nvidia-cublas-cu12
        if stem.removeprefix("nvidia-").removeprefix("cuda-") == word.removeprefix("cuda-"):
            return Brought(Origin.CUDA, requirement)
    in_toolkit = not (cuda.is_published_apart(library) or word.startswith(_BESIDE_TOOLKIT))
    if in_toolkit and "cuda-toolkit" in project.requirements:
        return Brought(Origin.CUDA, "cuda-toolkit")
    if not project.uses_torch or cuda.is_published_apart(library):
        return None
    if not is_brought_by_torch(library):
        return None
    if project.word == LINUX.word:
        return Brought(Origin.CUDA, "torch, by its nvidia requirements")
    return Brought(Origin.CUDA, "CUDA builds of torch")


def _of_some_torch(name: str, project: Project) -> Brought:
    """Whether each torch that may be installed contains a library such as libgomp, by its name."""
    releases = export_index.releases(project.platform or usual_platform(project.word))
    admitted = [
        one for one in releases if project.releases is None or one.version in project.releases
    ]
    having = [one.version for one in admitted if _has(one, name)]
    if having and len(having) == len(admitted):
        return Brought(Origin.TORCH, "torch")
    if not having:
        return Brought(Origin.WHEEL)
    runs = release_runs(having, [one.version for one in releases])
    return Brought(
        Origin.WHEEL,
        note=f"torch {runs} contains it too: exclude it if the wheel requires one of these",
    )


def is_in_torch(name: str, word: str) -> bool:
    """Whether the wheels of any torch release for a system contain a library of this name."""
    return any(
        _has(one, name)
        for platform in PLATFORMS
        if platform.system.word == word
        for one in export_index.releases(platform.name)
    )


def _has(release: IndexedRelease, name: str) -> bool:
    if name[-4:].lower() == ".dll":
        return name.lower() in {each.lower() for each in release.libraries}
    return name in release.libraries


def usual(word: str, *, cuda_too: bool) -> tuple[str, ...]:
    """The libtorch libraries that extensions are linked to, as files of a system name them."""
    stems = ["c10", "torch", "torch_cpu", "torch_python"]
    if cuda_too and word != MACOS.word:
        stems += ["c10_cuda", "torch_cuda"]
    shape = {LINUX.word: "lib{}.so", MACOS.word: "lib{}.dylib", WINDOWS.word: "{}.dll"}[word]
    return tuple(shape.format(stem) for stem in stems)
