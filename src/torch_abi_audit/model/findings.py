"""Findings: what a rule reports, and how severe it is."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass


class Severity(StrEnum):
    """How severe a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem that a rule reports, with its evidence."""

    rule: str
    """Id of the rule in ``rules``."""
    severity: Severity
    message: str
    """One sentence without a full stop; without a subject where that is ``library``."""
    library: str | None = None
    """Path of the library below the package's root; None if it is about the package as a whole."""
    evidence: tuple[str, ...] = ()
    """Symbols, tags or paths that prove the finding, sorted."""
    fix: str = ""
    """What to do, as one sentence."""
