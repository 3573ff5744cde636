"""What the dynamic loader asks of the disk: files, directories, and its own configuration."""

from __future__ import annotations

import os
import stat

from torch_abi_audit.sources.files.readable import OPEN_FLAGS, FileReadable

_MOST = 1 << 16
"""Most bytes that are read of what the system says about its processor."""


class LibraryFile(FileReadable):
    """Positioned reads of a file that is kept open for as long as it is referred to.

    A simulated process refers to its libraries all its life, as a real one does.
    """

    __slots__ = ()

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode: the same for every name of the file."""
        return self._status.st_dev, self._status.st_ino

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)


def open_library(path: str) -> LibraryFile:
    """Open a file, or a directory, which fails when it is read.

    Raises:
        OSError: it cannot be opened.
    """
    try:
        return LibraryFile(os.open(path, OPEN_FLAGS))
    except ValueError as error:  # a NUL in the path
        raise FileNotFoundError(str(error)) from error


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
