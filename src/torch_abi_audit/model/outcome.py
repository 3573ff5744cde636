"""What a run comes to: the value that every format is rendered from."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import PurePath

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import PackageReport


class Status(StrEnum):
    """Whether a finding stands."""

    OPEN = "open"
    IGNORED = "ignored"
    """An ignore of the configuration covers it."""
    KNOWN = "known"
    """It is in the baseline."""


@dataclass(frozen=True, slots=True)
class Key:
    """One rule in one library, by names that survive a rebuild: see ``fingerprint``."""

    package: str
    library: str
    """Empty for the package as a whole."""
    rule: str


@dataclass(frozen=True, slots=True)
class Result:
    """One finding of one rule in one library, and what has become of it."""

    finding: Finding
    """Its evidence is what stands; all of it where nothing stands."""
    key: Key
    report: PackageReport | None = None
    """Whose it is; None where it is about the run: its configuration, its baseline."""
    status: Status = Status.OPEN
    reason: str = ""
    """Why it does not stand."""
    hidden: tuple[str, ...] = ()
    """Evidence that ignores or the baseline took from a finding that stands all the same."""
    fails: bool = False
    """It fails the gate, where one was asked for."""

    @property
    def package(self) -> str:
        """The package's name; empty where it is about the run."""
        return "" if self.report is None else self.report.name

    @property
    def where(self) -> str:
        """The library's path, else the package's name: where a reader should look."""
        return self.finding.library or self.package


@dataclass(frozen=True, slots=True)
class Entry:
    """What a baseline holds of one rule in one library."""

    key: Key
    symbols: tuple[str, ...] = ()
    """Sorted; empty for a rule whose evidence is not itemized."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate decided."""

    failures: tuple[str, ...] = ()
    """One sentence for each package and reason; empty where it passes."""
    empty: bool = False
    """Nothing was audited, and that was not allowed."""
    unread: bool = False
    """Something could not be read, so that nothing good can be said."""

    @property
    def passed(self) -> bool:
        """Whether all was read, and nothing fails."""
        return not (self.failures or self.empty or self.unread)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The reports of one run, their findings, and what the gate says."""

    packages: tuple[PackageReport, ...]
    results: tuple[Result, ...] = ()
    """In the order of the packages; within one, worst first, then by library."""
    site_packages: PurePath | None = None
    """The directory, where an environment was audited."""
    fixed: tuple[Entry, ...] = ()
    """What the baseline holds and this run no longer finds."""
    gate: Gate | None = None
    """None where no gate was asked for."""

    @property
    def standing(self) -> tuple[Result, ...]:
        """Results that neither an ignore nor the baseline covers."""
        return tuple(one for one in self.results if one.status is Status.OPEN)

    @property
    def suppressed(self) -> tuple[Result, ...]:
        """Results that an ignore or the baseline covers as a whole."""
        return tuple(one for one in self.results if one.status is not Status.OPEN)
