"""Determines which torch releases a package loads on.

Pure: turns a report into a load matrix. ``builds`` supplies torch's exports: the export index by
default, or a single torch. The index is opened only if a library uses torch or is unreadable.
"""

from __future__ import annotations

from functools import cache

from torch_abi_audit.judges import link_scope
from torch_abi_audit.judges.learned import learned
from torch_abi_audit.judges.library_loads import Exported, columns, images, judge, unjudged
from torch_abi_audit.judges.other_cuda import with_cuda
from torch_abi_audit.judges.package_loads import package_loads
from torch_abi_audit.knowledge.names.alternatives import choices
from torch_abi_audit.model.loads import LibraryLoads, LoadMatrix, Loads
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.records import MappingProxyType, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch_abi_audit.judges.library_loads import Image, TorchBuilds
    from torch_abi_audit.model.loads import Missing
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport

_SHOWN_INSTEAD = 3


def compat(
    report: PackageReport,
    builds: TorchBuilds | None = None,
    *,
    within: Callable[[str], bool] = lambda _: True,
    beyond: Sequence[str] = (),
) -> LoadMatrix:
    """Return the load matrix of a package.

    Args:
        report: The audited package.
        builds: The source of torch's exports; the export index by default.
        within: Whether a known release is requested.
        beyond: Requested releases newer than the known ones: ``unknown``.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    if not report.libraries:
        return LoadMatrix(not_a_library=_other_file(report))
    own_files = {one.path.name.lower() for one in report.libraries}
    scopes = link_scope.scopes(report.libraries)
    found = [(one, tuple(images(one, own_files, scopes))) for one in report.libraries]
    unread = [one for one, _ in found if one.error is not None or one.torch is None]
    if not unread and not any(each for _, each in found):
        return LoadMatrix()
    exported = _exported(builds)
    builds = exported.builds
    exported.ask(image for _, each in found for image in each)
    judged = {
        library.path: [
            with_cuda(judge(image, exported, within, beyond), library, report, builds)
            for image in each
        ]
        for library, each in found
    }
    named = {release for each in judged.values() for one in each for release in one.loads_on}
    if not named:
        named = {*filter(within, columns(builds)), *beyond}
    releases = tuple(sorted(named, key=release_key))
    for one in unread:
        judged[one.path] = [unjudged(one, releases, "the library could not be read")]
    by_path = {
        relative_path(library, report): [_widened(one, releases) for one in judged[library.path]]
        for library, _ in found
        if judged[library.path]
    }
    learned_ = learned(by_path, lambda paths: _every_release(report, found, exported, paths))
    return package_loads(by_path, releases, builds, choices(report, learned_))


def _other_file(report: PackageReport) -> str | None:
    """What the TARGET is if it is a file, but not a library; None for a package."""
    kinds = [one.kind for one in report.skipped if one.path == report.root.name]
    return kinds[0] if len(report.skipped) == 1 and kinds else None


def _every_release(
    report: PackageReport,
    found: Sequence[tuple[ExtensionReport, Sequence[Image]]],
    exported: Exported,
    paths: Sequence[str],
) -> dict[str, Mapping[str, Loads]]:
    """The answers of some libraries for every release in the index, asked for or not."""
    builds = exported.builds
    if all(builds.newest(platform) is None for platform in builds.platforms()):
        exported = _exported(None)  # a single torch does not tell releases apart
    answers = {}
    for library, each in found:
        path = relative_path(library, report)
        if path in paths:
            judged = [judge(image, exported, lambda _: True, ()) for image in each]
            known = [one.loads_on for one in judged if one.platform is not None]
            if len(known) == 1:
                answers[path] = known[0]
    return answers


def explained(matrix: LoadMatrix, builds: TorchBuilds, *, every: bool = True) -> LoadMatrix:
    """Return the matrix with the names that are exported ``instead`` of missing ones.

    Args:
        matrix: The result of ``compat``.
        builds: The source of torch's exports.
        every: Explain every missing name, not only the first that each release lacks.
    """
    known: dict[tuple[str | None, bytes, tuple[str, ...]], tuple[str, ...]] = {}
    libraries = []
    for library in matrix.libraries:
        firsts = {next(iter(library.missing_on(one)), "") for one in library.loads_on}
        missing = []
        for one in library.missing:
            if every or one.symbol in firsts:
                key = (library.platform, one.name, one.releases)
                if key not in known:
                    known[key] = _instead(one, library, builds)
                missing.append(replace(one, instead=known[key]))
            else:
                missing.append(one)
        libraries.append(replace(library, missing=tuple(missing)))
    return replace(matrix, libraries=tuple(libraries))


def _instead(missing: Missing, library: LibraryLoads, builds: TorchBuilds) -> tuple[str, ...]:
    if library.platform is None or missing.unlinked:
        return ()
    known = [one.version for one in builds.releases(library.platform)]
    lacking = [at for at, one in enumerate(known) if one in missing.releases]
    having = [at for at, one in enumerate(known) if one not in missing.releases]
    if not lacking:
        return ()
    nearest = min(lacking, key=lambda at: (min((abs(at - one) for one in having), default=0), -at))
    alike = builds.nearest(library.platform, missing.name)
    names = [one.name for one in alike if one.exports.libraries(nearest)]
    from torch_abi_audit.mangling import demangle  # slow to import, and rarely needed

    return tuple(demangle(names[:_SHOWN_INSTEAD]))


def _exported(builds: TorchBuilds | None) -> Exported:
    from torch_abi_audit.knowledge import export_index  # opened only when asked

    return indexed() if builds is None or builds is export_index else Exported(builds)


@cache
def indexed() -> Exported:
    """The cache of lookups in the index; one run looks up the same names more than once."""
    from torch_abi_audit.knowledge import export_index  # opened only when asked

    return Exported(export_index)


def _widened(one: LibraryLoads, releases: Sequence[str]) -> LibraryLoads:
    """Add the releases that its platform lacks, as unknown, so that every column has a state."""
    if tuple(one.loads_on) == tuple(releases):
        return one
    every = {release: one.loads_on.get(release, Loads.UNKNOWN) for release in releases}
    return replace(one, loads_on=MappingProxyType(every))
