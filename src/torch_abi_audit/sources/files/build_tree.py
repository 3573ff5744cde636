"""The object files of a build directory: what CMake, setuptools or ninja left, or single files."""

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
"""Directories of CMake's own tests of the compiler."""
_ASIDE = frozenset({".git", ".hg", ".svn", ".tox", ".nox", ".venv", "node_modules", "__pycache__"})
_SUFFIXES = (*OBJECT_SUFFIXES, *ARCHIVE_SUFFIXES)


class BuildFile(NamedTuple):
    """One file that may be an object file or an archive of them."""

    path: str
    relative: str
    """Below the directory, with forward slashes; the name of a file that was given itself."""

    def open(self) -> FileReadable:
        """The file for positioned reads, while the context lasts.

        Raises:
            OSError: the file went away or cannot be read.
        """
        return open_readable(self.path)


def build_files(target: str) -> tuple[BuildFile, ...]:
    """The object files and archives that a path names, by their suffixes; sorted.

    Empty where it is no such path: a directory without object files is somebody else's to read,
    also if it holds archives, which packages ship beside their libraries.

    Raises:
        TargetError: a directory below it cannot be listed.
    """
    path = os.path.abspath(target)
    if os.path.isfile(path):
        named = path.lower().endswith(_SUFFIXES)
        return (BuildFile(path, os.path.basename(path)),) if named else ()
    if not os.path.isdir(path):
        return ()
    found = sorted(_walk(path, ""), key=lambda one: one.relative)
    if not any(one.relative.lower().endswith(OBJECT_SUFFIXES) for one in found):
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
