"""A single torch, installed or in a wheel, in place of the export index."""

from __future__ import annotations

import os

from torch_abi_audit import formats, sources
from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.export_file import Exports, IndexedRelease
from torch_abi_audit.knowledge.export_index import Neighbour
from torch_abi_audit.knowledge.names.torch import is_libtorch
from torch_abi_audit.model.binary import Format, NotALibrary
from torch_abi_audit.model.errors import FormatError, TargetError
from torch_abi_audit.sources.installed import torch_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CXX11_STRING = b"NSt7__cxx1112basic_string"


class GivenTorch:
    """The exports of one torch; implements ``library_loads.TorchBuilds``."""

    __slots__ = ("_exports", "_platform", "_release", "text")

    def __init__(
        self,
        release: IndexedRelease,
        image: tuple[Format, str],
        exports: Mapping[str, frozenset[bytes]],
        text: str,
    ) -> None:
        self._release = release
        self._platform = image
        self._exports = exports
        self.text = text
        """Its version, as stated in its metadata, and its path: ``2.13.0+cpu in /path``."""

    @property
    def platform(self) -> str:
        """The index's name for its platform; format and architecture if the index has none."""
        return export_index.platform_of(*self._platform) or " ".join(self._platform)

    def platforms(self) -> tuple[str, ...]:
        """Return its own platform."""
        return (self.platform,)

    def platform_of(self, format_: Format, arch: str | None) -> str | None:
        """Return its platform if an image has the same format and architecture, else None."""
        return self.platform if (format_, arch) == self._platform else None

    def releases(self, platform: str) -> tuple[IndexedRelease, ...]:
        """Return its own release, if ``platform`` is its platform."""
        return (self._release,) if platform == self.platform else ()

    def newest(self, platform: str) -> str | None:
        """Return None: other releases are unknown."""

    def lookup(self, platform: str, names: Iterable[bytes]) -> Mapping[bytes, Exports]:
        """Return the libraries that export each of ``names``; omit names without one."""
        asked = frozenset(names) if platform == self.platform else frozenset[bytes]()
        found: dict[bytes, tuple[tuple[str, int], ...]] = {}
        for library, exports in self._exports.items():
            for name in asked & exports:
                found[name] = (*found.get(name, ()), (library, 1))
        return {name: Exports(by_library) for name, by_library in found.items()}

    def with_cuda(self, names: Iterable[bytes]) -> Mapping[bytes, Exports]:
        """Ask the index: a build without CUDA lacks the CUDA libraries."""
        return export_index.with_cuda(names)

    def nearest(self, platform: str, name: bytes) -> tuple[Neighbour, ...]:
        """Return the overloads that the index lists for the same entity and this torch exports."""
        if platform not in export_index.platforms():
            return ()
        alike = [one.name for one in export_index.nearest(platform, name)]
        found = self.lookup(platform, alike)
        return tuple(Neighbour(one, found[one]) for one in alike if one in found)

    def first_cxx11(self, platform: str) -> str | None:
        """Return its release if it is an ELF build with the C++11 ABI's ``std::string``."""
        if platform != self.platform or self._platform[0] is not Format.ELF:
            return None
        return self._release.version if self._release.cxx11_abi else None


def given_torch(path: str) -> GivenTorch:
    """Read the torch in a ``torch`` directory, in a directory that contains one, or in a wheel.

    Raises:
        TargetError: the path contains no torch, torch libraries for several platforms, or one
            that cannot be read.
    """
    where = torch_version.place(path)
    version = torch_version.stated(where)
    found = sources.resolve(os.path.abspath(where))
    exports: dict[str, frozenset[bytes]] = {}
    needed: dict[str, tuple[str, ...]] = {}
    images: set[tuple[Format, str]] = set()
    for candidate in found.candidates:
        file = candidate.relative.rpartition("/")[2]
        if not is_libtorch(file):
            continue
        try:
            with candidate.open() as source:
                read = formats.read(source)
                if isinstance(read, NotALibrary):
                    continue
                images |= {(one.format, one.arch) for one in read}
                needed[file] = tuple(sorted(filter(is_libtorch, read[0].needed)))
                exports[file] = frozenset().union(*(formats.exports(source, one) for one in read))
        except (FormatError, OSError) as error:
            raise TargetError(f"{candidate.relative} in {path} cannot be read: {error}") from error
    if len(images) != 1:
        what = "torch libraries for several platforms" if images else "no torch libraries"
        raise TargetError(f"{path} contains {what}")
    image = images.pop()
    release = IndexedRelease(
        version=version.release,
        wheel=os.path.basename(os.path.normpath(where)),
        cuda=version.cuda,
        cuda_packages=(),
        cxx11_abi=any(_CXX11_STRING in name for each in exports.values() for name in each),
        libraries=tuple(sorted(exports)),
        needed=needed if image[0] is Format.ELF else None,
    )
    return GivenTorch(release, image, exports, f"{version.text} in {path}")
