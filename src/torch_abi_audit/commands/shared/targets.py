"""Resolves and audits the TARGETs of every verb, with a progress bar for slow runs."""

from __future__ import annotations

from torch_abi_audit import sources
from torch_abi_audit.audit.pipeline import audit_packages, audit_targets, failed
from torch_abi_audit.commands.shared.environment import environment, own
from torch_abi_audit.commands.shared.progress import activity
from torch_abi_audit.judges.interface import Names
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.commands.shared.environment import Environment
    from torch_abi_audit.model.history import Release
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.sources import Found
    from torch_abi_audit.sources.index.web import Watch
    from torch_abi_audit.sources.index.wheels import Choice
    from torch_abi_audit.sources.requirements import Opener


@dataclass(frozen=True, slots=True)
class Loaded:
    """The reports of one run."""

    packages: tuple[PackageReport, ...]
    """In the order of the TARGETs; a TARGET that was not found has an ``error``."""
    directory: str | None = None
    """The site-packages directory, if an environment was inspected."""
    history: tuple[Release, ...] = ()
    """The releases of the projects whose history was asked for."""


@dataclass(frozen=True, slots=True)
class Search:
    """How TARGETs are looked up."""

    environment: Environment
    choice: Choice | None = None
    """Which wheels to select from an index; None if no TARGET is in one."""
    bar: bool = False
    """Whether a bar may be drawn."""
    releases: list[Release] = field(default_factory=list)
    """Filled with the releases of a project if its history is asked for."""
    with_requirements: bool = False
    """Whether requirements may be fetched from an index."""

    def opener(self, watch: Watch | None) -> Opener | None:
        """Return what opens requirements on the index; None unless asked for."""
        if not self.with_requirements:
            return None
        from torch_abi_audit.sources.requirements import fetched

        return fetched(watch)


def search(options: argparse.Namespace, words: Sequence[str | None]) -> Search:
    """Return how to look up the TARGETs of a command line.

    Args:
        options: The parsed command line.
        words: All TARGETs to look up.

    Raises:
        TargetError: the interpreter of the selected environment does not exist or does not answer.
    """
    choice = None
    releases: list[Release] = []
    if any(map(_is_of_index, filter(None, words))):
        from torch_abi_audit.sources.index.wheels import Choice

        choice = Choice(
            options.platform,
            options.python_version,
            bool(getattr(options, "all_platforms", False)),
            bool(getattr(options, "history", False)),
            releases.append,
        )
    if getattr(options, "site_packages", None) is not None:  # names are not looked up
        place = own()
    else:
        whole = not getattr(options, "targets", True)
        place = environment(options.python, quiet=bool(options.quiet), whole=whole)
    asked = bool(getattr(options, "with_requirements", False))
    bar = wants_bar(options)
    return Search(place, choice, bar=bar, releases=releases, with_requirements=asked)


def wants_bar(options: argparse.Namespace) -> bool:
    """Whether a bar may be drawn."""
    return not (options.no_progress or options.quiet)


def load(options: argparse.Namespace, looking: Search, *, names: Names = Names.ALL) -> Loaded:
    """Resolve and audit the packages that the options of ``INSPECTED`` select.

    Args:
        options: The parsed command line.
        looking: How TARGETs are looked up.
        names: The names that the verdicts must contain; see ``audit``.

    Raises:
        TargetError: the directory of ``--site-packages`` cannot be listed.
    """
    if options.targets:
        packages = audited(options.targets, looking, names=names)
        return Loaded(packages, history=tuple(looking.releases))
    from torch_abi_audit.sources import environments

    sites = looking.environment.sites
    if options.site_packages is not None:
        inventory = environments.site_packages(options.site_packages)
    elif sites is None:
        inventory = environments.environment()
    else:
        inventory = environments.inventory(sites)
    with activity(enabled=looking.bar) as shown:
        opener = looking.opener(None if shown is None else shown.watch)
        packages = audit_packages(
            inventory.packages, shown, names=names, shared=opener is None, opener=opener
        )
    return Loaded(packages, directory=inventory.directories[0] if inventory.directories else "")


def audited(
    targets: Sequence[str], looking: Search, *, names: Names = Names.ALL
) -> tuple[PackageReport, ...]:
    """Audit TARGETs; the report of one that was not found has an ``error``.

    Args:
        targets: As typed; one TARGET may stand for several packages.
        looking: How they are looked up.
        names: The names that the verdicts must contain; see ``audit``.
    """
    with activity(enabled=looking.bar) as shown:
        watch = None if shown is None else shown.watch

        def found(target: str) -> Iterator[Found | PackageReport]:
            return _resolve(target, looking, watch=watch)

        if looking.with_requirements or any(map(_is_of_index, targets)):
            every = [one for each in targets for one in found(each)]
            opener = looking.opener(watch)
            return audit_packages(every, shown, names=names, shared=False, opener=opener)
        where = looking.environment.path
        return audit_targets(targets, found, shown, names=names, search_path=where)


def _is_of_index(target: str) -> bool:
    """Whether a TARGET is in an index; only this process may use connections, cache and bar."""
    return target.startswith(sources.INDEX_PREFIX)


def saved_reports(path: str) -> tuple[PackageReport, ...]:
    """Read the reports that were saved with ``--json``.

    Raises:
        AuditError: the file cannot be read or is not a report.
    """
    from torch_abi_audit.report.audit import saved
    from torch_abi_audit.sources.files.documents import read_text

    return saved.parse(read_text(path), path)


def _resolve(
    target: str, looking: Search, *, watch: Watch | None
) -> Iterator[Found | PackageReport]:
    path = looking.environment.path
    try:
        for one in sources.several(target, search_path=path, choice=looking.choice, watch=watch):
            yield failed(target, one) if isinstance(one, TargetError) else one
    except TargetError as error:
        yield failed(target, error)
