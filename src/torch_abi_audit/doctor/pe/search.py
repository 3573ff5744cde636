"""Where Windows looks for a DLL, and which DLLs are part of Windows.

From Microsoft's "Dynamic-link library search order", and the documentation of ``LoadLibraryExW``.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from torch_abi_audit.doctor.process import Found
from torch_abi_audit.knowledge.names.system import (
    is_nvidia_driver,
    is_opencl,
    is_windows_runtime,
)
from torch_abi_audit.knowledge.policies import is_windows_library
from torch_abi_audit.sources.files.place import is_directory
from torch_abi_audit.sources.installed.imports import listing
from torch_abi_audit.sources.installed.virtual_environment import configuration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_API_SETS = ("api-ms-", "ext-ms-")
"""Beginnings of names that stand for DLLs of Windows, whatever files there are."""
_KNOWN = frozenset(
    f"{name}.dll"
    for name in (
        *("advapi32", "bcryptprimitives", "cfgmgr32", "clbcatq", "combase", "comdlg32", "crypt32"),
        *("gdi32", "gdiplus", "imagehlp", "imm32", "kernel32", "kernelbase", "msctf", "msvcrt"),
        *("normaliz", "nsi", "ntdll", "ole32", "oleaut32", "psapi", "rpcrt4", "sechost"),
        *("setupapi", "shcore", "shell32", "shlwapi", "user32", "ws2_32", "wldap32"),
    )
)
"""DLLs that Windows only takes from its own directory: ``Session Manager\\\\KnownDLLs``."""
_SYSTEM = "System32"
_CONDA = "conda-meta"
_CONDA_DLLS = os.path.join("Library", "bin")
"""In an environment of conda, whose Python adds this directory: the patches of conda-forge's
``python-feedstock``."""


class Place(NamedTuple):
    """A directory in which DLLs are looked for."""

    directory: str
    found: Found


class Directories:
    """The directories of the process, and the names of the files in them."""

    def __init__(self, program: str, environ: Mapping[str, str], added: Sequence[str]) -> None:
        variables = {name.upper(): value for name, value in environ.items()}
        self.application = _application(program)
        """The directory of the program; empty if it is not known."""
        self.added = list(added)
        """Those that ``os.add_dll_directory`` has added, in the order of the calls."""
        root = variables.get("SYSTEMROOT", "")
        system = os.path.join(root, _SYSTEM) if root else ""
        self.system = system if system and is_directory(system) else ""
        """The system directory; empty if it cannot be seen."""
        self.path = [entry for entry in variables.get("PATH", "").split(os.pathsep) if entry]
        conda = self.application and is_directory(os.path.join(self.application, _CONDA))
        self.conda = os.path.join(self.application, _CONDA_DLLS) if conda else ""
        """Where conda installs DLLs; empty if this is not one of its environments."""
        self._listed: dict[str, dict[str, str]] = {}

    @property
    def sees_application(self) -> bool:
        """Whether the directory of the program can be looked at."""
        return bool(self.application) and is_directory(self.application)

    def restricted(self, beside: str) -> Iterator[Place]:
        """The order for what is opened as Python opens a module in the directory ``beside``."""
        yield Place(beside, Found.ADDED)
        yield Place(self.application, Found.DEFAULT)
        for directory in self.added:
            yield Place(directory, Found.ADDED)
        yield Place(self.conda, Found.ADDED)
        yield Place(self.system, Found.DEFAULT)

    def standard(self, first: str) -> Iterator[Place]:
        """The order of plain ``LoadLibrary`` where PATH begins with ``first``."""
        yield Place(self.application, Found.DEFAULT)
        yield Place(self.system, Found.DEFAULT)
        for directory in (first, *self.path):
            yield Place(directory, Found.VARIABLE)

    def file(self, directory: str, name: str) -> str | None:
        """The path of a file by its name, in whatever case; None if there is none."""
        if not directory:
            return None
        if directory not in self._listed:
            self._listed[directory] = {each.lower(): each for each in listing(directory)}
        actual = self._listed[directory].get(name.lower())
        return os.path.join(directory, actual) if actual is not None else None


def is_of_windows(name: str) -> bool:
    """Whether a DLL, in lower case, is taken from Windows whatever other files there are."""
    return name.startswith(_API_SETS) or name in _KNOWN


def may_be_installed(name: str) -> bool:
    """Whether a DLL, in lower case, is part of Windows, or of what is installed into it."""
    return (
        is_windows_library(name)
        or is_windows_runtime(name)
        or is_nvidia_driver(name)
        or is_opencl(name)
    )


def is_certain(name: str) -> bool:
    """Whether a DLL, in lower case, is part of every Windows 10 and later."""
    return is_of_windows(name) or is_windows_library(name)


def _application(program: str) -> str:
    """The directory of the interpreter that a program is, or starts as in a virtual environment."""
    if not program:
        return ""
    directory = os.path.dirname(program)
    return configuration(os.path.dirname(directory)).get("home") or directory
