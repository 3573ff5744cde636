"""What a rule is. The rules themselves are in the family modules beside this one."""

from __future__ import annotations

from torch_abi_audit.model.findings import Finding
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.model.findings import Severity
    from torch_abi_audit.model.reports import ExtensionReport


class About(StrEnum):
    """What a finding points to."""

    LIBRARY = "library"
    PACKAGE = "package"
    RUN = "run"
    """The run itself: its configuration or its baseline."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding. Texts are plain sentences; backquotes mark code and options."""

    id: str
    """A letter for the family and three digits; never changes."""
    name: str
    """In words, such as ``second-libtorch``; never changes."""
    title: str
    """What the rule found, as one clause without a full stop."""
    why: str
    """What happens to whoever installs the package."""
    fix: str
    """What to do, as one sentence."""
    severity: Severity
    default: bool = True
    """Whether the rule is on where nothing selects rules."""
    itemized: bool = False
    """Whether each piece of evidence is ignored, kept in a baseline and reported as new on its own.
    If not, the finding is handled as a whole, whatever its evidence."""
    one_floor: bool = False
    """Whether messages that differ only in their numbers are one fact about the package: libraries
    that need different releases of one thing, with one fix."""
    unites: bool = False
    """Whether messages that differ only in the names that they list are one fact about the package,
    even if they have no name in common."""
    example: str = ""
    """An example of a finding, as one line."""
    about: About = About.LIBRARY
    check: str | None = None
    """The ``--check`` of the judge of its ABI: that check fails on a finding, whatever its
    severity."""
    required: bool = False
    """The finding breaks what ``require`` of the configuration asks for, and no ``check`` is about
    that: whether it fails depends on its severity alone, whatever ``check`` is."""
    told_by: str | None = None
    """The id of a rule that may say the same of an architecture, which then is not said again: in
    the same library, or anywhere in the package for a rule about the package."""
    baseline: bool = True
    """Whether a baseline may hold its findings."""
    row: bool = False
    """The table's row of the library or package already shows the finding, so the table does not
    list it again below."""
    unread: bool = False
    """The finding is about something that could not be read: the run ends with exit code 2, no
    selection leaves the finding out, and an ignore must name both rule and library."""

    def finding(
        self,
        message: str,
        *,
        library: str | None = None,
        evidence: Iterable[str] = (),
        fix: str | None = None,
    ) -> Finding:
        """A finding of this rule; ``fix`` replaces the rule's own fix text."""
        return Finding(
            rule=self.id,
            severity=self.severity,
            message=message,
            library=library,
            evidence=tuple(evidence),
            fix=self.fix if fix is None else fix,
        )


def not_lent(names: Iterable[str], library: ExtensionReport) -> tuple[str, ...]:
    """The names that no library of a required distribution exports for this one."""
    lent = library.lent_names
    return tuple(name for name in names if name not in lent)
