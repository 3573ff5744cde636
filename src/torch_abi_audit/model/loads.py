"""The types of the load matrix: which torch releases provide the names that a library needs.

Only values; ``compat`` computes them. That a release exports every name is necessary for a library
to load, but not sufficient: inline code from headers may assume another class layout.
"""

from __future__ import annotations

from torch_abi_audit.model.releases import minor_of, release_key
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import MappingProxyType, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import PurePath

    from torch_abi_audit.model.gpus import Gpu


class Loads(StrEnum):
    """Whether one torch release provides everything that a library, or a package, needs."""

    YES = "yes"
    NO = "no"
    NEEDS_CUDA = "needs-cuda"
    """That release has no CUDA in its build for this platform, and everything missing from it is
    in CUDA builds."""
    UNKNOWN = "unknown"
    """The release is newer than the index, the platform is not in it, or the library was not
    read."""


WORST = (Loads.NO, Loads.UNKNOWN, Loads.NEEDS_CUDA, Loads.YES)
"""The answers, worst first; a package has the worst answer of its libraries."""

_NOWHERE: Mapping[str, Loads] = MappingProxyType({})
_NOTHING: Mapping[str, int | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Missing:
    """A name that a library needs and that some releases do not provide."""

    name: bytes
    """The name in the binary, mangled."""
    symbol: str
    """The demangled name."""
    releases: tuple[str, ...]
    """The releases that do not provide the name, oldest first."""
    provider: str | None = None
    """The only library that may provide it, for Mach-O two-level names and PE imports."""
    moved: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Release to the other library of torch that exports the name there."""
    unlinked: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """For ELF: release to the library of torch that exports the name there, but that nothing which
    the library is linked to brings in."""
    instead: tuple[str, ...] = ()
    """Exports of the same entity with another signature in the nearest release that lacks the
    name: demangled, most similar first. Empty unless asked for; see ``compat.explained``."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A torch library that a library is linked to and that some releases do not ship."""

    library: str
    """File name: ``libtorch_cuda_cu.so``; or ``version FOO_1 of libc10.so``, a symbol version."""
    releases: tuple[str, ...]
    """The releases that do not ship it, oldest first."""
    reason: str
    """Why it is absent, as a phrase: ``only in ROCm builds of torch`` …"""


@dataclass(frozen=True, slots=True)
class LibraryLoads:
    """The torch releases on which one image of a library (a slice of a universal file) loads."""

    path: PurePath
    arch: str | None
    platform: str | None
    """``linux_x86_64`` …; None if no torch is known for its format and architecture."""
    stable: bool
    """Whether it uses torch only through the stable C shim."""
    loads_on: Mapping[str, Loads]
    """Release to answer, oldest first."""
    missing: tuple[Missing, ...] = ()
    """Sorted by mangled name."""
    absent: tuple[Absent, ...] = ()
    """Sorted by file name."""
    needs_cuda: bool = False
    """Whether it uses something that only CUDA builds of torch have."""
    pre_cxx11: str | None = None
    """For a library built for the pre-C++11 ABI of ``std::string``: the first torch release that
    can no longer load it. None for any other."""
    variant: str | None = None
    """The torch release that it was built for, in a package with one library per release: ``2.10``,
    or ``2.10.1`` if its path says so exactly."""
    flavour: str | None = None
    """``cu126``, ``rocm64`` …, in a package with one library per flavour; None in any other, and
    empty for the one without a name."""
    cuda: tuple[int, ...] = ()
    """CUDA major releases whose libraries it needs from outside of the package and of what the
    package requires."""
    brings: Mapping[str, int | None] = field(default_factory=lambda: _NOTHING)
    """Release to the CUDA major release that its wheel on the package index brings, for releases
    that provide the names it needs, but not the CUDA; None for a CPU build."""
    why_unknown: str | None = None
    """Why it could not be judged at all, as a phrase; None if it was judged."""
    open_upwards: bool = False
    """Whether it loads on the newest known release, and the stable ABI promises the same for later
    ones."""

    @property
    def is_alternative(self) -> bool:
        """Whether a package uses it, or others in its place."""
        return self.variant is not None or self.flavour is not None

    def missing_on(self, release: str) -> tuple[str, ...]:
        """What one release does not provide: demangled names, then the libraries it lacks."""
        symbols = [one.symbol for one in self.missing if release in one.releases]
        return (*symbols, *(one.library for one in self.absent if release in one.releases))


@dataclass(frozen=True, slots=True)
class Serving:
    """The libraries that a package uses with one torch release, instead of others."""

    variant: str | None
    """The torch release that they were built for; None if they are for any."""
    flavour: str
    """``cu126``, ``cxx11-cu126`` …; empty if the package has one flavour."""
    files: tuple[str, ...]
    """Paths below the root of the package, sorted."""


@dataclass(frozen=True, slots=True)
class OtherCuda:
    """A torch release that provides the names that a package needs, but not the CUDA."""

    needs: tuple[int, ...]
    """CUDA major releases that the package needs."""
    brings: int | None
    """The CUDA major release of the wheel on the package index; None for a CPU build."""


@dataclass(frozen=True, slots=True)
class GpuLoads:
    """The GPUs of a package and of torch's builds for one CUDA or ROCm release.

    Each GPU, a generation with a name, is in one list at most; older ones first.
    """

    releases: tuple[str, ...]
    """The torch releases whose builds have this answer, and that load the package, oldest first."""
    cuda: str | None
    """The CUDA release of the builds, such as ``12.8``; None for ROCm."""
    rocm: str | None
    both: tuple[Gpu, ...] = ()
    """Those for which the package and torch have machine code."""
    by_jit: tuple[Gpu, ...] = ()
    """Those on which both run, one of them only after the driver compiled its PTX."""
    partly: tuple[Gpu, ...] = ()
    """Those on which torch runs, and only some kernels of the package."""
    only_torch: tuple[Gpu, ...] = ()
    """Those for which torch has code and the package has none."""
    only_package: tuple[Gpu, ...] = ()
    """Those for which the package has machine code and torch's build has nothing."""
    only_package_by_jit: tuple[Gpu, ...] = ()
    """The same where some of the package has only PTX."""
    only_package_partly: tuple[Gpu, ...] = ()
    """The same where only some kernels of the package run."""


_NONE_SERVING: Mapping[str, tuple[Serving, ...]] = MappingProxyType({})
_NO_OTHER_CUDA: Mapping[str, OtherCuda] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LoadMatrix:
    """The torch releases on which a package loads."""

    releases: tuple[str, ...] = ()
    """The columns, oldest first: the selected releases, over all platforms of the libraries."""
    libraries: tuple[LibraryLoads, ...] = ()
    """Libraries that use torch, are linked to it or could not be read, in the order of the report;
    the slices of a universal file follow one another."""
    loads_on: Mapping[str, Loads] = field(default_factory=lambda: _NOWHERE)
    """Release to the answer for the package as a whole, oldest first; empty if no library uses
    torch. It is the worst answer of the libraries; of libraries that stand in each other's place
    (variants, flavours), that of those that serve the release best.
    Slices for an architecture without any known torch do not count beside others that have one."""
    serving: Mapping[str, tuple[Serving, ...]] = field(default_factory=lambda: _NONE_SERVING)
    """Release to the variants and flavours that load on it, for releases that load the package;
    empty for a package without variants and flavours."""
    other_cuda: Mapping[str, OtherCuda] = field(default_factory=lambda: _NO_OTHER_CUDA)
    """Releases that load the package by its symbols, but whose wheel on the package index brings a
    CUDA other than it needs."""
    gpus: tuple[GpuLoads, ...] = ()
    """For a package with code for GPUs: the GPUs on which it and torch run, for each CUDA release
    that torch is built for, and each run of releases with the same answer. Empty unless asked for:
    see ``judges.gpu_loads``."""
    not_a_library: str | None = None
    """What the file is, such as ``object file``, if the matrix is of a file that is no library."""
    known_to: str | None = None
    """The newest known release; None if there is none, or if one given torch was checked."""
    open_upwards: bool = False
    """Whether the stable ABI promises that releases after ``known_to`` load it as well."""
    notes: tuple[str, ...] = ()
    """Sentences to show to the user."""

    @property
    def variants(self) -> tuple[str, ...]:
        """The torch releases that its variants were built for, oldest first."""
        named = {one.variant for one in self.libraries if one.variant is not None}
        return tuple(sorted(named, key=release_key))

    def used_on(self, release: str) -> tuple[LibraryLoads, ...]:
        """The libraries that a package would use with a release: not the variants for others."""
        return tuple(
            one for one in self.libraries if one.variant in (None, release, minor_of(release))
        )

    def of(self, path: PurePath) -> tuple[LibraryLoads, ...]:
        """The images of one library of the report; empty if it does not use torch at all."""
        return tuple(one for one in self.libraries if one.path == path)

    @property
    def uses_torch(self) -> bool:
        """Whether any library is in the matrix."""
        return bool(self.libraries)
