"""What the detectors of a gate read: a finished report, and the stale parts of its settings."""

from __future__ import annotations

from torch_abi_audit.rules.context import Package
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime as dt

    from torch_abi_audit.model.outcome import Entry
    from torch_abi_audit.model.reports import PackageReport


@dataclass(frozen=True, slots=True)
class Required:
    """What is required of the binaries: ``require`` of the configuration."""

    torch: str | None = None
    """The newest torch that a library may need; ``python`` likewise."""
    python: str | None = None
    gpus: tuple[str, ...] = ()
    """The GPUs on which device code must run, as written: ``8.9``, ``RTX 4090``, ``gfx942``."""


class Reported(Package):
    """A finished report, of this run or an earlier one, and what the configuration expects."""

    def __init__(
        self, package: PackageReport, required: Required, *, may_be_empty: bool = True
    ) -> None:
        """Pair a report with what the configuration expects of it.

        Args:
            package: The report.
            required: What its libraries may need, and on which GPUs they must run.
            may_be_empty: Whether a package without libraries is no finding.
        """
        super().__init__(package)
        self.required = required
        self.may_be_empty = may_be_empty


@dataclass(frozen=True, slots=True)
class IdleIgnore:
    """An ignore that hides nothing."""

    text: str
    """Its place and what it covers: ``pyproject.toml:12: the ignore of T101 in lib/*``."""
    expired: dt.date | None = None
    """Its last day if it has expired; None if it matches nothing."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Ignores that hide nothing, and baseline entries that no longer occur."""

    ignores: tuple[IdleIgnore, ...] = ()
    baseline: str = ""
    """Name of the baseline file."""
    fixed: tuple[Entry, ...] = ()
    """Entries, or parts of entries, of that file that this run does not find."""
