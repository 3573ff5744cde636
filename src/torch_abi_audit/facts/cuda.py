"""The CUDA that a package is linked to, and the CUDA that it, its requirements and torch bring."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.cuda import (
    is_brought_by_torch,
    is_cuda,
    is_published_apart,
    major,
)
from torch_abi_audit.knowledge.names.distribution import cuda_of, required
from torch_abi_audit.knowledge.platforms import SYSTEMS, index_platform
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.paths import file_name, relative_path
from torch_abi_audit.model.reports import Cuda
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from torch_abi_audit.facts.environments import Environment
    from torch_abi_audit.model.declared import Declared
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport


@dataclass(frozen=True, slots=True)
class Unmet:
    """The CUDA libraries that one library needs and that its distribution does not contain."""

    path: str
    """Path of the library that needs them, below the package's root."""
    names: tuple[str, ...]
    """Their names, in the order of the file."""
    lent: frozenset[str] = frozenset()
    """Those that a requirement other than torch brings."""

    @property
    def majors(self) -> tuple[int, ...]:
        """Their CUDA major releases, oldest first."""
        return tuple(sorted({number for name in self.names if (number := major(name))}))

    @property
    def of_torch(self) -> tuple[str, ...]:
        """The names that CUDA builds of torch bring, and no other requirement."""
        return tuple(one for one in self.names if one not in self.lent and is_brought_by_torch(one))


class Brought(StrEnum):
    """What a torch release from the package index brings of the CUDA that a package needs."""

    FITS = "fits"
    OTHER = "other"
    """Another CUDA release."""
    NOTHING = "nothing"
    """Its wheel is built without CUDA."""


def linked(report: PackageReport, declared: Declared) -> Cuda | None:
    """The CUDA libraries of a package; None if it is neither linked to any nor contains any."""
    names = {name for one in report.libraries for name in needed(one)}
    libraries = sorted(filter(is_cuda, names))
    static = sorted(
        relative_path(one, report)
        for one in report.libraries
        if any(image.static_cuda for image in one.linkage)
    )
    held = {one.name for one in report.libraries} | set(declared.beside)
    bundled = sorted(filter(is_cuda, held))
    if not libraries and not static and not bundled:
        return None
    bringing = {required(line) for line in declared.requires if cuda_of(line)}
    return Cuda(
        majors=tuple(sorted({number for name in libraries if (number := major(name))})),
        libraries=tuple(libraries),
        bundled=tuple(bundled),
        dependencies=tuple(sorted(bringing)),
        static=tuple(static),
    )


def unmet(
    report: PackageReport, shipped: Collection[str], is_lent: Callable[[str, Format], bool]
) -> tuple[Unmet, ...]:
    """Each library that needs CUDA libraries which the distribution lacks, sorted by path.

    Args:
        report: The package.
        shipped: File names and sonames of all libraries of the distribution.
        is_lent: Whether a requirement other than torch brings a library, for a file's format.
    """
    lowered = frozenset(map(str.lower, shipped))
    found = []
    for one in report.libraries:
        names: dict[str, bool] = {}
        for image in one.linkage:
            is_pe = image.format is Format.PE
            for name in (*image.needed, *image.delay_needed):
                base = file_name(name)
                here = base.lower() in lowered if is_pe else base in shipped
                if not here and is_cuda(name) and not is_published_apart(name):
                    names[name] = names.get(name, True) and is_lent(name, image.format)
        if names:
            lent = frozenset(name for name, found_there in names.items() if found_there)
            found.append(Unmet(relative_path(one, report), tuple(names), lent))
    return tuple(sorted(found, key=lambda each: each.path))


def needed(one: ExtensionReport) -> Iterator[str]:
    """The libraries that any image of a library is linked to, at load time or delayed."""
    for image in one.linkage:
        yield from image.needed
        yield from image.delay_needed


def from_torch(lacking: Collection[Unmet]) -> frozenset[int]:
    """The CUDA major releases of which torch must bring one; empty if it need not bring any.

    A package with one library for each CUDA release needs one of them. Where requirements bring all
    that is needed of one, torch need not.

    Args:
        lacking: The result of ``unmet``.
    """
    majors = {number for one in lacking for name in one.of_torch if (number := major(name))}
    lent = {number for one in lacking for name in one.lent if (number := major(name))}
    return frozenset() if lent - majors else frozenset(majors)


def brought(
    majors: Collection[int], environments: Collection[Environment]
) -> Mapping[str, Brought]:
    """Each known torch release, to what its wheels from the index bring of the CUDA ``majors``.

    Empty if torch has wheels for none of the platforms of these environments. Where there are
    several platforms, one that fits is enough.
    """
    every = {index_platform(SYSTEMS[one.system].format, one.machine) for one in environments}
    wheels = [each for each in every if each is not None]
    if not wheels:
        return {}
    found = {}
    for release in torch_releases():
        numbers = {number for each in wheels if (number := release.cuda_major(each)) is not None}
        if not numbers.isdisjoint(majors):
            found[release.version] = Brought.FITS
        else:
            found[release.version] = Brought.OTHER if numbers else Brought.NOTHING
    return found


def cuda_majors(
    versions: Collection[str], environments: Collection[Environment]
) -> tuple[int, ...]:
    """The CUDA major releases that the wheels of these torch releases bring, oldest first."""
    wheels = {index_platform(SYSTEMS[one.system].format, one.machine) for one in environments}
    numbers = {
        number
        for release in torch_releases()
        if release.version in versions
        for each in wheels
        if each is not None and (number := release.cuda_major(each)) is not None
    }
    return tuple(sorted(numbers))
