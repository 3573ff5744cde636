"""Object files: those in a build directory of CMake, setuptools or ninja, or single files."""

from __future__ import annotations

import os
from typing import NamedTuple

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.files.readable import open_readable
from torch_abi_audit.sources.files.tree import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.sources.files.readable import FileReadable

OBJECT_SUFFIXES = (".o", ".obj")
ARCHIVE_SUFFIXES = (".a", ".lib")
_PROBES = frozenset({"CMakeScratch", "CMakeTmp", "CompilerIdC", "CompilerIdCXX", "CompilerIdCUDA"})
"""Directories in which CMake tests the compiler."""
_ASIDE = frozenset({".git", ".hg", ".svn", ".tox", ".nox", ".venv", "node_modules", "__pycache__"})
_SUFFIXES = (*OBJECT_SUFFIXES, *ARCHIVE_SUFFIXES)


class BuildFile(NamedTuple):
    """One file that may be an object file or an archive of them."""

    path: str
    relative: str
    """Path below the directory, with forward slashes; for a single file, its name."""

    def open(self) -> FileReadable:
        """The file for positioned reads, while the context lasts.

        Raises:
            OSError: the file went away or cannot be read.
        """
        return open_readable(self.path)


def is_directory(target: str) -> bool:
    """Whether a TARGET is the path of a directory, which may hold libraries as well."""
    return os.path.isdir(target)


def build_files(target: str, *, archives: bool = False) -> tuple[BuildFile, ...]:
    """The object files and static archives at a path, found by suffix, sorted.

    Empty if the path is not a build directory or object file. A directory with archives but no
    object files does not count: packages ship archives beside their libraries.

    Args:
        target: The path.
        archives: Whether a directory with archives alone counts all the same.

    Raises:
        TargetError: a directory below the path cannot be listed.
    """
    path = os.path.abspath(target)
    if os.path.isfile(path):
        named = path.lower().endswith(_SUFFIXES)
        return (BuildFile(path, os.path.basename(path)),) if named else ()
    if not os.path.isdir(path):
        return ()
    found = sorted(_walk(path, ""), key=lambda one: one.relative)
    if not archives and not any(one.relative.lower().endswith(OBJECT_SUFFIXES) for one in found):
        return ()
    return tuple(found)


def _walk(directory: str, below: str) -> Iterator[BuildFile]:
    try:
        entries = sorted(os.scandir(directory), key=lambda one: one.name)
    except OSError as error:
        raise TargetError(f"cannot list {directory}: {reason(error)}") from error
    for entry in entries:
        relative = f"{below}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _PROBES and entry.name not in _ASIDE:
                yield from _walk(entry.path, f"{relative}/")
        elif entry.name.lower().endswith(_SUFFIXES) and entry.is_file():
            yield BuildFile(entry.path, relative)
