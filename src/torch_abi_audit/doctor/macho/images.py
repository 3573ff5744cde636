"""The images in a process of macOS: the program, libraries in files, and those of the system."""

from __future__ import annotations

from typing import NamedTuple

from torch_abi_audit.formats.macho.image import MH_BUNDLE, MH_DYLIB, open_image
from torch_abi_audit.formats.macho.linking import architectures, exported
from torch_abi_audit.knowledge.names.system import MACOS_PATHS
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import PathReadable
from torch_abi_audit.sources.files.tree import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch_abi_audit.doctor.process import Opened
    from torch_abi_audit.formats.macho.image import Image
    from torch_abi_audit.formats.macho.slices import Slice
    from torch_abi_audit.formats.macho.trie import Export

ACCEPTED = {"arm64": ("arm64e", "arm64"), "x86_64": ("x86_64h", "x86_64")}
"""Architecture of a process to those that dyld loads into it, the best one first."""


class Loaded:
    """One image in the process."""

    __slots__ = ("_known", "dependents", "hidden", "identity", "image", "opened", "path")

    def __init__(
        self, path: str, image: Image | None, identity: tuple[int, int] | None = None
    ) -> None:
        self.path = path
        """Without links; for a library that cannot be seen, the name that was asked for."""
        self.image = image
        """None if the file cannot be seen: a library of the system, for example."""
        self.identity = identity
        self.dependents: list[Loaded | None] | None = None
        """The libraries that it is linked to; None among them if a weak one is missing, None in
        place of the list until they were looked for."""
        self.hidden = False
        """Whether its names are kept from flat lookups (RTLD_LOCAL)."""
        self.opened: Opened | None = None
        self._known: dict[bytes, Export | None] = {}

    def exports(self, names: Iterable[bytes]) -> Mapping[bytes, Export | None]:
        """Each name to its export, to None if the image has none.

        Raises:
            FormatError: the file is damaged.
            OSError: it cannot be read.
        """
        wanted = [name for name in names if name not in self._known]
        if wanted and self.image is not None:
            found = exported(self.image, wanted)
            self._known.update((name, found.get(name)) for name in wanted)
        return self._known

    @property
    def is_unseen(self) -> bool:
        """Whether it is in a file that cannot be seen, rather than in macOS."""
        return self.image is None and not self.path.startswith(MACOS_PATHS)

    @property
    def install_name(self) -> str | None:
        """The name that a library states for itself."""
        return self.image.soname if self.image is not None else None

    @property
    def rpaths(self) -> tuple[str, ...]:
        """The directories that its LC_RPATH commands add."""
        return self.image.rpaths if self.image is not None else ()


class Unloadable(NamedTuple):
    """Why dyld does not load a file."""

    kind: str
    """``machine``, ``damaged``, ``program`` or ``bundle``."""
    text: str
    """The reason as dyld words it, as far as it is known."""


def read(path: str, arch: str | None, *, linked: bool) -> Image | Unloadable:
    """The image in a file that dyld would load.

    Args:
        path: The file.
        arch: The architecture of the process; None if any will do.
        linked: Whether another image is linked to it, instead of opening it.
    """
    try:
        found = architectures(PathReadable(path))
        if isinstance(found, NotALibrary):
            return Unloadable("damaged", "slice is not valid mach-o file")
        accepted = accepts(arch or native(name for name, _ in found))
        chosen = next((one for name in accepted for had, one in found if had == name), None)
        if chosen is None:
            return Unloadable("machine", _other_machine(found, accepted))
        image = open_image(chosen, programs=True)
    except FormatError as error:
        return Unloadable("damaged", str(error))
    except OSError as error:
        return Unloadable("damaged", reason(error))
    if isinstance(image, NotALibrary):
        return Unloadable("program", f"unloadable mach-o file type, {image.kind} '{path}'")
    if linked and image.kind == MH_BUNDLE:
        return Unloadable("bundle", f"cannot link against bundle '{path}'")
    if linked and image.kind != MH_DYLIB:
        return Unloadable("program", f"cannot link against a main executable '{path}'")
    return image


def read_program(path: str, arch: str | None) -> Image | None:
    """The image of a program; None if it cannot be read."""
    found = read(path, arch, linked=False)
    return None if isinstance(found, Unloadable) else found


def native(found: Iterable[str]) -> str:
    """The architecture that a file with some is run as: the machine's own comes first."""
    have = list(found)
    for arch, accepted in ACCEPTED.items():
        if not {*accepted}.isdisjoint(have):
            return arch
    return have[0]


def accepts(arch: str) -> tuple[str, ...]:
    """The architectures that dyld loads into a process of one, the best one first."""
    return ACCEPTED.get(arch, (arch,))


def _other_machine(found: Sequence[tuple[str, Slice]], accepted: tuple[str, ...]) -> str:
    what = (
        "fat file, but missing compatible architecture"
        if found[0][1].offset
        else "mach-o file, but is an incompatible architecture"
    )
    have, need = ",".join(name for name, _ in found), "' or '".join(accepted)
    return f"{what} (have '{have}', need '{need}')"
