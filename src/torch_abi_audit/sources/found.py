"""What a TARGET resolves to: packages, and the files in them that may be libraries.

These are plain values. Only ``Candidate.open`` reads bytes; everything else is already known.
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
    """One file that begins like a library or like code for GPUs, or is named like one."""

    path: str
    """Absolute path, for display; a wheel's member is ``<wheel path>/<member>``."""
    relative: str
    """POSIX path below the package's root. For a sibling, the path below site-packages; files
    that a RECORD places outside of site-packages begin with ``../``."""
    head: bytes
    """The first ``HEAD_LENGTH`` bytes of the file; fewer if the file is shorter."""
    size: int
    """Length in bytes, unpacked."""
    opener: Callable[[], AbstractContextManager[Readable]] = field(repr=False, compare=False)
    """Opens the file; picklable, so that another process can read the file."""
    identity: tuple[int, int] | None = field(default=None, repr=False, compare=False)
    """Device and inode, shared by hard links and symlinks; None for an archive's member."""

    def open(self) -> AbstractContextManager[Readable]:
        """The file for positioned reads, while the context lasts.

        Raises:
            OSError: the file went away or cannot be read.
            FormatError: the archive member is damaged, encrypted or implausibly large.
        """
        return self.opener()


@dataclass(frozen=True, slots=True)
class Unread:
    """A path that may be or contain a library and could not be read."""

    path: str
    relative: str
    message: str
    """The reason, as one clause: ``permission denied``."""
    dangling: bool = False
    """Whether this is a dangling symlink with a library's name: a note in reports, not an error."""


@dataclass(frozen=True, slots=True)
class Found:
    """One package to audit."""

    name: str
    """Name of the package in reports: the TARGET, or in an environment the distribution's name."""
    root: str
    """Absolute path of the directory, file or wheel that ``Candidate.relative`` is relative to."""
    candidates: tuple[Candidate, ...] = ()
    """Sorted by ``relative``."""
    siblings: tuple[Candidate, ...] = ()
    """Other libraries of the same distribution: they can provide symbols, but are not audited."""
    distribution: str | None = None
    """Name of the distribution as its metadata spells it; None if no or several ones own it."""
    version: str | None = None
    import_names: tuple[str, ...] = ()
    """Top-level names that the distribution installs, sorted."""
    tags: tuple[str, ...] = ()
    """Wheel tags that the distribution states, such as ``cp39-abi3-manylinux_2_28_x86_64``."""
    requires: tuple[str, ...] = ()
    """The ``Requires-Dist`` lines, as written."""
    is_torch: bool = False
    """Whether this is the torch distribution itself, whose libraries are libtorch."""
    notes: tuple[str, ...] = ()
    """Remarks that the report shows."""
    errors: tuple[Unread, ...] = ()
    requires_python: str | None = None
    """The ``Requires-Python`` field, as written."""
    from_archive: bool = False
    """Whether this is an archive such as a wheel, not an installed package."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All packages in one environment."""

    directories: tuple[str, ...]
    """The site-packages directories that were read."""
    packages: tuple[Found, ...]
    """Sorted by name; includes pure Python distributions, which have no candidates."""
