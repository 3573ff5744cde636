"""Where a configuration is, and where the paths in it lead: all that settings know of the disk.

It is the file that was named, or the nearest ``pyproject.toml`` with one. This runs before every
audit: importing ``pathlib`` would cost more than the search.
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
    """A file that may hold settings."""

    path: str
    text: str
    embedded: bool
    """It is a ``pyproject.toml``, where a table of its own holds them."""

    @property
    def shown(self) -> str:
        """Its path as messages have it, seen from the current directory."""
        return os.path.relpath(self.path)

    @property
    def directory(self) -> str:
        """What the paths in it are relative to; empty for the current directory."""
        directory = os.path.dirname(self.path)
        return "" if not directory or os.path.samefile(directory, os.curdir) else directory


def named(path: str) -> ConfigurationFile:
    """The file that ``--config`` names.

    Raises:
        SettingsError: it cannot be read, or is not UTF-8.
    """
    return _decoded(path, _content(path))


def nearest(directory: str = os.curdir) -> ConfigurationFile | None:
    """The ``pyproject.toml`` of a directory or the nearest above it that speaks of this program.

    The search ends with the directory that holds ``.git``.

    Raises:
        SettingsError: one cannot be read, or is not UTF-8.
    """
    try:
        here = os.path.abspath(directory)
    except FileNotFoundError:  # the current directory is gone: there is no file in it or above it
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
    """A path of a configuration, seen from the current directory."""
    return os.path.join(directory, path)


def placed_if_there(word: str, directory: str) -> str:
    """The same where something is there; else the word, which may be another kind of TARGET."""
    path = placed(word, directory)
    return path if os.path.lexists(path) else word


def expanded(target: str, directory: str) -> Iterator[str]:
    """A configured target: a glob's matches, a path that exists, or the word as it stands."""
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
