"""The vocabulary of a migration: what uses libtorch, what stands for it, how far it is.

Values alone; ``port`` computes them.
"""

from __future__ import annotations

from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import MappingProxyType, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Way(StrEnum):
    """What can be done about an API at a chosen torch release."""

    NOW = "replace-now"
    DISPATCHER = "dispatcher"
    LATER = "newer-torch"
    """There is a replacement, and the chosen release does not have it yet."""
    NOT_YET = "not-yet"
    UNKNOWN = "unclassified"
    """No row of the table covers it."""


COVERED = frozenset({Way.NOW, Way.DISPATCHER})


@dataclass(frozen=True, slots=True)
class Site:
    """Where an object file refers to a symbol."""

    function: str | None
    """Demangled; None for a table of data, such as a vtable, or where nothing says."""
    source: str | None = None
    """Source file of the line that the reference was compiled from, where a line table says."""
    line: int | None = None
    count: int = 1
    """References of the same function, file and line."""
    own: bool | None = None
    """True for the project's own source, False for code inlined from torch's headers, None where
    neither the line table nor the function tells."""


NO_SITES: Mapping[bytes, tuple[Site, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Unit:
    """Something that uses libtorch: a library, or an object file."""

    name: str
    """Below the target's root, with forward slashes."""
    unstable: tuple[bytes, ...] = ()
    """Raw names of libtorch's unstable ABI that it needs, sorted."""
    shims: tuple[bytes, ...] = ()
    """Raw names of the C shims that it needs, sorted."""
    links: tuple[str, ...] = ()
    """Libraries of libtorch that it is linked to."""
    sites: Mapping[bytes, tuple[Site, ...]] = field(default_factory=lambda: NO_SITES)
    """Where it refers to each name: object files alone."""
    source: str | None = None
    """The source file that it was compiled from, where it says."""
    evidence: tuple[str, ...] = ()
    """Definitions, demangled, that unstable headers left in it."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One API of the plan."""

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
    """References of object files; pairs of a library and a symbol elsewhere."""
    own: int | None = None
    """Of the uses, those that the project's own source spells; None where nothing tells."""
    shims: tuple[str, ...] = ()
    sites: tuple[tuple[str, Site], ...] = ()
    """Unit and place of each use, the project's own first."""


@dataclass(frozen=True, slots=True)
class Target:
    """What another choice of the oldest torch release would mean."""

    release: str
    coverage: float
    unlocks: tuple[str, ...] = ()
    """APIs that can be replaced there and not at the chosen release."""
    loses: tuple[str, ...] = ()
    """APIs that can be replaced at the chosen release and not there."""


@dataclass(frozen=True, slots=True)
class FloorStep:
    """One step down from today's floor."""

    release: str
    """The oldest release without ``without``."""
    without: tuple[str, ...]
    """All shims that stand between today and that release, sorted."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Something that a library could do without."""

    what: str
    units: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class UnitProgress:
    """How far one library or object file is."""

    name: str
    unstable: int
    shims: int
    source: str | None = None
    last_to_need: tuple[str, ...] = ()
    """Symbols that no other object file of the target needs."""
    evidence: tuple[str, ...] = ()
    own: int | None = None
    """Unstable references from the project's own source, where a line table tells."""
    error: str | None = None

    @property
    def state(self) -> TorchLabel:
        """Its label."""
        if self.error is not None:
            return TorchLabel.ERROR
        if self.unstable:
            return TorchLabel.UNSTABLE
        return TorchLabel.STABLE if self.shims else TorchLabel.NO_TORCH


@dataclass(frozen=True, slots=True)
class Since:
    """What changed since a saved report."""

    gone: tuple[str, ...]
    """Unstable symbols that nothing needs any longer."""
    new: tuple[str, ...]
    before: int
    now: int
    units: tuple[tuple[str, int | None, int | None], ...] = ()
    """Units whose count changed: name, then and now; None where there was or is none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The migration of one target to the stable ABI."""

    name: str
    root: str
    verdict: TorchLabel
    """``STABLE``, ``UNSTABLE``, ``NO-TORCH`` or ``ERROR``."""
    target: str
    """The oldest torch release that the package is to run on."""
    coverage: float
    """Share of the distinct unstable symbols that can be replaced, or called through the
    dispatcher, at ``target``; 1 where there are none, 0 where files could not be read as well."""
    classified: float
    """Share of them that falls under any row of the table; 1 where there are none."""
    symbols: int
    """Distinct symbols outside of the stable ABI, internal ones among them."""
    uses: int
    internal: int = 0
    """Those of ``symbols`` that name no type of the unstable API."""
    items: tuple[Item, ...] = ()
    """The cheapest wins first."""
    targets: tuple[Target, ...] = ()
    floor: str | None = None
    """The oldest release that has every shim in use; None where none is."""
    floor_steps: tuple[FloorStep, ...] = ()
    drops: tuple[Drop, ...] = ()
    units: tuple[UnitProgress, ...] = ()
    objects: bool = False
    """Whether the units are object files, so that ``uses`` counts references."""
    since: Since | None = None
    notes: tuple[str, ...] = ()
