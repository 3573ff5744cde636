"""The outcome of a run: the value that every output format renders."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import PurePath

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.history import Release
    from torch_abi_audit.model.reports import PackageReport


class Status(StrEnum):
    """Whether a finding is open or hidden."""

    OPEN = "open"
    IGNORED = "ignored"
    """An ignore of the configuration covers it."""
    KNOWN = "known"
    """It is in the baseline."""


@dataclass(frozen=True, slots=True)
class Key:
    """One rule in one library, by names that do not change when the package is rebuilt.

    ``knowledge.names.identity`` makes these names.
    """

    package: str
    library: str
    """Empty for a finding about the package as a whole."""
    rule: str


@dataclass(frozen=True, slots=True)
class Result:
    """One finding of one rule in one library, and whether it is open, ignored or known."""

    finding: Finding
    """An open finding has only the evidence that is not hidden; any other has all of it."""
    key: Key
    report: PackageReport | None = None
    """The package it is about; None if it is about the run's configuration or baseline."""
    status: Status = Status.OPEN
    reason: str = ""
    """Why it is not open: the reason of the ignore, or the name of the baseline."""
    hidden: tuple[str, ...] = ()
    """Evidence of an open finding that ignores or the baseline hide."""
    fails: bool = False
    """Whether it fails the gate; False without a gate."""

    @property
    def package(self) -> str:
        """The package's name; empty if the finding is about the run."""
        return "" if self.report is None else self.report.name

    @property
    def where(self) -> str:
        """The path of the library, or else the name of the package."""
        return self.finding.library or self.package


@dataclass(frozen=True, slots=True)
class Entry:
    """A baseline's entry for one rule in one library."""

    key: Key
    symbols: tuple[str, ...] = ()
    """The known symbols, sorted; empty for a rule whose evidence is not itemized."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The decision of the gate."""

    failures: tuple[str, ...] = ()
    """One line for each package and reason; empty if no finding fails."""
    empty: bool = False
    """Whether no library was audited although that was not allowed."""
    unread: bool = False
    """Whether something could not be read, so that the gate cannot pass."""

    @property
    def passed(self) -> bool:
        """Whether everything was read and nothing fails."""
        return not (self.failures or self.empty or self.unread)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The reports of one run, their findings and the decision of the gate."""

    packages: tuple[PackageReport, ...]
    results: tuple[Result, ...] = ()
    """The findings in the order of the packages; within one, worst first, then by library."""
    site_packages: PurePath | None = None
    """The site-packages directory, if an environment was audited."""
    fixed: tuple[Entry, ...] = ()
    """Baseline entries, or parts of them, that this run no longer finds."""
    gate: Gate | None = None
    """None if the run has no gate."""
    history: tuple[Release, ...] = ()
    """The releases of the projects whose history was asked for, by project, oldest first."""

    @property
    def standing(self) -> tuple[Result, ...]:
        """Results that neither an ignore nor the baseline hides."""
        return tuple(one for one in self.results if one.status is Status.OPEN)

    @property
    def suppressed(self) -> tuple[Result, ...]:
        """Results that an ignore or the baseline hides as a whole."""
        return tuple(one for one in self.results if one.status is not Status.OPEN)
