"""The libraries of a package that an import did not open, and which of them will not load."""

from __future__ import annotations

from torch_abi_audit.doctor.process import Refusal
from torch_abi_audit.doctor.remedy import elsewhere
from torch_abi_audit.judges.loads import compat
from torch_abi_audit.knowledge.names.alternatives import choices
from torch_abi_audit.knowledge.names.torch import is_libtorch
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.paths import file_name, relative_path
from torch_abi_audit.model.releases import minor_of, release_key, short
from torch_abi_audit.sources.files import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch_abi_audit.doctor.process import Failure, Process
    from torch_abi_audit.doctor.remedy import Place
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport

_FORMATS = {"linux": Format.ELF, "darwin": Format.MACHO, "win32": Format.PE}
_OF_ANOTHER_SYSTEM = (Refusal.OTHER_MACHINE, Refusal.EXECUTABLE)


def uses_torch(library: ExtensionReport) -> bool:
    """Whether a library is linked to torch, or imports names of it without being linked to it."""
    linked = any(map(is_libtorch, library.needed))
    return linked or (library.torch is not None and library.torch.uses_torch)


def refused(
    report: PackageReport, process: Process, tried: Collection[str], place: Place, *, every: bool
) -> Iterator[tuple[str, Failure, bool]]:
    """The libraries that the import does not open and that will not load by themselves.

    Each comes with the failure, and whether it uses torch.

    Args:
        report: The package.
        process: The process after the import.
        tried: Real paths of the libraries that the import opened, or tried to open.
        place: The environment.
        every: Whether those that do not use torch are tried as well.
    """
    rest = _Others(report, process)
    by_path = {one.path_text: one for one in report.libraries}
    for group in _to_try(report, place, tried, every=every):
        failures = []
        for path in group:
            failure = process.fork().open(path)
            if failure is None or may_be_open(failure, place):
                break
            torch = uses_torch(by_path[path])
            if not torch and rest.may_provide(path, failure):
                break
            failures.append((path, failure, torch))
        else:
            yield from failures[:1]


def may_be_open(failure: Failure | None, place: Place) -> bool:
    """Whether what is missing is a file of a package, which may be opened before."""
    if failure is None or failure.kind is not Refusal.NO_LIBRARY or failure.library is None:
        return False
    return bool(elsewhere(file_name(failure.library), place))


class _Others:
    """The other libraries of a package, which a plug-in finds open."""

    def __init__(self, report: PackageReport, process: Process) -> None:
        self._report, self._process = report, process
        self._crowded: Process | None = None

    def may_provide(self, path: str, failure: Failure) -> bool:
        """Whether a library that does not use torch loads where all others are open.

        A file for another machine is none of this system's, and is not expected to load.
        """
        if failure.kind in _OF_ANOTHER_SYSTEM:
            return True
        if failure.kind is not Refusal.NO_SYMBOL:
            return False
        if self._crowded is None:
            self._crowded = self._process.fork()
            for one in self._report.libraries:
                self._crowded.open(one.path_text, everywhere=True)
        return self._crowded.fork().open(path) is None


def _to_try(
    report: PackageReport, place: Place, seen: Collection[str], *, every: bool
) -> Iterator[list[str]]:
    """Groups of libraries of which one each is used; alone, or with those that stand in its place.

    Modules for other Pythons, variants for other releases of torch and the files of other systems
    are left out.
    """
    torch = place.installed.release if place.installed is not None else ""
    needed = {file_name(name) for one in report.libraries for name in one.needed}
    at = {relative_path(one, report): one for one in report.libraries}
    left = {
        path: one
        for path, one in at.items()
        if (every or uses_torch(one))
        and one.name not in needed
        and one.format in (None, _FORMATS.get(place.python.system))
        and _is_for(one, place.python.suffixes)
    }
    for choice in choices(report):
        files = [path for one in choice.alternatives for path in one.files]
        group = [path for path in files if path in left]
        chosen = any(lookup.real_path(at[path].path_text) in seen for path in files if path in at)
        for path in group:
            del left[path]
        if not chosen:
            serving = {
                path
                for one in choice.alternatives
                for path in one.files
                if one.release is None or one.release.serves(torch)
            }
            kept = [at[path].path_text for path in group if path in serving]
            if kept:
                yield kept
    for one in left.values():
        if lookup.real_path(one.path_text) not in seen:
            yield [one.path_text]


def _is_for(library: ExtensionReport, suffixes: Sequence[str]) -> bool:
    """Whether an interpreter with these suffixes could import a library, if it is a module."""
    if ".cpython-" not in library.name and ".cp3" not in library.name:
        return True
    return library.name.endswith(tuple(suffixes))


def other_releases(report: PackageReport, torch: str, seen: Collection[str]) -> tuple[str, ...]:
    """The torch releases that a package has libraries for, if none of them is the installed one.

    Args:
        report: The package.
        torch: The installed torch: ``2.13.0``.
        seen: Real paths of the libraries that the import opened.
    """
    if not torch:
        return ()
    variants = [one for one in compat(report).libraries if one.variant is not None]
    if any(one.variant in (torch, minor_of(torch)) for one in variants):
        return ()
    paths = {one.path: one.path_text for one in report.libraries}
    if any(lookup.real_path(paths[one.path]) in seen for one in variants):
        return ()
    named = {short(one.variant) for one in variants if one.variant is not None}
    return tuple(sorted(named, key=release_key))
