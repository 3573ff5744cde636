"""What the dynamic loader asks of the disk: files, directories, and its own configuration."""

from __future__ import annotations

import errno
import os
import stat

from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import OPEN_FLAGS, FileReadable

_MOST = 1 << 16
"""Most bytes that are read of what the system says about its processor."""


class LibraryFile(FileReadable):
    """Positioned reads of a file for as long as anything refers to it.

    A simulated process refers to its libraries all its life, and may have more of them than a
    program may have open files: those that were opened first are closed, and opened again when they
    are read.
    """

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(path)
        super().__init__(os.open(path, OPEN_FLAGS))
        self._keep()

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode: the same for every name of the file."""
        return self._status.st_dev, self._status.st_ino

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes of ``[offset, offset + length)``, fewer at the end of the file.

        Raises:
            FormatError: the file was replaced or removed while the process was simulated.
        """
        if self._fd == _CLOSED:
            try:
                self._fd = os.open(self._path, OPEN_FLAGS)
            except OSError as error:
                raise FormatError(f"the file can no longer be read: {error.strerror}") from error
            self._keep()
            if not os.path.samestat(self._status, os.fstat(self._fd)):
                raise FormatError("the file was replaced while it was being read")
        return super().read_at(offset, length)

    def _keep(self) -> None:
        """Count as open, and close the first of those that are."""
        if len(_open) >= _MOST_OPEN:
            next(iter(_open)).close()
        _open[self] = None

    def close(self) -> None:
        """Close the file until it is read again."""
        del _open[self]
        os.close(self._fd)
        self._fd = _CLOSED


_CLOSED = -1
_MOST_OPEN = 512
"""Systems allow a program 1024 open files or more."""
_open: dict[LibraryFile, None] = {}
"""Those that are open, the one that was opened first at the head."""


def open_library(path: str) -> LibraryFile:
    """Open a file, or a directory, which fails when it is read.

    Raises:
        OSError: it cannot be opened.
    """
    try:
        return LibraryFile(path)
    except ValueError as error:  # a NUL in the path
        raise FileNotFoundError(errno.ENOENT, str(error), path) from error


def is_directory(path: str) -> bool:
    """Whether there is a directory at the path, links followed."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def contents(path: str, limit: int) -> bytes | None:
    """The first ``limit`` bytes of a regular file; None if there is none, or it cannot be read."""
    try:
        with FileReadable(os.open(path, OPEN_FLAGS)) as file:
            return file.read_at(0, limit) if file.is_regular else None
    except (OSError, ValueError):
        return None


def real_path(path: str) -> str:
    """The absolute path of a file, links resolved."""
    return os.path.realpath(path)


def working_directory() -> str:
    """The current directory."""
    return os.getcwd()


def page_size() -> int:
    """Bytes of a page of memory: 4096, or more on some ARM systems."""
    return os.sysconf("SC_PAGESIZE") if hasattr(os, "sysconf") else 4096


def processor() -> dict[str, frozenset[str]]:
    """What ``/proc/cpuinfo`` says of the first processor; empty on other systems.

    The words of each line by its name: ``flags`` on x86, ``Features`` on ARM.
    """
    found: dict[str, frozenset[str]] = {}
    text = (contents("/proc/cpuinfo", _MOST) or b"").decode("ascii", "replace")
    for line in text.partition("\n\n")[0].splitlines():
        name, _, words = line.partition(":")
        found[name.strip()] = frozenset(words.split())
    return found
