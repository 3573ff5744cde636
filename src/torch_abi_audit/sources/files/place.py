"""What is at a path on disk, as a loader finds it: links are followed."""

from __future__ import annotations

import os
import stat
import sys

from torch_abi_audit.runtime.records import dataclass

HOST = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
"""The system that this program runs on: ``linux``, ``macos``, ``windows``."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is at a path."""

    identity: tuple[int, int] | None = None
    """Device and inode of a regular file; None for anything else, or nothing."""
    other: bool = False
    """Whether something is there that is no regular file, such as a directory."""


NOTHING = Place()


def place(path: str) -> Place:
    """What is at a path; nothing if it cannot be asked."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a path read from a file may contain a NUL
        return NOTHING
    if not stat.S_ISREG(status.st_mode):
        return Place(other=True)
    return Place((status.st_dev, status.st_ino))


def real_path(path: str) -> str:
    """The path without links; as it was if they cannot be followed."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


def is_directory(path: str) -> bool:
    """Whether there is a directory."""
    return os.path.isdir(path)
