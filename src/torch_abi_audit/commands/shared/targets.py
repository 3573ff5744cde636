"""What every verb does first: its TARGETs, resolved and audited, with a bar where it takes long."""

from __future__ import annotations

import os
import stat
import sys

from torch_abi_audit import sources
from torch_abi_audit.audit.pipeline import audit, failed
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


def load(options: argparse.Namespace, *, names: Names = Names.ALL) -> Loaded:
    """Resolve and audit what ``options.add_target_options`` took in.

    Args:
        options: The command line's.
        names: Which names the verdicts hold at least; see ``audit``.

    Raises:
        TargetError: ``--site-packages`` names nothing that can be listed.
    """
    bar = not options.no_progress
    search_path = None
    if options.site_packages is None and (place := _other_interpreter(options.python)):
        from torch_abi_audit.sources.installed.interpreters import interpreter

        other = interpreter(place)
        search_path = other.path
        if not options.targets:
            inventory = sources.inventory(other.sites)
    elif not options.targets:
        inventory = (
            sources.environment() if options.env else sources.site_packages(options.site_packages)
        )
    if options.targets:
        choice = _choice(options)
        return Loaded(
            audited(options.targets, bar=bar, names=names, choice=choice, path=search_path)
        )
    return Loaded(
        _audited(inventory.packages, bar=bar, names=names),
        directory=inventory.directories[0] if inventory.directories else "",
    )


def audited(
    targets: Sequence[str],
    *,
    bar: bool,
    names: Names = Names.ALL,
    choice: Choice | None = None,
    path: Sequence[str] | None = None,
) -> tuple[PackageReport, ...]:
    """The reports on TARGETs; one that names nothing has the reason in its ``error``.

    Args:
        targets: As typed; one may stand for several packages.
        bar: Whether to draw a bar.
        names: Which names the verdicts hold at least; see ``audit``.
        choice: Which wheels of an index are wanted.
        path: Where import and distribution names are looked up; our own ``sys.path`` if None.
    """
    with activity(enabled=bar) as shown:
        watch = None if shown is None else shown.watch

        def found(target: str) -> list[Found | PackageReport]:
            return list(_resolve(target, search_path=path, choice=choice, watch=watch))

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

        weights = [_weight(each, sys.path if path is None else path) for each in targets]
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


def _other_interpreter(asked: str | None) -> str | None:
    """The interpreter or environment that is meant instead of ours, and a word on it if implied."""
    if asked is not None:
        return asked
    if not (os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")):
        return None
    from torch_abi_audit.commands.shared.terminal import say
    from torch_abi_audit.sources.installed.interpreters import activated

    prefix = activated()
    if prefix is not None:
        say(f"this is the activated environment {prefix} (--python chooses another)")
    return prefix


def _choice(options: argparse.Namespace) -> Choice | None:
    if not any(map(_is_of_index, options.targets)):
        return None
    from torch_abi_audit.sources.index.wheels import Choice

    return Choice(
        options.platform,
        options.python_version,
        bool(options.all_platforms),
        bool(options.history),
    )


def _resolve(
    target: str,
    *,
    search_path: Sequence[str] | None,
    choice: Choice | None,
    watch: Watch | None,
) -> Iterator[Found | PackageReport]:
    try:
        for one in sources.several(target, search_path=search_path, choice=choice, watch=watch):
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
