"""The libraries of a distribution as a loader meets them: by file, by name, by who needs them."""

from __future__ import annotations

from posixpath import dirname, join, normpath

from torch_abi_audit.knowledge.names.lending import lenders
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.torch import runtimes
from torch_abi_audit.knowledge.policies import is_linux_library
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.once import cached_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from torch_abi_audit.model.reports import ExtensionReport, Linkage

    _Place = tuple[str, Linkage]
    """An image and the path of its file."""

_RPATH, _LOADER = "@rpath/", "@loader_path"


class Shipped:
    """The images of a distribution, and what they need of each other."""

    def __init__(
        self,
        libraries: tuple[tuple[str, ExtensionReport], ...],
        beside: Collection[str],
        required: frozenset[str],
        *,
        with_torch: bool,
    ) -> None:
        """Index the libraries.

        Args:
            libraries: Each library's path below the package's root, and its report.
            beside: File names of the distribution's other libraries.
            required: The canonical names of the required distributions.
            with_torch: Whether torch is in the process.
        """
        self._imported = {
            path
            for path, one in libraries
            if one.entry_points or (one.torch is not None and one.torch.uses_torch)
        }
        self._images = [(path, image) for path, one in libraries for image in one.linkage]
        self._beside = frozenset(beside)
        self._required = required
        self.with_torch = with_torch
        self.files = self._beside.union(file_name(path) for path, _ in libraries)
        """The names of all files of the distribution."""

    @cached_property
    def _by_name(self) -> Mapping[str, list[_Place]]:
        """Images by the name of their file, and by their own name where it is another one."""
        found: dict[str, list[_Place]] = {}
        for path, image in self._images:
            for name in {file_name(path), file_name(image.soname or path)}:
                found.setdefault(name, []).append((path, image))
        return found

    @cached_property
    def _loaders(self) -> Mapping[str, list[_Place]]:
        """The images that need a library, by its name."""
        found: dict[str, list[_Place]] = {}
        for place in self._images:
            for name in set(map(file_name, place[1].needed)):
                found.setdefault(name, []).append(place)
        return found

    def named(self, image: Linkage, name: str) -> Iterator[_Place]:
        """The images that an image of this format and architecture may mean by a name."""
        for path, other in self._by_name.get(file_name(name), ()):
            if (other.format, other.arch) == (image.format, image.arch):
                yield path, other

    def linked_from(self, image: Linkage) -> frozenset[str]:
        """The names of all libraries that are loaded with an image, as far as files tell."""
        seen: set[str] = set()
        ahead = list(image.needed)
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead += (each for _, other in self.named(image, name) for each in other.needed)
        return frozenset(seen)

    def needs(self, path: str, image: Linkage) -> list[_Place]:
        """The images that need this one, directly or through others of the distribution."""
        found: dict[str, _Place] = {}
        ahead = [(path, image)]
        while ahead:
            at, one = ahead.pop()
            for name in {file_name(at), file_name(one.soname or at)}:
                for other in self._loaders.get(name, ()):
                    kinds = (other[1].format, other[1].arch) == (image.format, image.arch)
                    if kinds and other[0] not in found and other[0] != path:
                        found[other[0]] = other
                        ahead.append(other)
        return list(found.values())

    def is_imported(self, path: str, image: Linkage) -> bool:
        """Whether Python or torch loads an image, by itself or with one that needs it.

        Others may be plug-ins: a host loads them, which has what they need by then.
        """
        return path in self._imported or any(
            at in self._imported for at, _ in self.needs(path, image)
        )

    def comes_from_elsewhere(self, image: Linkage, name: str) -> bool:
        """Whether system, torch, driver or a requirement may provide a library to an ELF image."""
        return (
            kind_of(name) not in (Kind.OTHER, Kind.TORCH_COPY)
            or is_linux_library(name)
            or (self.with_torch and name in runtimes(image.arch))
            or bool(lenders(name, self._required))
        )

    def by_soname(self, image: Linkage, name: str) -> str | None:
        """The name of the file whose SONAME this is; None without one."""
        return next((file_name(path) for path, other in self.named(image, name)), None)

    def lacks_version(self, image: Linkage, name: str, version: str) -> bool:
        """Whether glibc finds a symbol version in no file of this name.

        With a table of versions that defines none, a library gets away with a warning; without any
        table the loader stops the process at the first symbol that is looked up in it.
        """
        named = [one for path, one in self.named(image, name) if file_name(path) == name]
        return (
            bool(named)
            and name not in self._beside
            and all(
                version not in one.version_definitions
                and (one.version_definitions or not one.version_needs)
                for one in named
            )
        )

    def lost_by_rpath(self, path: str, image: Linkage) -> Iterator[str]:
        """The needed libraries of the distribution to which no LC_RPATH leads.

        dyld tries the entries of the image, and of the images that load it. An entry that may lead
        out of the distribution is given the benefit of the doubt, unless it is an absolute path.
        """
        wanted = [name for name in image.needed if name.startswith(_RPATH)]
        if not wanted:
            return
        entries = [
            (dirname(at), entry)
            for at, one in ((path, image), *self.needs(path, image))
            for entry in one.rpaths
            if not entry.startswith("/")
        ]
        if any(not (entry == _LOADER or entry.startswith(f"{_LOADER}/")) for _, entry in entries):
            return
        folders = [normpath(join(at, f".{entry.removeprefix(_LOADER)}")) for at, entry in entries]
        if any(each.partition("/")[0] not in self._tops for each in folders):
            return
        for name in wanted:
            tail = name.removeprefix(_RPATH)
            places = [normpath(join(folder, tail)) for folder in folders]
            ours = [at for at, _ in self.named(image, name)]
            if ours and file_name(name) not in self._beside and not set(places) & set(ours):
                yield name

    def has_install_name(self, image: Linkage, name: str) -> bool:
        """Whether a library of the distribution has this install name."""
        return any(other.soname == name for _, other in self.named(image, name))

    def is_loaded_apart(self, image: Linkage, name: str) -> bool:
        """Whether Python or torch loads the library of this name by itself."""
        return any(path in self._imported for path, _ in self.named(image, name))

    @cached_property
    def _tops(self) -> frozenset[str]:
        """The first parts of the paths of all files, and the root itself."""
        return frozenset(path.partition("/")[0] for path, _ in self._images if "/" in path) | {"."}
