# this runs before every audit, and pathlib costs more than the search
"""Where a configuration is: the file that was named, or the nearest ``pyproject.toml`` with one."""

from __future__ import annotations

import os

from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files.tree import reason

_MARK = b"torch-abi-audit"
_EMBEDDING = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """A file that may hold settings."""

    path: str
    text: str
    embedded: bool
    """It is a ``pyproject.toml``, where a table of its own holds them."""


def named(path: str) -> ConfigurationFile:
    """The file that ``--config`` names.

    Raises:
        SettingsError: it cannot be read, or is not UTF-8.
    """
    return _decoded(path, _content(path))


def nearest(directory: str) -> ConfigurationFile | None:
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
