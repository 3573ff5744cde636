"""A simulated process: the libraries that it has opened, and how the loader would refuse another.

``elf``, ``macho`` and ``pe`` have one simulation each; all have the interface ``Process``.
"""

from __future__ import annotations

from typing import Protocol, Self

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Found(StrEnum):
    """By what the loader found a library."""

    PATH = "path"
    """It was asked for by a path."""
    OPEN = "already open"
    """It was open: nothing was searched."""
    PRELOAD = "LD_PRELOAD"
    RPATH = "RPATH"
    RUNPATH = "RUNPATH"
    VARIABLE = "variable"
    """A variable of the environment: ``LD_LIBRARY_PATH``, ``DYLD_LIBRARY_PATH``, ``PATH``."""
    CACHE = "ld.so.cache"
    DEFAULT = "default directories"
    ADDED = "added directories"
    """Windows: the directory of the file that is opened, and those that the program added."""


class Refusal(StrEnum):
    """Why a library is not opened."""

    NO_LIBRARY = "library-not-found"
    NO_SYMBOL = "symbol-not-found"
    NO_VERSION = "version-not-found"
    OTHER_MACHINE = "other-machine"
    DAMAGED = "damaged"
    EXECUTABLE_STACK = "executable-stack"
    EXECUTABLE = "executable"
    """It is a program, not a library."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Opened:
    """One library in the process."""

    path: str
    """As the loader opened it."""
    asked: str
    """The name that was asked for: an entry of DT_NEEDED, or a path."""
    by: str | None
    """Path of the library that needs it; None if the program opened it."""
    found: Found
    where: str = ""
    """The entry that led to it: a directory of the variable, an entry of the RUNPATH as written."""
    of: str | None = None
    """Path of the library whose RPATH or RUNPATH that is."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What the loader answers to a library that it does not open."""

    text: str
    """The loader's own words, as an ``ImportError`` or ``OSError`` would have them."""
    kind: Refusal
    file: str
    """Path of the library that lacks something."""
    symbol: str | None = None
    version: str | None = None
    """The version of the symbol, or of the library, that is missing."""
    library: str | None = None
    """The library that is missing, or that should have the symbol or version."""
    copy: Opened | None = None
    """The copy of ``library`` that is open and lacks the symbol or version."""
    led: tuple[Opened, ...] = ()
    """The libraries in the process that a variable of the environment led to, for a symbol."""
    fatal: bool = False
    """Whether the loader ends the program with these words, instead of refusing one library."""


class Process(Protocol):
    """A process that has opened libraries, and can open more."""

    def open(self, path: str, *, everywhere: bool = False) -> Failure | None:
        """Open a library and all that it needs, as ``dlopen`` does.

        Args:
            path: A path, or a name that is searched.
            everywhere: Whether its names are offered to libraries opened later (RTLD_GLOBAL).

        Returns:
            What the loader answers if it refuses; None if the library is open.
        """

    def fork(self) -> Self:
        """The same process once more: what is opened in one is not open in the other."""

    @property
    def opened(self) -> Sequence[Opened]:
        """All libraries in the process, in the order of opening."""

    @property
    def unknown(self) -> Sequence[str]:
        """What could not be determined, as sentences: files that could not be read, for example."""
