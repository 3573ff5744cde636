"""One thing worth a reader's attention, and how bad it is."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth a reader's attention, with its proof."""

    rule: str
    """Id of the rule in ``rules``."""
    severity: Severity
    message: str
    """One sentence that stands alone."""
    library: str | None = None
    """Path of the library below the package's root; None where the package as a whole is meant."""
    evidence: tuple[str, ...] = ()
    """Symbols, tags or paths that prove it, sorted."""
    fix: str = ""
    """What to do, as one sentence."""
