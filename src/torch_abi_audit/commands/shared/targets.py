"""What every verb does first: its TARGETs, resolved and audited, with a bar where it takes long."""

from __future__ import annotations

import os
import stat

from torch_abi_audit import sources
from torch_abi_audit.audit.pipeline import audit, failed
from torch_abi_audit.commands.shared.environment import environment, own
from torch_abi_audit.commands.shared.progress import activity
from torch_abi_audit.judges.torch_abi import Names
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.model.reports import PackageReport
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.runtime.workers import processors, share

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from torch_abi_audit.commands.shared.environment import Environment
    from torch_abi_audit.commands.shared.progress import Activity
    from torch_abi_audit.sources import Found
    from torch_abi_audit.sources.index.web import Watch
    from torch_abi_audit.sources.index.wheels import Choice

    Step = Callable[[str], None]
    T = TypeVar("T")

_LARGE, _SMALL = 64 << 20, 4 << 20
"""Bytes from where on several processes are faster than one: of many libraries, and of a file."""


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
    return Loaded(
        _audited(inventory.packages, bar=looking.bar, names=names),
        directory=inventory.directories[0] if inventory.directories else "",
    )


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

        def found(target: str) -> list[Found | PackageReport]:
            return list(_resolve(target, looking, watch=watch))

        fetched = any(map(_is_of_index, targets))
        if fetched or all(map(_is_small, targets[1:])):
            every = [one for each in targets for one in found(each)]
            return _audit_each(every, shown, names=names, shared=not fetched)
        step = None if shown is None else shown.step

        def reports(number: int, step: Step | None) -> tuple[PackageReport, ...]:
            return tuple(
                _audit_one(each, step, names=names, hands=_hands(each))
                for each in found(targets[number])
            )

        weights = [_weight(each, looking.environment.path) for each in targets]
        return tuple(one for each in _shared(weights, reports, step) for one in each)


def _shared(
    weights: list[int], make: Callable[[int, Step | None], T], step: Step | None
) -> list[T]:
    """What is made of each number, by all processes together.

    The one of most weight comes first: this process makes that, so that what takes longest need
    not be handed over, and the others are done by then.
    """
    order = sorted(range(len(weights)), key=weights.__getitem__, reverse=True)
    made = share(len(order), lambda at: make(order[at], step), lambda at: make(order[at], None))
    at = dict(zip(order, made, strict=True))
    return [at[number] for number in range(len(weights))]


def _weight(target: str, search_path: Sequence[str]) -> int:
    """A guess at how many bytes a target takes, without looking into it; 0 without any."""
    for directory in ("", *search_path):
        try:
            status = os.stat(os.path.join(directory, target))
        except (OSError, ValueError):
            continue
        return status.st_nlink << 20 if stat.S_ISDIR(status.st_mode) else status.st_size
    return 0


def _is_small(target: str) -> bool:
    """Whether it is a file that is read sooner than another process is started."""
    try:
        status = os.stat(target)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size < _SMALL


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


def _audited(
    found: Sequence[Found | PackageReport], *, bar: bool, names: Names
) -> tuple[PackageReport, ...]:
    with activity(enabled=bar) as shown:
        return _audit_each(found, shown, names=names)


def _audit_each(
    found: Sequence[Found | PackageReport],
    shown: Activity | None,
    *,
    names: Names,
    shared: bool = True,
) -> tuple[PackageReport, ...]:
    sizes = list(map(_size, found))
    hands = min(processors(), len(found)) if shared and sum(sizes) >= _LARGE else 1
    step = None
    if shown is not None:
        step = shown.step
        files = sum(len(one.candidates) for one in found if not isinstance(one, PackageReport))
        shown.expect(files // hands)  # what this process reads of them is drawn
    if hands < 2:
        return tuple(
            _audit_one(one, step, names=names, hands=_hands(one) if shared else 1) for one in found
        )

    def report(number: int, step: Step | None) -> PackageReport:
        return _audit_one(found[number], step, names=names)

    return tuple(_shared(sizes, report, step))


def _audit_one(
    found: Found | PackageReport, step: Step | None, *, names: Names, hands: int = 1
) -> PackageReport:
    if isinstance(found, PackageReport):
        return found
    return audit(found, step, names=names, hands=hands)


def _hands(found: Found | PackageReport) -> int:
    """How many processes one package is worth: none waits long for who reads the largest file."""
    size = _size(found)
    if isinstance(found, PackageReport) or size < _LARGE:
        return 1
    return min(processors(), size // max(each.size for each in found.candidates) + 1)


def _size(found: Found | PackageReport) -> int:
    return 0 if isinstance(found, PackageReport) else sum(each.size for each in found.candidates)
