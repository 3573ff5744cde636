"""Determines which torch releases a package loads on.

Pure: turns a report into a load matrix. ``builds`` supplies torch's exports: the export index by
default, or a single torch. The index is opened only if a library uses torch or is unreadable.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

from torch_abi_audit.judges.library_loads import Exported, columns, images, judge, unjudged
from torch_abi_audit.knowledge.names import variants
from torch_abi_audit.model.loads import WORST, LibraryLoads, LoadMatrix, Loads
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.records import MappingProxyType, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch_abi_audit.judges.library_loads import TorchBuilds
    from torch_abi_audit.model.loads import Missing
    from torch_abi_audit.model.reports import PackageReport

_SERVED = (Loads.YES, Loads.NEEDS_CUDA)
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
    own_files = {one.path.name.lower() for one in report.libraries}
    found = [(one, tuple(images(one, own_files))) for one in report.libraries]
    unread = [one for one, _ in found if one.error is not None or one.torch is None]
    if not unread and not any(each for _, each in found):
        return LoadMatrix()
    exported = _exported(builds)
    builds = exported.builds
    exported.ask(image for _, each in found for image in each)
    judged = {
        library.path: [judge(image, exported, within, beyond) for image in each]
        for library, each in found
    }
    named = {release for each in judged.values() for one in each for release in one.loads_on}
    if not named:
        named = {*filter(within, columns(builds)), *beyond}
    releases = tuple(sorted(named, key=release_key))
    for one in unread:
        judged[one.path] = [unjudged(one, releases, "the library could not be read")]
    libraries = tuple(_widened(one, releases) for each in judged.values() for one in each)
    return _package(libraries, releases, builds)


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
    if library.platform is None:
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


def _package(
    libraries: tuple[LibraryLoads, ...], releases: tuple[str, ...], builds: TorchBuilds
) -> LoadMatrix:
    newest = {builds.newest(one.platform) for one in libraries if one.platform is not None}
    known = [one for one in newest if one is not None]
    covered = {one.path for one in libraries if one.platform is not None}
    counted = [one for one in libraries if one.platform is not None or one.path not in covered]
    common = [one for one in counted if one.variant is None]
    by_minor: dict[str, dict[str, list[LibraryLoads]]] = {}
    for one in counted:
        if one.variant is not None:
            told_apart = by_minor.setdefault(one.variant, {})
            told_apart.setdefault(variants.flavour(one.path.as_posix()), []).append(one)
    loads_on: dict[str, Loads] = {}
    serving: dict[str, str] = {}
    notes = [
        f"{one.path.name}: the {one.arch} slice is not judged: {one.why_unknown}"
        for one in libraries
        if one not in counted
    ]
    for release in releases:
        state, variant, note = _answer(release, common, by_minor)
        loads_on[release] = state
        if variant is not None:
            serving[release] = variant
        if note is not None:
            notes.append(note)
    return LoadMatrix(
        releases=releases,
        libraries=libraries,
        loads_on=MappingProxyType(loads_on),
        serving=MappingProxyType(serving),
        known_to=min(known, key=release_key, default=None),
        open_upwards=not by_minor and all(one.open_upwards for one in counted),
        notes=tuple(notes),
    )


def _exported(builds: TorchBuilds | None) -> Exported:
    from torch_abi_audit.knowledge import export_index  # opened only when asked

    return _indexed() if builds is None or builds is export_index else Exported(builds)


@cache
def _indexed() -> Exported:
    """The cache of lookups in the index; one run looks up the same names more than once."""
    from torch_abi_audit.knowledge import export_index  # opened only when asked

    return Exported(export_index)


_Flavours: TypeAlias = "Mapping[str, list[LibraryLoads]]"


def _answer(
    release: str, common: list[LibraryLoads], by_minor: Mapping[str, _Flavours]
) -> tuple[Loads, str | None, str | None]:
    """Return a package's state for one release, the variant that serves it, and a note."""
    state = _worst(common, release)
    if not by_minor:
        return state, None, None
    minor = ".".join(release.split(".")[:2])
    own = _of_variant(by_minor.get(minor, {}), release)
    if own is not None:
        return _worse(state, own), minor if own in _SERVED else None, None
    answers = {one: _best(flavours, release) for one, flavours in by_minor.items()}
    able = [one for one, answer in answers.items() if answer in _SERVED]
    if able and state is not Loads.NO:
        others = " or ".join(sorted(able, key=release_key))
        note = (
            f"the package has no variant for torch {release}; the variant for {others} would load "
            "there, if the package selects it"
        )
        return _worse(state, Loads.UNKNOWN), None, note
    unknown = set(answers.values()) == {Loads.UNKNOWN}
    return _worse(state, Loads.UNKNOWN if unknown else Loads.NO), None, None


def _of_variant(flavours: _Flavours, release: str) -> Loads | None:
    """Return the state of the variants for a release; None if there is none."""
    stated = {flavour: variants.patch_release(flavour) for flavour in flavours}
    fitting = {one: each for one, each in flavours.items() if stated[one] in (None, release)}
    return _best(fitting, release) if fitting else None


def _best(flavours: _Flavours, release: str) -> Loads:
    """Return the state of the best flavour: one that loads is enough."""
    return max((_worst(each, release) for each in flavours.values()), key=WORST.index)


def _worst(libraries: Iterable[LibraryLoads], release: str) -> Loads:
    return min((one.loads_on[release] for one in libraries), key=WORST.index, default=Loads.YES)


def _worse(one: Loads, other: Loads) -> Loads:
    return min(one, other, key=WORST.index)


def _widened(one: LibraryLoads, releases: Sequence[str]) -> LibraryLoads:
    """Add the releases that its platform lacks, as unknown, so that every column has a state."""
    if tuple(one.loads_on) == tuple(releases):
        return one
    every = {release: one.loads_on.get(release, Loads.UNKNOWN) for release in releases}
    return replace(one, loads_on=MappingProxyType(every))
