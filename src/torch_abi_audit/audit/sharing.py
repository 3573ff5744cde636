"""How work is divided among processes. No other module knows that there are several.

Each function here is a map: it gives what is made of each thing, in order. Three things are
divided: the files of one large package, the packages of an environment, and the TARGETs of a
command line. Small work is done in this process, sooner than another could be started.
``runtime.workers`` starts the others, and does their work again where one of them is lost.
"""

from __future__ import annotations

import os
import stat

from torch_abi_audit.model.reports import PackageReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol, TypeVar

    from torch_abi_audit.sources.found import Found

    Step = Callable[[str], None]
    """Told the name of each file before it is read, in the process that the user sees."""
    Audit = Callable[[Found, Step | None, bool], PackageReport]
    """``pipeline.audit``; the flag says whether it may share its files among processes."""
    A = TypeVar("A")
    T = TypeVar("T")

    class Bar(Protocol):
        """What shows the user how far a run is."""

        def expect(self, files: int) -> None:
            """Say how many files there are to read."""

        def step(self, name: str) -> None:
            """Count one more file, before it is read."""


_LARGE, _SMALL = 64 << 20, 4 << 20
"""Sizes in bytes: several processes pay from the first on; a file below the second is small."""


def each_file(
    make: Callable[[A], T],
    files: Sequence[A],
    sizes: Sequence[int],
    *,
    shared: bool,
    prepare: Callable[[], object] | None = None,
    before: Callable[[A], object] | None = None,
) -> list[T]:
    """The result for each file of one package.

    Args:
        make: Makes it.
        files: The files, or what was made of them before.
        sizes: How much work each is, as bytes to be read.
        shared: Whether other processes may do part of it.
        prepare: Called before they start: loads what each of them would load for itself.
        before: Called in this process with each that it is about to make.
    """
    total = sum(sizes) if shared else 0
    # no more than can work until the one with the largest file is done
    most = _processes(total // max(sizes) + 1) if total >= _LARGE else 1
    if most > 1 and prepare is not None:
        prepare()

    def here(file: A) -> T:
        if before is not None:
            before(file)
        return make(file)

    if most < 2:
        return [here(each) for each in files]
    return _largest_first(here, make, files, sizes, most)


def each_package(
    audit: Audit, packages: Sequence[Found | PackageReport], bar: Bar | None, *, shared: bool
) -> list[PackageReport]:
    """The report on each package: several are divided among processes, or the files of each.

    Args:
        audit: Makes it.
        packages: The packages; one that could not be found is its report already.
        bar: Shows what this process reads.
        shared: Whether other processes may do part of it.
    """
    sizes = list(map(_size, packages))
    most = _processes(len(packages)) if shared and sum(sizes) >= _LARGE else 1
    if bar is not None:
        bar.expect(sum(map(_files, packages)) // most)

    def report(one: Found | PackageReport, step: Step | None) -> PackageReport:
        if isinstance(one, PackageReport):
            return one
        return audit(one, step, shared and most == 1)

    step = None if bar is None else bar.step
    if most < 2:
        return [report(one, step) for one in packages]
    return _largest_first(
        lambda one: report(one, step), lambda one: report(one, None), packages, sizes, most
    )


def each_target(
    reports: Callable[[str, Step | None], T],
    targets: Sequence[str],
    bar: Bar | None,
    search_path: Sequence[str],
) -> list[T]:
    """The result for each TARGET. Finding its files is part of the work that is divided."""
    step = None if bar is None else bar.step
    weights = [_weight(each, search_path) for each in targets]
    return _largest_first(
        lambda target: reports(target, step),
        lambda target: reports(target, None),
        targets,
        weights,
        _processes(len(targets)),
    )


def are_small(targets: Sequence[str]) -> bool:
    """Whether all are files so small that starting another process takes longer than reading."""
    return all(map(_is_small, targets))


def _processes(most: int) -> int:
    """How many processes can work at once, up to ``most``."""
    from torch_abi_audit.runtime.workers import processors  # small runs do without

    return min(processors(), most)


def _largest_first(
    make: Callable[[A], T],
    make_elsewhere: Callable[[A], T],
    things: Sequence[A],
    sizes: Sequence[int],
    most: int,
) -> list[T]:
    """The result for each thing, by up to ``most`` processes.

    The largest first: this process makes that, so that what takes longest need not be handed over,
    and all processes end at about the same time.
    """
    from torch_abi_audit.runtime.workers import share

    order = sorted(range(len(things)), key=sizes.__getitem__, reverse=True)
    made = share(
        len(order),
        lambda at: make(things[order[at]]),
        lambda at: make_elsewhere(things[order[at]]),
        most,
    )
    at = dict(zip(order, made, strict=True))
    return [at[number] for number in range(len(things))]


def _size(package: Found | PackageReport) -> int:
    if isinstance(package, PackageReport):
        return 0
    return sum(each.size for each in package.candidates)


def _files(package: Found | PackageReport) -> int:
    return 0 if isinstance(package, PackageReport) else len(package.candidates)


def _weight(target: str, search_path: Sequence[str]) -> int:
    """A guess at a target's size in bytes, without looking into it; 0 if there is no such path."""
    for directory in ("", *search_path):
        try:
            status = os.stat(os.path.join(directory, target))
        except (OSError, ValueError):
            continue
        return status.st_nlink << 20 if stat.S_ISDIR(status.st_mode) else status.st_size
    return 0


def _is_small(target: str) -> bool:
    try:
        status = os.stat(target)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size < _SMALL
