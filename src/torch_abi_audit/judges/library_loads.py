"""One image of a library against what torch exports: which releases it finds its names in.

A name counts as provided as the platform's loader sees it: on ELF by any library of torch, on
Mach-O (two-level names) and PE by the one that the binary states and no other: torch's own dylibs
re-export nothing, and its DLLs forward nothing. Pure: what torch exports is asked of ``builds``.
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

    from torch_abi_audit.knowledge.export_file import IndexedRelease
    from torch_abi_audit.knowledge.export_index import Neighbour
    from torch_abi_audit.model.reports import ExtensionReport
    from torch_abi_audit.model.verdicts import TorchABIVerdict


class TorchBuilds(Protocol):
    """Something that knows what torch exports: the module ``export_index``, or one torch."""

    def platforms(self) -> tuple[str, ...]:
        """The platforms that are covered."""

    def platform_of(self, format_: Format, arch: str | None, /) -> str | None:
        """The platform that an image is for; None where it is not covered."""

    def releases(self, platform: str, /) -> tuple[IndexedRelease, ...]:
        """The releases that are known, oldest first; bitmaps count in this order."""

    def newest(self, platform: str, /) -> str | None:
        """The newest release there is, as far as known; None where others are not spoken of."""

    def lookup(self, platform: str, names: Iterable[bytes], /) -> Mapping[bytes, Exports]:
        """Who exports each of ``names``; those that nobody exports are left out."""

    def with_cuda(self, names: Iterable[bytes], /) -> Mapping[bytes, Exports]:
        """Who exports each of ``names`` in builds with CUDA, of whatever platform."""

    def nearest(self, platform: str, name: bytes, /) -> tuple[Neighbour, ...]:
        """What is exported of the same entity with another signature, most alike first."""

    def first_cxx11(self, platform: str, /) -> str | None:
        """The first of the releases, up to the newest, with the C++11 ABI's ``std::string``."""


class Exported:
    """What was asked of some builds so far: each name is asked for once, whole packages at once."""

    __slots__ = ("_asked", "_found", "_with_cuda", "builds")

    def __init__(self, builds: TorchBuilds) -> None:
        self.builds = builds
        self._asked: dict[str, set[bytes]] = {}
        self._found: dict[str, dict[bytes, Exports]] = {}
        self._with_cuda: dict[bytes, Exports] = {}

    def ask(self, images: Iterable[Image]) -> None:
        """Look up all that some images need of torch."""
        names: dict[str, set[bytes]] = {}
        for image in images:
            platform = self.builds.platform_of(image.format, image.arch)
            if platform is not None:
                names.setdefault(platform, set()).update(_wanted(image.torch))
        for platform, wanted in names.items():
            self.of(platform, wanted)

    def of(self, platform: str, names: Collection[bytes]) -> Mapping[bytes, Exports]:
        """Who exports each of ``names``, and of other names that were asked for before."""
        asked = self._asked.setdefault(platform, set())
        found = self._found.setdefault(platform, {})
        new = set(names) - asked
        if new:
            found.update(self.builds.lookup(platform, new))
            asked |= new
        return found

    def with_cuda(self, names: Collection[bytes]) -> Mapping[bytes, Exports]:
        """Who exports each of ``names`` in builds with CUDA."""
        new = set(names) - self._with_cuda.keys()
        if new:
            self._with_cuda.update(dict.fromkeys(new, Exports()))
            self._with_cuda.update(self.builds.with_cuda(new))
        return self._with_cuda


class Image(NamedTuple):
    """What is asked of one image of a library."""

    report: ExtensionReport
    format: Format
    arch: str | None
    torch: TorchABIVerdict
    linked: tuple[str, ...]
    """File names of libtorch's libraries that the loader opens with it."""


class _Provision(NamedTuple):
    """What of an image's names is provided where."""

    wanted: Mapping[bytes, str | None]
    """Raw name to the one library that may provide it."""
    found: Mapping[bytes, Exports]
    """Who exports them; other names may be here, too."""
    lacking: Mapping[bytes, int]
    """Name to the bitmap of the releases that do not provide it; provided names are not here."""


def images(library: ExtensionReport, own_files: Collection[str]) -> Iterator[Image]:
    """The images of a library that need something of torch.

    Args:
        library: What was read.
        own_files: Lowered names of the package's own files: what they shadow is not torch's.
    """
    if library.torch is None or library.format is None:
        return
    verdicts: list[tuple[str | None, TorchABIVerdict]]
    verdicts = [(one.arch, one.torch) for one in library.slices]
    linked = {file_name(name) for name in library.needed if is_libtorch(name)}
    linked = {name for name in linked if name.lower() not in own_files}
    for arch, torch in verdicts or [(library.arch, library.torch)]:
        if torch.required or linked:
            yield Image(library, library.format, arch, torch, tuple(sorted(linked)))


def judge(
    image: Image,
    exported: Exported,
    within: Callable[[str], bool],
    beyond: Sequence[str],
) -> LibraryLoads:
    """One image against every release that is known for its platform and asked for."""
    builds = exported.builds
    platform = builds.platform_of(image.format, image.arch)
    if platform is None:
        return unjudged(
            image.report,
            [*(one for one in columns(builds) if within(one)), *beyond],
            f"no torch that is known here is built for {image.format.value} {image.arch}",
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
            Absent(file, tuple(kept), _belongs(file, known))
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
    """A library of which nothing can be said, and why."""
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
    """The releases to name where a platform is not covered: those of the first that is."""
    return tuple(one.version for one in builds.releases(builds.platforms()[0]))


def _provision(image: Image, platform: str, exported: Exported) -> _Provision:
    wanted = _wanted(image.torch)
    every = (1 << len(exported.builds.releases(platform))) - 1
    found = exported.of(platform, wanted.keys())
    lacking: dict[bytes, int] = {}
    for name, provider in wanted.items():
        provided = 0
        for library, bitmap in found[name].by_library if name in found else ():
            if provider is None or _same_file(library, provider, image.format):
                provided |= bitmap
        if provided != every:
            lacking[name] = every & ~provided
    return _Provision(wanted, found, lacking)


def _wanted(torch: TorchABIVerdict) -> dict[bytes, str | None]:
    """Raw name to the library that must provide it; what is asked of others is left out."""
    if not torch.required_from:
        return dict.fromkeys(torch.required)
    return {
        name: provider or None
        for name, provider in zip(torch.required, torch.required_from, strict=True)
        if not provider or is_libtorch(provider)
    }


def _cuda_names(provision: _Provision, platform: str, exported: Exported) -> frozenset[bytes]:
    """Those of its names that only CUDA builds provide: the libraries they live in say so."""
    reference: Mapping[bytes, Exports] = {}
    if any(one.cuda is None for one in exported.builds.releases(platform)):
        # a build without CUDA cannot tell: another's can, names being the same
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
    from torch_abi_audit.mangling import demangle  # not for what lacks nothing

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
            yield Missing(name, symbol, releases, stated, MappingProxyType(moved))


def _pre_cxx11(lacking: Mapping[bytes, int], platform: str, builds: TorchBuilds) -> str | None:
    """The release since which no torch has the ``std::string`` that an image was built with."""
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
    """What a library of torch that some releases do not ship belongs to."""
    build = build_of(file)
    if build is Build.ROCM:
        return "only ROCm builds of torch have it, none of which is known here"
    if build is Build.XPU:
        return "only XPU builds of torch have it, none of which is known here"
    if build is Build.CUDA:
        return "only CUDA builds of torch have it"
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
