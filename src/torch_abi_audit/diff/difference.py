"""The vocabulary of ``diff``: what came, went or changed between two reports. Values alone."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import PackageReport


@dataclass(frozen=True, slots=True)
class Changed:
    """A value that is not what it was; None is absence."""

    what: str
    """A short noun phrase: ``torch verdict``."""
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Symbols:
    """Names of one kind that came or went."""

    kind: str
    """``unstable``, ``internal``, ``shim``, ``unknown shim``, ``unresolved``, ``unresolvable``,
    ``weak`` or ``cpython``: the lists of the verdicts."""
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LibraryChange:
    """A library that came, went, or changed; paths below the packages' roots."""

    old: str | None
    new: str | None
    changes: tuple[Changed, ...] = ()
    symbols: tuple[Symbols, ...] = ()

    @property
    def renamed(self) -> bool:
        """Whether it is there on both sides, under names that are no build's variations."""
        return self.old is not None and self.new is not None and self.old != self.new


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed in one package."""

    name: str
    old: PackageReport | None
    new: PackageReport | None
    changes: tuple[Changed, ...] = ()
    """Verdicts, floors and metadata of the package as a whole; an empty text is None, too."""
    libraries: tuple[LibraryChange, ...] = ()
    """Those that differ: changed first, then new, then gone."""
    unchanged: int = 0
    """Libraries on both sides without a difference."""
    symbols: tuple[Symbols, ...] = ()
    """Over all libraries: a symbol that only moved from one to another is in neither list."""
    releases_gained: tuple[str, ...] = ()
    """Torch releases that it loads on now and did not before; empty where that was not asked."""
    releases_lost: tuple[str, ...] = ()
    findings_gained: tuple[Finding, ...] = ()
    findings_lost: tuple[Finding, ...] = ()
    worse: tuple[str, ...] = ()
    """What got worse, a clause each; empty where nothing did."""

    @property
    def empty(self) -> bool:
        """Whether nothing differs."""
        return not (
            self.changes
            or self.libraries
            or self.symbols
            or self.releases_gained
            or self.releases_lost
            or self.findings_gained
            or self.findings_lost
        )
