"""The CUDA that the libraries are linked to against the CUDA that torch brings."""

from __future__ import annotations

import re

from torch_abi_audit.metadata.declared import Declared, Environment, dependencies
from torch_abi_audit.metadata.releases import listed
from torch_abi_audit.model import Cuda, file_name, relative_path
from torch_abi_audit.platforms import torch_releases
from torch_abi_audit.rules import finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch_abi_audit.model import ExtensionReport, Finding, PackageReport
    from torch_abi_audit.platforms import TorchRelease

_FOLLOWS = "cudart|cublas|cublasLt|nvrtc|nvJitLink|nvrtc-builtins|cupti|nvblas|nvjpeg|npp[a-z]*"
"""Libraries whose version is that of CUDA: names as in CUDA 11 to 13."""
_OTHERS = (
    r"cufftw?|curand|cusolver(?:Mg)?|cusparse(?:Lt)?|cudnn\w*|nccl|cufile|nvToolsExt|nvshmem\w*"
)
_GRAFT = r"(?:-[0-9a-f]{8,})?"
_ELF = re.compile(rf"lib(?P<stem>{_FOLLOWS}|{_OTHERS}){_GRAFT}\.so(?:\.(?P<major>\d+)[\d.]*)?")
_DLL = re.compile(
    rf"(?P<stem>{_FOLLOWS}|{_OTHERS})(?:64)?_(?P<version>\d+)(?:_\d+)*{_GRAFT}\.dll", re.IGNORECASE
)
_FOLLOWER = re.compile(_FOLLOWS, re.IGNORECASE)
_DEPENDENCY = re.compile(r"nvidia-[a-z0-9-]+-cu(\d+)")
_TOOLKIT = re.compile(
    r"nvidia-(?:cuda-runtime|cublas|cuda-nvrtc|cuda-cupti|nvjitlink|npp)|cuda-toolkit|cuda-bindings"
)
_PINNED = re.compile(r"(?:==|~=|>=)\s*(\d+)\b")
_WHEELS = {
    ("linux", "x86_64"): "linux_x86_64",
    ("linux", "aarch64"): "linux_aarch64",
    ("windows", "x86_64"): "win_amd64",
}


def major(library: str) -> int | None:
    """The CUDA release that a library's name stands for: 12 of ``libcudart.so.12``."""
    name = file_name(library)
    if (match := _ELF.fullmatch(name)) and _FOLLOWER.fullmatch(match["stem"]):
        return int(match["major"]) if match["major"] else None
    if (match := _DLL.fullmatch(name)) and _FOLLOWER.fullmatch(match["stem"]):
        digits = match["version"]
        return int(digits[:2]) if len(digits) >= 2 else int(digits)
    return None


def is_cuda(library: str) -> bool:
    """Whether a library is one of NVIDIA's CUDA toolkit, or of cuDNN, NCCL and their kin."""
    name = file_name(library)
    return _ELF.fullmatch(name) is not None or _DLL.fullmatch(name) is not None


def facts(report: PackageReport, declared: Declared) -> Cuda | None:
    """The CUDA libraries of a package; None where it is linked to none, and has none in it."""
    files = {one.name for one in report.libraries} | set(declared.beside)
    libraries = sorted({name for one in report.libraries for name in _linked(one)})
    static = sorted(
        relative_path(one, report)
        for one in report.libraries
        if any(image.static_cuda for image in one.linkage)
    )
    if not libraries and not static:
        return None
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
        own = [name for name in _linked(one) if name not in cuda.bundled and major(name)]
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


def _linked(one: ExtensionReport) -> Iterator[str]:
    for image in one.linkage:
        for name in image.needed + image.delay_needed:
            if is_cuda(name):
                yield name


def _providers(declared: Declared) -> Iterator[tuple[str, int]]:
    """The declared dependencies that bring CUDA libraries, with the CUDA release of each."""
    for line in declared.requires:
        for name in dependencies(Declared(requires=(line,))):
            if match := _DEPENDENCY.fullmatch(name):
                yield name, int(match[1])
            elif _TOOLKIT.fullmatch(name) and (pinned := _PINNED.search(line)):
                yield name, int(pinned[1])


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
