"""The values of ``diff``: what was added, removed or changed between two reports."""

from __future__ import annotations

from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.model.reports import PackageReport


@dataclass(frozen=True, slots=True)
class Changed:
    """A value that changed; None means that it is absent."""

    what: str
    """A short noun phrase: ``torch verdict``."""
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Symbols:
    """Symbols of one kind that were added or removed."""

    kind: str
    """``unstable``, ``internal``, ``shim``, ``unknown shim``, ``unresolved``, ``unresolvable``,
    ``weak`` or ``cpython``, after the lists of the verdicts."""
    gained: tuple[str, ...]
    lost: tuple[str, ...]


_RANKS = {Runs.NO: 0, Runs.PARTLY: 1, Runs.JIT: 2, Runs.YES: 3}
"""Answers from the worst to the best; one that is not known is neither."""


@dataclass(frozen=True, slots=True)
class GpuChange:
    """A generation of GPUs on which code runs otherwise than before."""

    gpu: Gpu
    old: Runs
    new: Runs
    """Never equal to ``old``."""
    fewer: bool = False
    """Whether fewer fatbins run there than before. Kernels that were added for other GPUs alone
    make code run only in part, and take nothing away."""

    @property
    def is_worse(self) -> bool:
        """Whether less of it runs there, only by JIT, or nobody can tell any more."""
        if self.new is Runs.PARTLY and not self.fewer:
            return False
        return self.is_unread or (self._known and _RANKS[self.new] < _RANKS[self.old])

    @property
    def is_unread(self) -> bool:
        """Whether nobody can tell any more that it runs there, as it did before."""
        return self.new is Runs.UNKNOWN and self.old is not Runs.NO

    @property
    def _known(self) -> bool:
        return self.old in _RANKS and self.new in _RANKS


@dataclass(frozen=True, slots=True)
class LibraryChange:
    """A library that was added, removed or changed; paths are relative to the packages' roots."""

    old: str | None
    new: str | None
    changes: tuple[Changed, ...] = ()
    symbols: tuple[Symbols, ...] = ()
    gpus: tuple[GpuChange, ...] = ()
    """If both sides have code for GPUs: the generations on which it runs otherwise."""

    @property
    def renamed(self) -> bool:
        """Whether both sides have it under names that differ by more than build tags."""
        return self.old is not None and self.new is not None and self.old != self.new


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes in one package."""

    name: str
    old: PackageReport | None
    new: PackageReport | None
    changes: tuple[Changed, ...] = ()
    """Changed verdicts, floors and metadata of the package; an empty text counts as None."""
    libraries: tuple[LibraryChange, ...] = ()
    """Libraries that differ: changed, then added, then removed."""
    unchanged: int = 0
    """Number of libraries that are equal on both sides."""
    symbols: tuple[Symbols, ...] = ()
    """Symbols of all libraries; one that moved between libraries is not listed."""
    releases_gained: tuple[str, ...] = ()
    """Torch releases that only the new side loads on; empty without load matrices."""
    releases_lost: tuple[str, ...] = ()
    """Torch releases that only the old side loads on."""
    gpus: tuple[GpuChange, ...] = ()
    """Generations of GPUs on which the package runs otherwise, older ones first."""
    findings_gained: tuple[Finding, ...] = ()
    findings_lost: tuple[Finding, ...] = ()
    worse: tuple[str, ...] = ()
    """What got worse, one clause each; empty if nothing did."""
    notes: tuple[str, ...] = ()
    """What could not be compared, as sentences."""

    @property
    def empty(self) -> bool:
        """Whether there is no difference."""
        return not (
            self.changes
            or self.libraries
            or self.symbols
            or self.releases_gained
            or self.releases_lost
            or self.gpus
            or self.findings_gained
            or self.findings_lost
        )
