"""The vocabulary of the load matrix: which torch releases a library finds its names in.

Values alone; ``compat`` computes them. Presence of every name is necessary for a library to load,
not sufficient: nothing here says that the layouts agree which inline header code assumes.
"""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import MappingProxyType, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import PurePath


class Loads(StrEnum):
    """Whether a library, or a package, finds in one torch release all that it asks for."""

    YES = "yes"
    NO = "no"
    NEEDS_CUDA = "needs-cuda"
    """The build of that release for this platform is one without CUDA, and all that is missing
    there belongs to CUDA builds."""
    UNKNOWN = "unknown"
    """Newer than what is known, a platform that is not covered, a library that was not read."""


WORST = (Loads.NO, Loads.UNKNOWN, Loads.NEEDS_CUDA, Loads.YES)
"""The answers, worst first: a package's is the worst of its libraries'."""

_NOWHERE: Mapping[str, Loads] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Missing:
    """One name that a library needs and some releases do not provide."""

    name: bytes
    """As the binary has it."""
    symbol: str
    """Demangled."""
    releases: tuple[str, ...]
    """Those that do not provide it, oldest first."""
    provider: str | None = None
    """The one library that may provide it: Mach-O two-level names, PE imports."""
    moved: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Release to the other library of torch that exports the name there."""
    instead: tuple[str, ...] = ()
    """What the nearest release that lacks it exports of the same entity with another signature,
    demangled, most alike first; empty unless asked for: see ``compat.explained``."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A library of torch that a library is linked to and some releases do not ship."""

    library: str
    """File name: ``libtorch_cuda_cu.so``."""
    releases: tuple[str, ...]
    """Those that do not ship it, oldest first."""
    reason: str
    """What it belongs to, as a phrase: ``only in ROCm builds of torch`` …"""


@dataclass(frozen=True, slots=True)
class LibraryLoads:
    """One image of a library (a slice, in a universal Mach-O file) against torch releases."""

    path: PurePath
    arch: str | None
    platform: str | None
    """``linux_x86_64`` …; None where no torch for its format and machine is known."""
    stable: bool
    """It uses torch through the stable C shim alone."""
    loads_on: Mapping[str, Loads]
    """Release to answer, oldest first."""
    missing: tuple[Missing, ...] = ()
    """Sorted by mangled name."""
    absent: tuple[Absent, ...] = ()
    """Sorted by file name."""
    needs_cuda: bool = False
    """It uses what only CUDA builds of torch have."""
    pre_cxx11: str | None = None
    """Set where it was built for the pre-C++11 ABI of ``std::string``: the first release since
    which no torch can load it."""
    variant: str | None = None
    """The torch release that it was built for, in a package with one library per release."""
    why_unknown: str | None = None
    """One phrase, where it could not be judged at all."""
    open_upwards: bool = False
    """Whether the newest release that is known loads it, and the stable ABI promises that later
    ones do."""

    def missing_on(self, release: str) -> tuple[str, ...]:
        """What one release does not provide: demangled names, then files it does not ship."""
        symbols = [one.symbol for one in self.missing if release in one.releases]
        return (*symbols, *(one.library for one in self.absent if release in one.releases))


@dataclass(frozen=True, slots=True)
class LoadMatrix:
    """A package against torch releases."""

    releases: tuple[str, ...] = ()
    """The columns, oldest first: as narrowed, and over all platforms of its libraries."""
    libraries: tuple[LibraryLoads, ...] = ()
    """Those that use torch or are linked to it, and those that could not be read; in the order of
    the report, a universal file's slices one after another."""
    loads_on: Mapping[str, Loads] = field(default_factory=lambda: _NOWHERE)
    """Release to answer for the package as a whole, oldest first; empty where no library uses
    torch. The worst of its libraries; with variants, of those that serve the release; slices for
    a machine that no torch is known for do not count beside others that there is torch for."""
    serving: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Release to the variant, such as ``2.10``, that serves it; empty without variants."""
    known_to: str | None = None
    """The newest release that is known; None where none is, or a given torch was asked."""
    open_upwards: bool = False
    """Whether the stable ABI promises that releases newer than ``known_to`` load it, too."""
    notes: tuple[str, ...] = ()
    """Sentences a reader should see."""

    def of(self, path: PurePath) -> tuple[LibraryLoads, ...]:
        """The images of one library of the report; none where it has nothing to do with torch."""
        return tuple(one for one in self.libraries if one.path == path)

    @property
    def uses_torch(self) -> bool:
        """Whether the question arises at all."""
        return bool(self.libraries)
