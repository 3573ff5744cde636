"""What every verb does first: its TARGETs, resolved and audited, with a bar where it takes long."""

from __future__ import annotations

from torch_abi_audit import sources
from torch_abi_audit.audit import audit, failed
from torch_abi_audit.errors import TargetError
from torch_abi_audit.mangling import demangle
from torch_abi_audit.model import PackageReport
from torch_abi_audit.progress import progress
from torch_abi_audit.record import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from torch_abi_audit.sources import Found

    Spell = Callable[[Iterable[bytes]], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The reports of one run."""

    packages: tuple[PackageReport, ...]
    """In the order asked for; a TARGET that names nothing is here with its ``error``."""
    directory: str | None = None
    """The site-packages directory, where an environment was asked for."""


def load(options: argparse.Namespace, *, spell: Spell = demangle) -> Loaded:
    """Resolve and audit what ``options.add_target_options`` took in.

    Args:
        options: The command line's.
        spell: How symbols are shown; see ``audit``.

    Raises:
        TargetError: ``--site-packages`` names nothing that can be listed.
    """
    if options.targets:
        return Loaded(audited(options.targets, bar=not options.no_progress, spell=spell))
    inventory = (
        sources.environment() if options.env else sources.site_packages(options.site_packages)
    )
    return Loaded(
        _audited(inventory.packages, bar=not options.no_progress, spell=spell),
        directory=inventory.directories[0] if inventory.directories else "",
    )


def audited(
    targets: Sequence[str], *, bar: bool, spell: Spell = demangle
) -> tuple[PackageReport, ...]:
    """The reports on TARGETs; one that names nothing has the reason in its ``error``."""
    return _audited([_resolve(target) for target in targets], bar=bar, spell=spell)


def saved_reports(path: str) -> tuple[PackageReport, ...]:
    """The reports that ``--json`` wrote to a file.

    Raises:
        AuditError: it cannot be read, or holds something else.
    """
    from torch_abi_audit import saved
    from torch_abi_audit.sources.documents import read_text

    return saved.parse(read_text(path), path)


def _resolve(target: str) -> Found | PackageReport:
    try:
        return sources.resolve(target)
    except TargetError as error:
        return failed(target, error)


def _audited(
    found: Sequence[Found | PackageReport], *, bar: bool, spell: Spell
) -> tuple[PackageReport, ...]:
    total = sum(0 if isinstance(one, PackageReport) else len(one.candidates) for one in found)
    with progress(total, enabled=bar) as step:
        return tuple(
            one if isinstance(one, PackageReport) else audit(one, step, spell=spell)
            for one in found
        )
