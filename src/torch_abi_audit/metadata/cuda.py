"""The CUDA that the libraries are linked to against the CUDA that torch brings."""

from __future__ import annotations

from itertools import pairwise

from torch_abi_audit.knowledge.names.system import is_word
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.metadata.declared import Declared, Environment, required
from torch_abi_audit.model.paths import file_name, relative_path
from torch_abi_audit.model.releases import listed
from torch_abi_audit.model.reports import Cuda
from torch_abi_audit.rules import finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch_abi_audit.knowledge.torch_releases import TorchRelease
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport

_FOLLOWERS = "cudart cublas cublasLt nvrtc nvJitLink nvrtc-builtins cupti nvblas nvjpeg"
"""Libraries whose version is that of CUDA, as is that of all of NPP: names as in CUDA 11 to 13."""
_OTHERS = "cufft cufftw curand cusolver cusolverMg cusparse cusparseLt nccl cufile nvToolsExt"
_FAMILIES = ("cudnn", "nvshmem")
"""What begins with these is of cuDNN or NVSHMEM: ``cudnn_graph``."""
_FOLLOWING = frozenset(_FOLLOWERS.lower().split())
_DLL_STEMS = _FOLLOWING.union(_OTHERS.lower().split())
_ELF_STEMS = frozenset(_FOLLOWERS.split() + _OTHERS.split())
_BEGINNINGS = ("cu", "nv", "npp", "nccl")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_HEX = frozenset("0123456789abcdef")
_SHORTEST_MARK = 8  # digits of the hash that auditwheel and delvewheel put in a name
_LIBRARIES = "cuda-runtime cublas cuda-nvrtc cuda-cupti nvjitlink npp"
_TOOLKIT = frozenset(
    ["cuda-toolkit", "cuda-bindings"] + [f"nvidia-{name}" for name in _LIBRARIES.split()]
)
_WHEELS = {
    ("linux", "x86_64"): "linux_x86_64",
    ("linux", "aarch64"): "linux_aarch64",
    ("windows", "x86_64"): "win_amd64",
}


def major(library: str) -> int | None:
    """The CUDA release that a library's name stands for: 12 of ``libcudart.so.12``."""
    stem, version = _read(library)
    if version and (stem in _FOLLOWING or stem.startswith("npp")):
        return int(version)
    return None


def is_cuda(library: str) -> bool:
    """Whether a library is one of NVIDIA's CUDA toolkit, or of cuDNN, NCCL and their kin."""
    return bool(_read(library)[0])


def facts(report: PackageReport, declared: Declared) -> Cuda | None:
    """The CUDA libraries of a package; None where it is linked to none, and has none in it."""
    files = {one.name for one in report.libraries} | set(declared.beside)
    linked = {name for one in report.libraries for name in _needed(one)}
    libraries = sorted(filter(is_cuda, linked))
    static = sorted(
        relative_path(one, report)
        for one in report.libraries
        if any(image.static_cuda for image in one.linkage)
    )
    if not libraries and not static:
        return None
    files = {one.name for one in report.libraries} | set(declared.beside)
    return Cuda(
        majors=tuple(sorted({number for name in libraries if (number := major(name))})),
        libraries=tuple(libraries),
        bundled=tuple(name for name in libraries if name in files),
        dependencies=tuple(sorted({name for name, _ in _providers(declared)})),
        static=tuple(static),
    )


def findings(
    report: PackageReport,
    declared: Declared,
    cuda: Cuda,
    environments: Sequence[Environment],
    admitted: Collection[str] | None,
) -> Iterator[Finding]:
    """Where the CUDA that a library needs is not the one that comes with it.

    Args:
        report: The package.
        declared: Its metadata.
        cuda: ``facts`` of both.
        environments: Where it may be installed.
        admitted: The torch releases that its requirement admits; None where it uses no torch.
    """
    brought = {number for _, number in _providers(declared)}
    releases = _torch_wheels(environments, admitted)
    served = set(cuda.majors)
    for one in report.libraries:
        own = [name for name in _needed(one) if name not in cuda.bundled and major(name)]
        majors = sorted({number for name in own if (number := major(name))})
        where = relative_path(one, report)
        if len(majors) > 1:
            yield finding(
                "C503",
                f"it is linked to CUDA {' and '.join(map(str, majors))} at once",
                library=where,
                evidence=own,
            )
        elif majors and majors[0] not in brought and brought.isdisjoint(served):
            yield from _unbrought(where, own, majors[0], releases, served)
    for number in sorted(brought):
        others = [one.version for one, torch in releases if torch is not None and torch != number]
        if number in served and others and admitted is not None:
            yield finding(
                "C504",
                f"it requires the libraries of CUDA {number}, and torch {_span(others)} brings "
                f"CUDA {_majors(releases, others)}",
                evidence=cuda.dependencies,
            )


def _unbrought(
    where: str,
    libraries: Sequence[str],
    number: int,
    releases: Sequence[tuple[TorchRelease, int | None]],
    served: Collection[int],
) -> Iterator[Finding]:
    other = [
        one.version
        for one, torch in releases
        if torch is not None and torch != number and torch not in served
    ]
    if other:
        yield finding(
            "C501",
            f"it needs {libraries[0]} (CUDA {number}), and torch {_span(other)} from the package "
            f"index brings CUDA {_majors(releases, other)}",
            library=where,
            evidence=libraries,
        )
    elif not any(torch in served for _, torch in releases):
        yield finding(
            "C502",
            f"it needs {libraries[0]} (CUDA {number}), and nothing that it brings or requires "
            "provides that",
            library=where,
            evidence=libraries,
        )


def _read(library: str) -> tuple[str, str]:
    """Stem, in lower case, and leading version of a CUDA library; empty for every other name."""
    name = file_name(library)
    if not name.lower().removeprefix("lib").startswith(_BEGINNINGS):
        return "", ""
    if name.startswith("lib"):
        stem, version = _elf(name.removeprefix("lib"))
        known = stem in _ELF_STEMS
    else:
        stem, version = _dll(name.lower())
        known = stem in _DLL_STEMS
    if (
        known
        or (stem.startswith("npp") and not stem.strip(_LETTERS))
        or (stem.startswith(_FAMILIES) and is_word(stem))
    ):
        return stem.lower(), version
    return "", ""


def _elf(name: str) -> tuple[str, str]:
    """``cublasLt`` and ``12`` of ``cublasLt-0a1b2c3d.so.12.1``; the version may be empty."""
    stem, _, suffix = name.partition(".")
    so, dot, version = suffix.partition(".")
    if so != "so" or version.strip(".0123456789") or (dot and not version[:1].isdecimal()):
        return "", ""
    return _ungrafted(stem), version.partition(".")[0]


def _dll(name: str) -> tuple[str, str]:
    """``nvrtc`` and ``12`` of ``nvrtc64_120_0.dll``: the version is there, two digits of it."""
    stem, _, suffix = name.partition(".")
    words = _ungrafted(stem).split("_")
    version = ""
    while len(words) > 1 and words[-1].isdecimal():
        version = words.pop()
    if suffix != "dll" or not version:
        return "", ""
    return "_".join(words).removesuffix("64"), version[:2]


def _ungrafted(stem: str) -> str:
    head, dash, mark = stem.rpartition("-")
    is_mark = dash and len(mark) >= _SHORTEST_MARK and _HEX.issuperset(mark)
    return head if is_mark else stem


def _needed(one: ExtensionReport) -> Iterator[str]:
    for image in one.linkage:
        yield from image.needed
        yield from image.delay_needed


def _providers(declared: Declared) -> Iterator[tuple[str, int]]:
    """The declared dependencies that bring CUDA libraries, with the CUDA release of each."""
    for line in declared.requires:
        name = required(line)
        release = _pinned(line) if name in _TOOLKIT else _named(name)
        if release:
            yield name, int(release)


def _named(requirement: str) -> str:
    """``12`` of ``nvidia-cublas-cu12``."""
    stem, _, release = requirement.rpartition("-cu")
    library = stem.removeprefix("nvidia-")
    return release if library and library != stem and release.isdecimal() else ""


def _pinned(line: str) -> str:
    """``13`` of ``cuda-toolkit==13.0.2``: the first number behind ``==``, ``~=`` or ``>=``."""
    for before, after in pairwise(line.split("=")):
        text = after.lstrip()
        rest = text.lstrip("0123456789")
        if (not before or before[-1] in "~>") and rest != text and not is_word(rest[:1]):
            return text.removesuffix(rest)
    return ""


def _torch_wheels(
    environments: Sequence[Environment], admitted: Collection[str] | None
) -> list[tuple[TorchRelease, int | None]]:
    """The admitted releases of torch, with the CUDA of their wheels where there is one."""
    if admitted is None:
        return []
    wheels = {_WHEELS.get((one.system, one.machine)) for one in environments} - {None}
    found = []
    for release in torch_releases():
        if release.version in admitted:
            for wheel in sorted(each for each in wheels if each is not None):
                version = release.cuda.get(wheel)
                found.append((release, int(version.partition(".")[0]) if version else None))
    return found


def _span(versions: Sequence[str]) -> str:
    return listed(versions, [one.version for one in torch_releases()])


def _majors(releases: Sequence[tuple[TorchRelease, int | None]], versions: Collection[str]) -> str:
    numbers = {torch for one, torch in releases if one.version in versions and torch is not None}
    return " or ".join(str(each) for each in sorted(numbers))
