"""What every verb does first: its TARGETs, resolved and audited, with a bar where it takes long."""

from __future__ import annotations

from torch_abi_audit import sources
from torch_abi_audit.audit.pipeline import audit_packages, audit_targets, failed
from torch_abi_audit.commands.shared.environment import environment, own
from torch_abi_audit.commands.shared.progress import activity
from torch_abi_audit.judges.interface import Names
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.commands.shared.environment import Environment
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.sources import Found
    from torch_abi_audit.sources.index.web import Watch
    from torch_abi_audit.sources.index.wheels import Choice


@dataclass(frozen=True, slots=True)
class Loaded:
    """The reports of one run."""

    packages: tuple[PackageReport, ...]
    """In the order asked for; a TARGET that names nothing is here with its ``error``."""
    directory: str | None = None
    """The site-packages directory, where an environment was asked for."""


@dataclass(frozen=True, slots=True)
class Search:
    """How TARGETs are looked up."""

    environment: Environment
    choice: Choice | None = None
    """Which wheels of an index are wanted; None where none is asked of an index."""
    bar: bool = False
    """Whether a bar may be drawn."""


def search(options: argparse.Namespace, words: Sequence[str | None]) -> Search:
    """How the TARGETs of a command line are looked up.

    Args:
        options: The command line's.
        words: Every TARGET that is going to be looked up.

    Raises:
        TargetError: the environment that is meant has no interpreter that answers.
    """
    choice = None
    if any(map(_is_of_index, filter(None, words))):
        from torch_abi_audit.sources.index.wheels import Choice

        choice = Choice(
            options.platform,
            options.python_version,
            bool(getattr(options, "all_platforms", False)),
            bool(getattr(options, "history", False)),
        )
    if getattr(options, "site_packages", None) is not None:  # names are not looked up
        place = own()
    else:
        place = environment(options.python, quiet=bool(options.quiet))
    return Search(place, choice, bar=wants_bar(options))


def wants_bar(options: argparse.Namespace) -> bool:
    """Whether a bar may be drawn."""
    return not (options.no_progress or options.quiet)


def load(options: argparse.Namespace, looking: Search, *, names: Names = Names.ALL) -> Loaded:
    """Resolve and audit what the options of ``INSPECTED`` took in.

    Args:
        options: The command line's.
        looking: How TARGETs are looked up.
        names: Which names the verdicts hold at least; see ``audit``.

    Raises:
        TargetError: ``--site-packages`` names nothing that can be listed.
    """
    if options.targets:
        return Loaded(audited(options.targets, looking, names=names))
    sites = looking.environment.sites
    if options.site_packages is not None:
        inventory = sources.site_packages(options.site_packages)
    elif sites is None:
        inventory = sources.environment()
    else:
        inventory = sources.inventory(sites)
    with activity(enabled=looking.bar) as shown:
        packages = audit_packages(inventory.packages, shown, names=names)
    return Loaded(packages, directory=inventory.directories[0] if inventory.directories else "")


def audited(
    targets: Sequence[str], looking: Search, *, names: Names = Names.ALL
) -> tuple[PackageReport, ...]:
    """The reports on TARGETs; one that names nothing has the reason in its ``error``.

    Args:
        targets: As typed; one may stand for several packages.
        looking: How they are looked up.
        names: Which names the verdicts hold at least; see ``audit``.
    """
    with activity(enabled=looking.bar) as shown:
        watch = None if shown is None else shown.watch

        def found(target: str) -> Iterator[Found | PackageReport]:
            return _resolve(target, looking, watch=watch)

        if any(map(_is_of_index, targets)):
            every = [one for each in targets for one in found(each)]
            return audit_packages(every, shown, names=names, shared=False)
        where = looking.environment.path
        return audit_targets(targets, found, shown, names=names, search_path=where)


def _is_of_index(target: str) -> bool:
    """Whether it is fetched: its connections, and what is drawn and kept, are this process's."""
    return target.startswith(sources.INDEX_PREFIX)


def saved_reports(path: str) -> tuple[PackageReport, ...]:
    """The reports that ``--json`` wrote to a file.

    Raises:
        AuditError: it cannot be read, or holds something else.
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
