"""The values of a migration plan: uses of libtorch, their replacements, and the progress.

``plan`` and ``translation_units`` compute them.
"""

from __future__ import annotations

from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import MappingProxyType, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_abi_audit.port.source.findings import SourceView


class Way(StrEnum):
    """How an API can be replaced at a chosen torch release."""

    NOW = "replace-now"
    DISPATCHER = "dispatcher"
    GOES = "goes-away"
    """No source calls it: inlined from unstable headers, it goes away with their includes."""
    LATER = "newer-torch"
    """A replacement exists, but the chosen release does not have it yet."""
    NOT_YET = "not-yet"
    UNKNOWN = "unclassified"
    """The table of replacements has no row for it."""


COVERED = frozenset({Way.NOW, Way.DISPATCHER, Way.GOES})
"""The ways that count as covered by the stable ABI."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """Another way, for headers that are older than the replacement's."""

    use: str
    header: str
    """Enough alone to compile and link ``use``."""
    since: str
    """The first torch release whose headers compile it."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place where an object file or library uses a symbol.

    For code that was inlined from a header of another project, it is the place in the project's
    own source that called it, if there is one.
    """

    function: str | None
    """The demangled function; None for data, such as a vtable, or if unknown."""
    source: str | None = None
    """The source file, from debug information; None without it."""
    line: int | None = None
    count: int = 1
    """Number of references with the same function, file and line."""
    own: bool | None = None
    """True for the project's own source, False for code inlined from headers of torch or others,
    None if neither the debug information nor the function shows it."""


NO_SITES: Mapping[bytes, tuple[Site, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Unit:
    """A library or object file that uses libtorch."""

    name: str
    """Path relative to the target's root, with forward slashes."""
    unstable: tuple[bytes, ...] = ()
    """Raw names of the unstable libtorch symbols that it needs, sorted."""
    shims: tuple[bytes, ...] = ()
    """Raw names of the C shims that it needs, sorted."""
    links: tuple[str, ...] = ()
    """Libtorch libraries that it is linked to."""
    sites: Mapping[bytes, tuple[Site, ...]] = field(default_factory=lambda: NO_SITES)
    """The references to each name; for libraries, only if they have debug information."""
    source: str | None = None
    """The source file that it was compiled from, if recorded."""
    evidence: tuple[str, ...] = ()
    """Definitions from unstable headers that it contains, demangled."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One API of the plan, with its replacement and its cost."""

    api: str
    way: Way
    use: str | None
    header: str | None
    since: str | None
    floor: str | None
    effort: int
    note: str
    symbols: tuple[str, ...]
    """Demangled, in the order of the mangled names."""
    units: tuple[str, ...]
    uses: int
    """References; for libraries without debug information, pairs of a library and a symbol."""
    own: int | None = None
    """Number of uses in the project's own source; None if unknown."""
    shims: tuple[str, ...] = ()
    sites: tuple[tuple[str, Site], ...] = ()
    """The unit and place of each use, those in the project's own source first."""
    macros: tuple[str, ...] = ()
    """Macros that must be defined for the replacement, ``TORCH_TARGET_VERSION`` aside."""
    fallback: Fallback | None = None
    """What works with older headers than ``since``; None if there is nothing."""
    differs: str = ""
    """What the replacement does differently at run time; empty if nothing is known."""
    refused: tuple[str, ...] = ()
    """Types of the operator's schema that the dispatcher's stable interface cannot carry."""
    origin: str | None = None
    """What brings the symbols where the source does not call them: an include, another API."""
    operator: str | None = None
    """The operator, such as ``aten::add.Tensor``, that the API calls; None if it calls none."""


@dataclass(frozen=True, slots=True)
class Target:
    """The effect of choosing another oldest torch release."""

    release: str
    coverage: float
    unlocks: tuple[str, ...] = ()
    """APIs that can be replaced at this release but not at the chosen one."""
    loses: tuple[str, ...] = ()
    """APIs that can be replaced at the chosen release but not at this one."""


@dataclass(frozen=True, slots=True)
class FloorStep:
    """One step below the current floor."""

    release: str
    """The floor if the shims in ``without`` are no longer used."""
    without: tuple[str, ...]
    """All shims that are newer than this release, sorted."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A library, shim or header that is no longer needed."""

    what: str
    units: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class UnitProgress:
    """The progress of one library or object file."""

    name: str
    unstable: int
    """Symbols outside of the stable ABI, internal ones among them."""
    shims: int
    source: str | None = None
    last_to_need: tuple[str, ...] = ()
    """Symbols that no other object file of the target needs."""
    evidence: tuple[str, ...] = ()
    own: int | None = None
    """Number of unstable references in the project's own source; None if unknown."""
    error: str | None = None
    internal: int = 0
    """Those of ``unstable`` that name no type of the unstable API."""

    @property
    def state(self) -> TorchLabel:
        """The torch label of the unit."""
        if self.error is not None:
            return TorchLabel.ERROR
        if self.unstable:
            return TorchLabel.UNSTABLE
        return TorchLabel.STABLE if self.shims else TorchLabel.NO_TORCH


@dataclass(frozen=True, slots=True)
class Since:
    """The changes since a saved report."""

    gone: tuple[str, ...]
    """Unstable symbols that are no longer used."""
    new: tuple[str, ...]
    before: int
    now: int
    units: tuple[tuple[str, int | None, int | None], ...] = ()
    """Units whose count changed: name, old and new count; None if the unit is absent."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The migration of one target to the stable ABI."""

    name: str
    root: str
    verdict: TorchLabel
    """``STABLE``, ``UNSTABLE``, ``NO-TORCH`` or ``ERROR``."""
    target: str
    """The oldest torch release to support."""
    coverage: float
    """Share of the distinct unstable symbols that can be replaced, or called through the
    dispatcher, at ``target``; 1 if there are none, but 0 if files could not be read as well."""
    classified: float
    """Share of them that the table of replacements has a row for; 1 if there are none."""
    symbols: int
    """Number of distinct symbols outside the stable ABI, including internal ones."""
    uses: int
    internal: int = 0
    """Number of those symbols that are internal: they name no type of the unstable API."""
    items: tuple[Item, ...] = ()
    """Sorted by class and effort, cheapest first."""
    targets: tuple[Target, ...] = ()
    floor: str | None = None
    """The oldest release that has every shim in use; None if no shim is used."""
    floor_steps: tuple[FloorStep, ...] = ()
    drops: tuple[Drop, ...] = ()
    units: tuple[UnitProgress, ...] = ()
    objects: bool = False
    """Whether the units are object files; if so, ``uses`` counts references."""
    since: Since | None = None
    notes: tuple[str, ...] = ()
    source: SourceView | None = None
    """What the sources say, if they were read."""
