"""Determines which torch releases export the names that one image of a library needs.

Providers are matched as by the platform's loader: on ELF, a torch library in the ``link_scope`` of
the importing one; on Mach-O (two-level names) and PE only the one that the binary states, since
torch's dylibs re-export nothing and its DLLs forward nothing.
Pure: ``TorchBuilds`` supplies torch's exports.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch_abi_audit.knowledge.export_file import Exports
from torch_abi_audit.knowledge.names.torch import Build, build_of, is_libtorch
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.loads import Absent, LibraryLoads, Loads, Missing
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.runtime.records import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from torch_abi_audit.judges.link_scope import Scope
    from torch_abi_audit.knowledge.export_file import IndexedRelease
    from torch_abi_audit.knowledge.export_index import Neighbour
    from torch_abi_audit.model.reports import ExtensionReport
    from torch_abi_audit.model.verdicts import TorchABIVerdict


_NO_VERSIONS = "torch's libraries define no symbol versions"


class TorchBuilds(Protocol):
    """A source of torch's exports: the module ``export_index`` or a ``GivenTorch``."""

    def platforms(self) -> tuple[str, ...]:
        """Return the covered platforms."""

    def platform_of(self, format_: Format, arch: str | None, /) -> str | None:
        """Return the platform of an image; None if it is not covered."""

    def releases(self, platform: str, /) -> tuple[IndexedRelease, ...]:
        """Return the known releases, oldest first; bit n of a bitmap is for the n-th release."""

    def newest(self, platform: str, /) -> str | None:
        """Return the newest known release; None if the source is a single torch."""

    def lookup(self, platform: str, names: Iterable[bytes], /) -> Mapping[bytes, Exports]:
        """Return the libraries that export each of ``names``; omit names without one."""

    def with_cuda(self, names: Iterable[bytes], /) -> Mapping[bytes, Exports]:
        """Return the exporting libraries in builds with CUDA, on any platform."""

    def nearest(self, platform: str, name: bytes, /) -> tuple[Neighbour, ...]:
        """Return exports of the same entity with other signatures, most similar first."""

    def first_cxx11(self, platform: str, /) -> str | None:
        """Return the first release from which on all use the C++11 ABI's ``std::string``."""


class Exported:
    """A cache of lookups: each name is looked up once, and whole packages at a time."""

    __slots__ = ("_asked", "_found", "_reach", "_with_cuda", "builds")

    def __init__(self, builds: TorchBuilds) -> None:
        self.builds = builds
        self._asked: dict[str, set[bytes]] = {}
        self._found: dict[str, dict[bytes, Exports]] = {}
        self._with_cuda: dict[bytes, Exports] = {}
        self._reach: dict[tuple[str, frozenset[str]], Mapping[str, int]] = {}

    def ask(self, images: Iterable[Image]) -> None:
        """Look up all names that some images need from torch."""
        names: dict[str, set[bytes]] = {}
        for image in images:
            platform = self.builds.platform_of(image.format, image.arch)
            if platform is not None:
                names.setdefault(platform, set()).update(_wanted(image.torch))
        for platform, wanted in names.items():
            self.of(platform, wanted)

    def of(self, platform: str, names: Collection[bytes]) -> Mapping[bytes, Exports]:
        """Return the exports of ``names``, and of all names that were looked up before."""
        asked = self._asked.setdefault(platform, set())
        found = self._found.setdefault(platform, {})
        new = set(names) - asked
        if new:
            found.update(self.builds.lookup(platform, new))
            asked |= new
        return found

    def with_cuda(self, names: Collection[bytes]) -> Mapping[bytes, Exports]:
        """Return the exports of ``names`` in builds with CUDA, and of names looked up before."""
        new = set(names) - self._with_cuda.keys()
        if new:
            self._with_cuda.update(dict.fromkeys(new, Exports()))
            self._with_cuda.update(self.builds.with_cuda(new))
        return self._with_cuda

    def reach(self, platform: str, linked: frozenset[str]) -> Mapping[str, int]:
        """Return each torch library, to the bitmap of the releases whose ``linked`` bring it in."""
        key = (platform, linked)
        if key not in self._reach:
            self._reach[key] = _reach(self.builds.releases(platform), linked)
        return self._reach[key]


class Image(NamedTuple):
    """What one image of a library needs from torch."""

    report: ExtensionReport
    format: Format
    arch: str | None
    torch: TorchABIVerdict
    linked: tuple[str, ...]
    """File names of the libtorch libraries that it is linked to."""
    versions: tuple[str, ...]
    """The symbol versions that it asks of torch's libraries: ``version FOO_1 of libc10.so``. The
    loader refuses them on every torch: torch's libraries define none, or only the base version."""
    scope: Scope | None
    """Where the loader looks for its names; None if it looks in every library of torch."""


class _Provision(NamedTuple):
    """Which releases provide the names that an image needs."""

    wanted: Mapping[bytes, str | None]
    """Raw name to the only library that may provide it; None if any may."""
    found: Mapping[bytes, Exports]
    """The exports of these names, and perhaps of others."""
    lacking: Mapping[bytes, int]
    """Name to the bitmap of the releases that do not provide it; omits names that all provide."""


def images(
    library: ExtensionReport,
    own_files: Collection[str],
    scopes: Mapping[tuple[str, str], Scope],
) -> Iterator[Image]:
    """Yield the images of a library that need names or libraries from torch.

    Args:
        library: The report on the library.
        own_files: File names of the package's libraries in lower case; a needed library with
            such a name is the package's, not torch's.
        scopes: The scopes of the package's libraries: ``link_scope.scopes``.
    """
    if library.torch is None or library.format is None:
        return
    verdicts: list[tuple[str | None, TorchABIVerdict]]
    verdicts = [(one.arch, one.torch) for one in library.slices]
    linked = {file_name(name) for name in library.needed if is_libtorch(name)}
    linked = {name for name in linked if name.lower() not in own_files}
    for arch, torch in verdicts or [(library.arch, library.torch)]:
        if torch.required or linked:
            versions = {
                f"version {version} of {name}"
                for one in library.linkage
                for name, version in one.version_needs
                if name in linked
            }
            scope = scopes.get((library.path_text, arch or ""))
            if scope is not None and not scope.complete:
                scope = None
            files = tuple(sorted(linked))
            asked = tuple(sorted(versions))
            yield Image(library, library.format, arch, torch, files, asked, scope)


def judge(
    image: Image,
    exported: Exported,
    within: Callable[[str], bool],
    beyond: Sequence[str],
) -> LibraryLoads:
    """Return which of the requested releases an image loads on.

    Args:
        image: The image.
        exported: The exports of torch.
        within: Whether a known release is requested.
        beyond: Requested releases newer than the known ones: ``unknown``.
    """
    builds = exported.builds
    platform = builds.platform_of(image.format, image.arch)
    if platform is None:
        return unjudged(
            image.report,
            [*(one for one in columns(builds) if within(one)), *beyond],
            f"no known torch is built for {image.format.value} {image.arch}",
            arch=image.arch,
            stable=image.torch.stable,
        )
    known = builds.releases(platform)
    provision = _provision(image, platform, exported)
    cuda = _cuda_names(provision, platform, exported)
    states: dict[str, Loads] = {}
    absent: dict[str, list[str]] = {}
    for place, release in enumerate(known):
        names = [name for name, bitmap in provision.lacking.items() if bitmap >> place & 1]
        shipped = {one.lower() for one in release.libraries}
        files = [one for one in image.linked if one.lower() not in shipped]
        files += image.versions
        for file in files:
            absent.setdefault(file, []).append(release.version)
        states[release.version] = _state(names, files, cuda, release)
    asked = [one.version for one in known if within(one.version)]
    return LibraryLoads(
        path=image.report.path,
        arch=image.arch,
        platform=platform,
        stable=image.torch.stable,
        loads_on=MappingProxyType(
            {**{one: states[one] for one in asked}, **dict.fromkeys(beyond, Loads.UNKNOWN)}
        ),
        missing=tuple(_missing(provision, known, asked)),
        absent=tuple(
            Absent(
                file, tuple(kept), _NO_VERSIONS if file in image.versions else _belongs(file, known)
            )
            for file, lacking in sorted(absent.items())
            if (kept := [one for one in lacking if one in asked])
        ),
        needs_cuda=bool(cuda) or any(map(_is_cuda_library, image.linked)),
        pre_cxx11=_pre_cxx11(provision.lacking, platform, builds),
        variant=image.report.variant,
        open_upwards=builds.newest(platform) is not None
        and (image.torch.stable or not image.torch.required)
        and states[known[-1].version] in (Loads.YES, Loads.NEEDS_CUDA),
    )


def unjudged(
    library: ExtensionReport,
    releases: Iterable[str],
    reason: str,
    *,
    arch: str | None = None,
    stable: bool = False,
) -> LibraryLoads:
    """Return the result for a library that cannot be judged, with the reason."""
    return LibraryLoads(
        path=library.path,
        arch=arch or library.arch,
        platform=None,
        stable=stable,
        loads_on=MappingProxyType(dict.fromkeys(releases, Loads.UNKNOWN)),
        variant=library.variant,
        why_unknown=reason,
    )


def columns(builds: TorchBuilds) -> tuple[str, ...]:
    """Return the releases to list for an uncovered platform: those of the first covered one."""
    return tuple(one.version for one in builds.releases(builds.platforms()[0]))


def _provision(image: Image, platform: str, exported: Exported) -> _Provision:
    wanted = _wanted(image.torch)
    every = (1 << len(exported.builds.releases(platform))) - 1
    found = exported.of(platform, wanted.keys())
    reach = exported.reach(platform, image.scope.torch) if image.scope is not None else None
    lacking: dict[bytes, int] = {}
    for name, provider in wanted.items():
        provided = 0
        for library, bitmap in found[name].by_library if name in found else ():
            if provider is None or _same_file(library, provider, image.format):
                provided |= bitmap if reach is None else bitmap & reach.get(library, 0)
        if provided != every:
            lacking[name] = every & ~provided
    return _Provision(wanted, found, lacking)


def _reach(releases: Sequence[IndexedRelease], linked: frozenset[str]) -> dict[str, int]:
    """Return each torch library, to the bitmap of the releases whose ``linked`` bring it in.

    In a build without CUDA, a missing CUDA library brings in what it does in a build with CUDA.
    """
    reach: dict[str, int] = {}
    for place, release in enumerate(releases):
        found: Iterable[str] = release.brought_in(linked)
        absent = linked.difference(release.libraries)
        if release.cuda is None and any(map(_is_cuda_library, absent)):
            found = release.libraries
        for library in found:
            reach[library] = reach.get(library, 0) | 1 << place
    return reach


def _wanted(torch: TorchABIVerdict) -> dict[bytes, str | None]:
    """Map raw names to the library that must provide each; omit names from other projects."""
    if not torch.required_from:
        return dict.fromkeys(torch.required)
    return {
        name: provider or None
        for name, provider in zip(torch.required, torch.required_from, strict=True)
        if not provider or is_libtorch(provider)
    }


def _cuda_names(provision: _Provision, platform: str, exported: Exported) -> frozenset[bytes]:
    """Return the names that only CUDA builds provide: only CUDA libraries export them."""
    reference: Mapping[bytes, Exports] = {}
    if any(one.cuda is None for one in exported.builds.releases(platform)):
        # builds without CUDA lack these libraries; builds for other platforms use the same names
        strange = [
            name
            for name, file in provision.wanted.items()
            if file is None and name not in provision.found
        ]
        reference = exported.with_cuda(strange)
    return frozenset(
        name
        for name, file in provision.wanted.items()
        if (file is not None and _is_cuda_library(file))
        or _is_cuda_name(provision.found.get(name) or reference.get(name))
    )


def _is_cuda_name(exports: Exports | None) -> bool:
    if exports is None or not exports.by_library:
        return False
    return all(map(_is_cuda_library, dict(exports.by_library)))


def _state(
    names: list[bytes], files: list[str], cuda: frozenset[bytes], release: IndexedRelease
) -> Loads:
    if not names and not files:
        return Loads.YES
    if release.cuda is None and cuda.issuperset(names) and all(map(_is_cuda_library, files)):
        return Loads.NEEDS_CUDA
    return Loads.NO


def _missing(
    provision: _Provision, known: Sequence[IndexedRelease], asked: Sequence[str]
) -> Iterator[Missing]:
    if not provision.lacking:
        return
    from torch_abi_audit.mangling import demangle  # slow to import, and rarely needed

    ordered = sorted(provision.lacking)
    for name, symbol in zip(ordered, demangle(ordered), strict=True):
        bitmap, exports = provision.lacking[name], provision.found.get(name)
        places = [at for at, one in enumerate(known) if bitmap >> at & 1 and one.version in asked]
        if places:
            moved = {
                known[at].version: elsewhere[0]
                for at in places
                if exports is not None and (elsewhere := exports.libraries(at))
            }
            releases = tuple(known[at].version for at in places)
            stated = provision.wanted[name]
            if stated is None:
                yield Missing(name, symbol, releases, unlinked=MappingProxyType(moved))
            else:
                yield Missing(name, symbol, releases, stated, MappingProxyType(moved))


def _pre_cxx11(lacking: Mapping[bytes, int], platform: str, builds: TorchBuilds) -> str | None:
    """Return the first release without the old ``std::string`` if an image needs it, else None."""
    if not any(b"Ss" in name for name in lacking):
        return None
    since = builds.first_cxx11(platform)
    if since is None:
        return None
    from torch_abi_audit.knowledge.export_index import uses_old_string  # rare

    versions = [one.version for one in builds.releases(platform)]
    later = (1 << len(versions)) - (1 << versions.index(since))
    old = (name for name in lacking if lacking[name] & later == later)
    return since if any(map(uses_old_string, old)) else None


def _belongs(file: str, known: Sequence[IndexedRelease]) -> str:
    """Say which builds or releases ship a torch library that some releases lack."""
    build = build_of(file)
    if build is Build.ROCM:
        return "only ROCm builds of torch ship it, and their exports are unknown"
    if build is Build.XPU:
        return "only XPU builds of torch ship it, and their exports are unknown"
    if build is Build.CUDA:
        return "only CUDA builds of torch ship it"
    lowered = file.lower()
    shippers = [
        one.version for one in known if lowered in {library.lower() for library in one.libraries}
    ]
    if shippers:
        ship = "ships" if len(shippers) == 1 else "ship"
        return f"torch {release_runs(shippers, [one.version for one in known])} {ship} it"
    return f"no torch since {known[0].version} ships it"


def _is_cuda_library(file: str) -> bool:
    return build_of(file) is Build.CUDA


def _same_file(one: str, other: str, format_: Format) -> bool:
    return one.lower() == other.lower() if format_ is Format.PE else one == other
