"""What a rule is. The families beside this module hold the rules themselves."""

from __future__ import annotations

from torch_abi_audit.model.findings import Finding
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.model.findings import Severity


class About(StrEnum):
    """What a finding points to."""

    LIBRARY = "library"
    PACKAGE = "package"
    RUN = "run"
    """The run itself: its configuration, its baseline."""


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
    about: About = About.LIBRARY
    check: str | None = None
    """The ``--check`` of the judge whose ABI it is about: that check fails for it, whatever its
    severity."""
    modules_alone: bool = False
    """``check`` fails for it in an extension module of a package that uses torch alone; anywhere
    else its severity decides."""
    baseline: bool = True
    """Whether a baseline may hold it."""
    row: bool = False
    """The row of the library or package in the table says it: it is not listed below as well."""
    unread: bool = False
    """Nothing is known of what it points to: the run ends with exit code 2, no selection leaves it
    out, and an ignore has to name rule and library."""

    def finding(
        self,
        message: str,
        *,
        library: str | None = None,
        evidence: Iterable[str] = (),
        fix: str | None = None,
    ) -> Finding:
        """A finding of this rule, with its fix unless a better one is known."""
        return Finding(
            rule=self.id,
            severity=self.severity,
            message=message,
            library=library,
            evidence=tuple(evidence),
            fix=self.fix if fix is None else fix,
        )
