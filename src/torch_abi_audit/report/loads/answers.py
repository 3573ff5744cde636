"""What ``compat`` has to report: packages with their load matrices, and what was asked."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.reports import PackageReport


@dataclass(frozen=True, slots=True)
class Answers:
    """The packages that were asked about."""

    packages: tuple[PackageReport, ...]
    """Each with ``loads`` or an ``error``."""
    directory: str | None = None
    """The site-packages directory, where an environment was asked for."""
    given: str | None = None
    """The one torch that was asked, where one was given by its path: its version and place."""
