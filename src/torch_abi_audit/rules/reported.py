"""What the detectors of a gate see: a finished report, and the upkeep of a run."""

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
    """The newest releases that a binary may need, as the configuration states them."""

    torch: str | None = None
    python: str | None = None


class Reported(Package):
    """A finished report, which may be of an earlier run, and what the configuration expects."""

    def __init__(
        self, package: PackageReport, required: Required, *, may_be_empty: bool = True
    ) -> None:
        """See a report with what is expected of it.

        Args:
            package: The report.
            required: The newest releases that its libraries may need.
            may_be_empty: Nobody minds where it holds no library.
        """
        super().__init__(package)
        self.required = required
        self.may_be_empty = may_be_empty


@dataclass(frozen=True, slots=True)
class IdleIgnore:
    """An ignore that hides nothing."""

    text: str
    """Where it stands and what it is for: ``pyproject.toml:12: the ignore of T101 in lib/*``."""
    expired: dt.date | None = None
    """Its last day, where that is over; None where it matches nothing."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What ignores and baseline of a run hold without need."""

    ignores: tuple[IdleIgnore, ...] = ()
    baseline: str = ""
    """The name of the baseline's file."""
    fixed: tuple[Entry, ...] = ()
    """What that file holds and this run does not find."""
