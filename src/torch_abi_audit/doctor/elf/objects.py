"""A library in a simulated process, with what the loader learns from its file."""

from __future__ import annotations

import os

from torch_abi_audit.formats.elf.definitions import Definitions
from torch_abi_audit.formats.elf.image import (
    Image,
    NoDynamicSectionError,
    NoSegmentsError,
    Tag,
    open_image,
)
from torch_abi_audit.formats.elf.versions import Versions, versions
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.doctor.process import Opened
    from torch_abi_audit.formats.elf.definitions import Definition
    from torch_abi_audit.sources.loading import LibraryFile

_SYMBOLIC, _BIND_NOW = 2, 8  # DF_SYMBOLIC and DF_BIND_NOW in DT_FLAGS
_NOW, _NO_DEFAULT_DIRECTORIES, _NO_OPEN, _PIE = 1, 0x800, 0x40, 0x08000000  # in DT_FLAGS_1
_FILTERS = {Tag.NEEDED: "needed", Tag.AUXILIARY: "auxiliary", Tag.FILTER: "filter"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the dynamic section of a file says."""

    image: Image
    needed: tuple[tuple[int, str], ...]
    """DT_NEEDED, DT_AUXILIARY and DT_FILTER with their names, in the order of the file."""
    soname: str | None
    rpath: str | None
    """DT_RPATH, unless there is a DT_RUNPATH, which makes the loader ignore it."""
    runpath: str | None
    versions: Versions
    symbolic: bool
    bind_now: bool
    no_default_directories: bool
    not_for_dlopen: bool
    program: bool
    """Whether it says that it is a position-independent executable."""
    fixed: bool
    """Whether it is a program for a fixed address."""


def facts(file: LibraryFile) -> Facts | str:
    """What a file says of itself, or the kind of file that it is if not a library or a program.

    Raises:
        FormatError: the file is damaged.
    """
    try:
        image = open_image(file, programs=True)
    except NoDynamicSectionError:
        return "debug symbols"
    except NoSegmentsError:
        return "nothing to load"
    if isinstance(image, NotALibrary):
        return image.kind
    tags = image.tags
    needed = [(tag, value) for tag, value in image.entries if tag in _FILTERS]
    single = [tags[tag] for tag in (Tag.SONAME, Tag.RPATH, Tag.RUNPATH) if tag in tags]
    offsets = {*single, *(value for _, value in needed)}
    names = image.strings().names(offsets) if offsets else {}

    def text(tag: int) -> str | None:
        return os.fsdecode(names[tags[tag]]) if tag in tags else None

    flags, flags_1 = tags.get(Tag.FLAGS, 0), tags.get(Tag.FLAGS_1, 0)
    return Facts(
        image=image,
        needed=tuple((tag, os.fsdecode(names[value])) for tag, value in needed),
        soname=text(Tag.SONAME),
        rpath=None if Tag.RUNPATH in tags else text(Tag.RPATH),
        runpath=text(Tag.RUNPATH),
        versions=versions(image),
        symbolic=Tag.SYMBOLIC in tags or bool(flags & _SYMBOLIC),
        bind_now=Tag.BIND_NOW in tags or bool(flags & _BIND_NOW or flags_1 & _NOW),
        no_default_directories=bool(flags_1 & _NO_DEFAULT_DIRECTORIES),
        not_for_dlopen=bool(flags_1 & _NO_OPEN),
        program=bool(flags_1 & _PIE),
        fixed=image.fixed,
    )


@dataclass(frozen=True, slots=True)
class Version:
    """A version by its index in a file: one that it needs, or one that it defines."""

    name: str
    exact: bool = False
    """Whether a symbol without a version of its own will not do instead."""
    library: str | None = None
    """The library that must define it; None if the file itself does."""


class Object:
    """A library in the process; the program is one too."""

    __slots__ = (
        "_definitions",
        "dependencies",
        "everywhere",
        "facts",
        "identity",
        "loader",
        "names",
        "opened",
        "origin",
        "path",
        "relocated",
        "searchlist",
        "versions",
    )

    def __init__(
        self,
        path: str,
        origin: str,
        facts: Facts | None,
        identity: tuple[int, int] | None,
        loader: Object | None,
        opened: Opened,
    ) -> None:
        self.path = path
        """As in the loader's messages."""
        self.origin = origin
        """What ``$ORIGIN`` stands for."""
        self.facts = facts
        """None if the file could not be read as the loader would read it."""
        self.identity = identity
        self.loader = loader
        """The object that needs it; None if the program opened it."""
        self.opened = opened
        self.names = [opened.asked]
        """The names by which it was asked for."""
        self.searchlist: list[Object] | None = None
        """Itself and all that it needs, breadth first; None until it is opened by itself."""
        self.dependencies: list[Object] | None = None
        """Itself and what it needs, in the order that sorting uses."""
        self.everywhere = False
        """Whether it is in the global scope."""
        self.relocated = False
        self.versions: dict[int, Version] | None = None
        """By index; None until they are checked, empty if the file has none."""
        self._definitions: Definitions | None = None

    def is_named(self, name: str) -> bool:
        """Whether a library of this name is the object, as far as the loader has seen its names."""
        return name == self.path or name in self.names

    def answers_to(self, name: str) -> bool:
        """``is_named``, or it is its SONAME, which is then one of its names."""
        if self.is_named(name):
            return True
        if self.facts is None or self.facts.soname != name:
            return False
        self.names.append(name)
        return True

    def read_versions(self) -> None:
        """Fill in ``versions``, of which those that the file defines win."""
        known: dict[int, Version] = {}
        if self.facts is not None:
            for need in self.facts.versions.needs:
                known[need.index] = Version(
                    os.fsdecode(need.name), need.hidden, os.fsdecode(need.library)
                )
            for definition in self.facts.versions.definitions:
                known.setdefault(definition.index, Version(""))
                if not definition.base:
                    known[definition.index] = Version(os.fsdecode(definition.name))
        self.versions = known if any(known) else {}

    def definitions(self, names: Iterable[bytes]) -> dict[bytes, tuple[Definition, ...]]:
        """The definitions of names in the file.

        Raises:
            FormatError: the file is damaged.
        """
        if self.facts is None:
            raise FormatError(f"{self.path} was not read")
        if self._definitions is None:
            self._definitions = Definitions(self.facts.image)
        return self._definitions.find(names)
