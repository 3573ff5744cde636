"""Looks for files by path and by pattern, as Python programs do when they are imported."""

from __future__ import annotations

import glob
import os

from torch_abi_audit.sources.files.readable import read_text

_LARGEST_SOURCE = 1 << 21
_MOST_MATCHES = 1000


def has_file(path: str) -> bool:
    """Whether there is a file, or a link to one, at ``path``."""
    try:
        return os.path.isfile(path)
    except ValueError:  # a path with a NUL
        return False


def has_directory(path: str) -> bool:
    """Whether there is a directory, or a link to one, at ``path``."""
    try:
        return os.path.isdir(path)
    except ValueError:
        return False


def matches(pattern: str, *, recursive: bool = False) -> list[str]:
    """The paths that match a pattern, in the order of ``glob.glob``: that of the directory."""
    found = []
    for path in glob.iglob(pattern, recursive=recursive):
        found.append(path)
        if len(found) == _MOST_MATCHES:
            break
    return found


def real_path(path: str) -> str:
    """The path without symlinks."""
    try:
        return os.path.realpath(path)
    except ValueError:
        return path


def source_text(path: str) -> str | None:
    """The text of a Python source; None if there is none, or if it is too large to be one."""
    try:
        text = read_text(path, _LARGEST_SOURCE)
    except (OSError, ValueError):
        return None
    return None if len(text) >= _LARGEST_SOURCE else text
