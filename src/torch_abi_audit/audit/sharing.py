"""Divides work among processes; no other module of the audit knows that there are several.

Each function here is a map that returns its results in order. It divides the files of one large
package, the packages of an environment, or the TARGETs of a command line. This process does small
jobs by itself, because starting another process would take longer. ``runtime.workers`` starts the
other processes, and repeats their work if one of them is lost.
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
    """Called with the name of each file before it is read, in the main process only."""
    Audit = Callable[[Found, Step | None, bool], PackageReport]
    """``pipeline.audit``; the flag says whether it may divide its files among processes."""
    A = TypeVar("A")
    T = TypeVar("T")

    class Bar(Protocol):
        """A progress bar."""

        def expect(self, files: int) -> None:
            """Set the number of files to read."""

        def step(self, name: str) -> None:
            """Count one more file, before it is read."""


_LARGE, _SMALL = 64 << 20, 4 << 20
"""In bytes: the least work worth several processes; the size below which a file counts as small."""


def each_file(
    make: Callable[[A], T],
    files: Sequence[A],
    sizes: Sequence[int],
    *,
    shared: bool,
    prepare: Callable[[], object] | None = None,
    before: Callable[[A], object] | None = None,
) -> list[T]:
    """Return the result of ``make`` for each file of one package.

    Args:
        make: Computes the result for one file.
        files: The files, or the results of an earlier stage.
        sizes: The work for each file, in bytes to read.
        shared: Whether other processes may do part of the work.
        prepare: Called before other processes start, to load what each would load for itself.
        before: Called in this process with each file that it processes itself.
    """
    total = sum(sizes) if shared else 0
    # more processes would be done before the one with the largest file
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
    """Return the report on each package; processes divide the packages, or the files of each.

    Args:
        audit: Audits one package.
        packages: The packages, and the reports on TARGETs that were not found.
        bar: Shows the progress of this process.
        shared: Whether other processes may do part of the work.
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
    """Return the result of ``reports`` for each TARGET; processes divide the resolving, too."""
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
    """Whether all are files that take less time to read than another process takes to start."""
    return all(map(_is_small, targets))


def _processes(most: int) -> int:
    """Return how many processes can work at once, up to ``most``."""
    from torch_abi_audit.runtime.workers import processors  # small runs need none

    return min(processors(), most)


def _largest_first(
    make: Callable[[A], T],
    make_elsewhere: Callable[[A], T],
    things: Sequence[A],
    sizes: Sequence[int],
    most: int,
) -> list[T]:
    """Return the result for each thing, computed by up to ``most`` processes.

    The largest comes first, so that all processes end at about the same time. This process takes
    it, so that its result need not be sent between processes.
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
    """Estimate the size of a target in bytes without opening it; 0 if there is no such path."""
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
