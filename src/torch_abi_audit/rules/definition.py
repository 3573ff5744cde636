"""What a rule is. The families beside this module hold the rules themselves."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.findings import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding. Texts are plain sentences; back quotes mark what a user types."""

    id: str
    """Stable: a letter for the family, three digits."""
    name: str
    """Stable, in words: ``second-libtorch``."""
    title: str
    """What is the case when the rule fires, as one clause without a full stop."""
    why: str
    """What it does to whoever installs the package."""
    fix: str
    """What to do, as one sentence."""
    severity: Severity
    default: bool = True
    """Whether it is on where nothing selects rules."""
    itemized: bool = False
    """Each piece of a finding's evidence stands for itself: it is ignored, kept in a baseline and
    found new one by one. Elsewhere the finding is one thing, whatever its evidence."""
    example: str = ""
    """What a finding of it looks like, as one line."""
