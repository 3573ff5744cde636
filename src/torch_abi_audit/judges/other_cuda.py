"""Which CUDA a package needs where torch's wheel on the package index brings another one.

Symbols say nothing of it: a library that needs ``libcudart.so.12`` may find all its names in a
torch that brings ``libcudart.so.13``, and still not load.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.cuda import major
from torch_abi_audit.knowledge.names.cuda_packages import brings_some
from torch_abi_audit.model.loads import Loads, OtherCuda
from torch_abi_audit.runtime.records import MappingProxyType, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.judges.library_loads import TorchBuilds
    from torch_abi_audit.model.loads import LibraryLoads
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport


def with_cuda(
    library: LibraryLoads, report: ExtensionReport, package: PackageReport, builds: TorchBuilds
) -> LibraryLoads:
    """Return the answers of a library with the CUDA that it needs and releases do not bring."""
    needs = needed(report, package)
    if not needs or library.platform is None:
        return library
    lacking = {
        each.version: brought
        for each in builds.releases(library.platform)
        if library.loads_on.get(each.version) is Loads.YES
        and (brought := _major(each.cuda)) not in needs
    }
    return replace(library, cuda=needs, brings=MappingProxyType(lacking))


def needed(library: ExtensionReport, package: PackageReport) -> tuple[int, ...]:
    """The CUDA major releases whose libraries come neither with a package nor by its requirements.

    What a requirement may bring counts as brought.
    """
    required = package.cuda.dependencies if package.cuda is not None else ()
    own = {one.name for one in package.libraries}
    found = {
        number
        for image in library.linkage
        for name in image.needed
        if (number := major(name))
        and name not in own
        and not any(brings_some(each, name) for each in required)
    }
    return tuple(sorted(found))


def clash(libraries: Iterable[LibraryLoads], release: str) -> OtherCuda | None:
    """Return the CUDA that libraries need and a release does not bring; None if it does."""
    lacking = [one for one in libraries if release in one.brings]
    if not lacking:
        return None
    needs = {number for one in lacking for number in one.cuda}
    return OtherCuda(tuple(sorted(needs)), lacking[0].brings[release])


def _major(version: str | None) -> int | None:
    """``12`` for ``12.8``."""
    return int(version.partition(".")[0]) if version else None
