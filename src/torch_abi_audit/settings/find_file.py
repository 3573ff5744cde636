"""Finds the configuration file and resolves the paths in it; no other settings module reads files.

The configuration is the file that ``--config`` names, or the nearest ``pyproject.toml`` that has
one. This runs before every audit, and importing ``pathlib`` would take longer than the search.
"""

from __future__ import annotations

import os

from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files.tree import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK = b"torch-abi-audit"
_EMBEDDING = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """A file that may contain settings."""

    path: str
    text: str
    embedded: bool
    """Whether it is a ``pyproject.toml``, which has the settings in a table of their own."""

    @property
    def shown(self) -> str:
        """Its path relative to the current directory, for messages."""
        return os.path.relpath(self.path)

    @property
    def directory(self) -> str:
        """The directory that its paths are relative to; empty for the current directory."""
        directory = os.path.dirname(self.path)
        return "" if not directory or os.path.samefile(directory, os.curdir) else directory


def named(path: str) -> ConfigurationFile:
    """The file that ``--config`` names.

    Raises:
        SettingsError: the file cannot be read or is not UTF-8.
    """
    return _decoded(path, _content(path))


def nearest(directory: str = os.curdir) -> ConfigurationFile | None:
    """The nearest ``pyproject.toml`` that mentions this program, from a directory upwards.

    The search ends with the directory that contains ``.git``. A file that mentions this program
    may still have no table for it.

    Raises:
        SettingsError: a file on the way cannot be read, or the nearest one is not UTF-8.
    """
    try:
        here = os.path.abspath(directory)
    except FileNotFoundError:  # the current directory was deleted, so no file can be found from it
        return None
    while True:
        path = os.path.join(here, _EMBEDDING)
        if os.path.isfile(path):
            content = _content(path)
            if _MARK in content:
                return _decoded(path, content)
        above = os.path.dirname(here)
        if above == here or os.path.exists(os.path.join(here, ".git")):
            return None
        here = above


def placed(path: str, directory: str) -> str:
    """A path in a configuration, relative to the current directory."""
    return os.path.join(directory, path)


def placed_if_there(word: str, directory: str) -> str:
    """The same if the path exists; else the word unchanged, which may be another kind of TARGET."""
    path = placed(word, directory)
    return path if os.path.lexists(path) else word


def expanded(target: str, directory: str) -> Iterator[str]:
    """A configured target: the matches of a glob, an existing path, or the word unchanged."""
    if any(sign in target for sign in "*?["):
        from glob import glob

        yield from sorted(glob(placed(target, directory))) or [target]
    elif "/" in target or target.endswith(".whl"):
        yield placed_if_there(target, directory)
    else:
        yield target


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise SettingsError(f"cannot read the configuration {path}: {reason(error)}") from error


def _decoded(path: str, content: bytes) -> ConfigurationFile:
    shown = os.path.relpath(path) if os.path.isabs(path) else path
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{shown}:{line}: not UTF-8") from error
    return ConfigurationFile(path, text, os.path.basename(path) == _EMBEDDING)
