"""What a TARGET turns into: packages, and the files in them that may be libraries.

Values alone. Bytes are read when ``Candidate.open`` is called; everything else is already known.
"""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from torch_abi_audit.model.binary import Readable

HEAD_LENGTH = 64
"""Bytes of a file that a ``Candidate`` carries: enough for every magic and the ELF file type."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One file that begins like a library, or is named like one."""

    path: str
    """Where it is, for display: absolute; a wheel's member is ``<wheel path>/<member>``."""
    relative: str
    """POSIX path below the package's root. A sibling's starts from the site-packages directory,
    and what a RECORD places outside of that begins with ``../``."""
    head: bytes
    """Its first bytes, ``HEAD_LENGTH`` of them where it has so many."""
    size: int
    """Length in bytes, unpacked."""
    opener: Callable[[], AbstractContextManager[Readable]] = field(repr=False, compare=False)
    """Picklable, so that another process can read the file."""
    identity: tuple[int, int] | None = field(default=None, repr=False, compare=False)
    """Device and inode, where it is a file of its own: hard links and symlinks share them."""

    def open(self) -> AbstractContextManager[Readable]:
        """The file for positioned reads, while the context lasts.

        Raises:
            OSError: the file went away or cannot be read.
            FormatError: the archive member is damaged, encrypted or implausibly large.
        """
        return self.opener()


@dataclass(frozen=True, slots=True)
class Unread:
    """A path that may hold a library and could not be looked into."""

    path: str
    relative: str
    message: str
    """Why, as one clause: ``permission denied``."""
    dangling: bool = False
    """A link named as a library that leads nowhere: worth a note, but nothing to be read."""


@dataclass(frozen=True, slots=True)
class Found:
    """One package to audit."""

    name: str
    """Name of the row: what was asked for, or in an environment the distribution's name."""
    root: str
    """Absolute path of the directory, file or wheel that ``Candidate.relative`` starts from."""
    candidates: tuple[Candidate, ...] = ()
    """Sorted by ``relative``."""
    siblings: tuple[Candidate, ...] = ()
    """Other libraries of the same distribution: they resolve imports and are not rows."""
    distribution: str | None = None
    """Name of the distribution as its metadata spells it; None where none or several own it."""
    version: str | None = None
    import_names: tuple[str, ...] = ()
    """Top-level names that the distribution installs, sorted."""
    tags: tuple[str, ...] = ()
    """Wheel tags that the distribution states, such as ``cp39-abi3-manylinux_2_28_x86_64``."""
    requires: tuple[str, ...] = ()
    """Its ``Requires-Dist`` lines, as written."""
    is_torch: bool = False
    """Whether this is the torch distribution itself, whose libraries are libtorch."""
    notes: tuple[str, ...] = ()
    """Sentences a reader of the report should see."""
    errors: tuple[Unread, ...] = ()
    requires_python: str | None = None
    """Its ``Requires-Python``, as written."""
    from_archive: bool = False
    """Whether it is a release as it is handed out, not an installed one."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All packages of one environment."""

    directories: tuple[str, ...]
    """The site-packages directories that were looked at."""
    packages: tuple[Found, ...]
    """Sorted by name; pure Python distributions are here too, without candidates."""
