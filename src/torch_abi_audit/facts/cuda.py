"""The CUDA that a package is linked to, and the CUDA that its requirements and torch bring."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.cuda import is_cuda, major
from torch_abi_audit.knowledge.names.distribution import cuda_of, required
from torch_abi_audit.knowledge.platforms import SYSTEMS, index_platform
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.reports import Cuda

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch_abi_audit.facts.environments import Environment
    from torch_abi_audit.model.declared import Declared
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport


def linked(report: PackageReport, declared: Declared) -> Cuda | None:
    """The CUDA libraries of a package; None if it is neither linked to any nor contains any."""
    names = {name for one in report.libraries for name in needed(one)}
    libraries = sorted(filter(is_cuda, names))
    static = sorted(
        relative_path(one, report)
        for one in report.libraries
        if any(image.static_cuda for image in one.linkage)
    )
    if not libraries and not static:
        return None
    files = {one.name for one in report.libraries} | set(declared.beside)
    bringing = {required(line) for line in declared.requires if cuda_of(line)}
    return Cuda(
        majors=tuple(sorted({number for name in libraries if (number := major(name))})),
        libraries=tuple(libraries),
        bundled=tuple(name for name in libraries if name in files),
        dependencies=tuple(sorted(bringing)),
        static=tuple(static),
    )


def needed(one: ExtensionReport) -> Iterator[str]:
    """The libraries that any image of a library is linked to, at load time or delayed."""
    for image in one.linkage:
        yield from image.needed
        yield from image.delay_needed


def required_releases(declared: Declared) -> frozenset[int]:
    """The CUDA major releases whose libraries the requirements bring."""
    return frozenset(release for line in declared.requires if (release := cuda_of(line)))


def torch_builds(
    environments: Sequence[Environment], admitted: Collection[str] | None
) -> list[tuple[str, int | None]]:
    """The wheels of the admitted torch releases, as release and CUDA major; None for a CPU build.

    There is one wheel for each platform of the environments that torch is published for.
    """
    if admitted is None:
        return []
    wheels = {index_platform(SYSTEMS[one.system].format, one.machine) for one in environments}
    found: list[tuple[str, int | None]] = []
    for release in torch_releases():
        if release.version in admitted:
            for wheel in sorted(each for each in wheels if each is not None):
                version = release.cuda.get(wheel)
                found.append((release.version, int(version.partition(".")[0]) if version else None))
    return found
