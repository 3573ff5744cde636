"""One very torch that somebody has, an installed directory or a wheel, in place of the index."""

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
    """What one torch exports, as ``library_loads.TorchBuilds`` asks for it."""

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
        """Its version as it states it, and where it is: ``2.13.0+cpu in /path``."""

    @property
    def platform(self) -> str:
        """As the index names it where it covers it; else its format and machine."""
        return export_index.platform_of(*self._platform) or " ".join(self._platform)

    def platforms(self) -> tuple[str, ...]:
        """Its own alone."""
        return (self.platform,)

    def platform_of(self, format_: Format, arch: str | None) -> str | None:
        """Its platform, for an image that could run beside it."""
        return self.platform if (format_, arch) == self._platform else None

    def releases(self, platform: str) -> tuple[IndexedRelease, ...]:
        """Its own alone."""
        return (self._release,) if platform == self.platform else ()

    def newest(self, platform: str) -> str | None:
        """Nothing is said of other releases."""

    def lookup(self, platform: str, names: Iterable[bytes]) -> Mapping[bytes, Exports]:
        """Which of its libraries export each of ``names``."""
        asked = frozenset(names) if platform == self.platform else frozenset[bytes]()
        found: dict[bytes, tuple[tuple[str, int], ...]] = {}
        for library, exports in self._exports.items():
            for name in asked & exports:
                found[name] = (*found.get(name, ()), (library, 1))
        return {name: Exports(by_library) for name, by_library in found.items()}

    def with_cuda(self, names: Iterable[bytes]) -> Mapping[bytes, Exports]:
        """What the index says: a build without CUDA cannot tell."""
        return export_index.with_cuda(names)

    def nearest(self, platform: str, name: bytes) -> tuple[Neighbour, ...]:
        """Of what any indexed release exports of the same entity, what this torch does."""
        if platform not in export_index.platforms():
            return ()
        alike = [one.name for one in export_index.nearest(platform, name)]
        found = self.lookup(platform, alike)
        return tuple(Neighbour(one, found[one]) for one in alike if one in found)

    def first_cxx11(self, platform: str) -> str | None:
        """Its release, where its ``std::string`` is that of the C++11 ABI."""
        if platform != self.platform or self._platform[0] is not Format.ELF:
            return None
        return self._release.version if self._release.cxx11_abi else None


def given_torch(path: str) -> GivenTorch:
    """The torch of an installed ``torch`` directory, of a directory that holds one, or of a wheel.

    Raises:
        TargetError: there is no torch, or a library of it cannot be read.
    """
    where = torch_version.place(path)
    version = torch_version.stated(where)
    found = sources.resolve(os.path.abspath(where))
    exports: dict[str, frozenset[bytes]] = {}
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
                exports[file] = frozenset().union(*(formats.exports(source, one) for one in read))
        except (FormatError, OSError) as error:
            raise TargetError(f"{candidate.relative} of {path} cannot be read: {error}") from error
    if len(images) != 1:
        reason = "no library of torch" if not images else "libraries of several platforms"
        raise TargetError(f"there is {reason} in {path}")
    release = IndexedRelease(
        version=version.release,
        wheel=os.path.basename(os.path.normpath(where)),
        cuda=version.cuda,
        cuda_packages=(),
        cxx11_abi=any(_CXX11_STRING in name for each in exports.values() for name in each),
        libraries=tuple(sorted(exports)),
    )
    return GivenTorch(release, images.pop(), exports, f"{version.text} in {path}")
