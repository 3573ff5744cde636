"""The DLLs in a process of Windows: those in files, and those of Windows itself."""

from __future__ import annotations

from typing import NamedTuple

from torch_abi_audit.formats.pe.exports import exports, forwarded
from torch_abi_audit.formats.pe.image import open_image
from torch_abi_audit.formats.pe.imports import imports
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.sources.files.readable import PathReadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.doctor.process import Opened
    from torch_abi_audit.formats.pe.exports import Exports
    from torch_abi_audit.formats.pe.image import Image


class Wanted(NamedTuple):
    """The functions that are imported from one DLL."""

    dll: str
    names: tuple[bytes, ...]
    ordinals: tuple[int, ...]


class Module:
    """One DLL in the process, or the program."""

    __slots__ = ("_exports", "identity", "image", "linked", "opened", "path", "wanted")

    def __init__(
        self, path: str, image: Image | None = None, identity: tuple[int, int] | None = None
    ) -> None:
        self.path = path
        """For a DLL that cannot be seen, its name."""
        self.image = image
        """None if the file cannot be seen: a DLL of Windows, for example."""
        self.identity = identity
        self.opened: Opened | None = None
        self.wanted: Sequence[Wanted] = _wanted(image) if image is not None else ()
        """What it imports, in order; delayed imports are left out.

        Raises:
            FormatError: the file is damaged.
        """
        self.linked: list[Module] = []
        """The DLLs of ``wanted``, in its order."""
        self._exports: Exports | None = None

    @property
    def name(self) -> str:
        """Its name among the DLLs of the process, in lower case."""
        return file_name(self.path).lower()

    def export(self, key: bytes | int) -> bytes | None:
        """The function of a name or ordinal: None if there is none; if another DLL has it, where.

        Raises:
            FormatError: the file is damaged.
            OSError: it cannot be read.
        """
        if self.image is None:
            return b""
        if self._exports is None:
            self._exports = exports(self.image)
        known = self._exports
        index = known.names.get(key) if isinstance(key, bytes) else key - known.base
        if index is None or not 0 <= index < len(known.functions):
            return None
        rva = known.functions[index]
        if rva in known.forwarders:
            return forwarded(self.image, rva)
        return b"" if rva else None


def read(path: str, arch: str | None) -> Image | str:
    """The image in a file; if it cannot be loaded, why: ``machine`` or what is damaged.

    Raises:
        OSError: it cannot be read.
    """
    try:
        image = open_image(PathReadable(path), programs=True)
    except FormatError as error:
        return str(error)
    if isinstance(image, NotALibrary):
        return image.kind
    return OTHER_MACHINE if arch is not None and image.arch != arch else image


OTHER_MACHINE = "machine"
"""What ``read`` returns for an image of another architecture."""


def _wanted(image: Image) -> tuple[Wanted, ...]:
    found = [one for one in imports(image) if not one.delayed]
    names = image.names((rva for one in found for rva in one.names), "name of an import")
    return tuple(
        Wanted(one.dll, tuple(names[rva] for rva in one.names), tuple(one.ordinals))
        for one in found
    )
