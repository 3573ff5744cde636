"""The report of ``compat``: packages with their load matrices."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.reports import PackageReport


@dataclass(frozen=True, slots=True)
class Answers:
    """The packages of a run, and what they were checked against."""

    packages: tuple[PackageReport, ...]
    """Each with ``loads`` or an ``error``."""
    directory: str | None = None
    """The site-packages directory, if an environment was inspected."""
    given: str | None = None
    """The version and path of the torch that was given by its path; None if none was."""
