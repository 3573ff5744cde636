"""The files of the project in which the user stands: found, read, and replaced at once."""

from __future__ import annotations

import os
import re

from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files.replacing import replace_file
from torch_abi_audit.sources.files.tree import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BOM = "\ufeff"
_MANIFEST = "pyproject.toml"
_LIKELY = ("setup.cfg", "setup.py", "requirements.txt", "requirements.in", "hatch_build.py")
"""Where requirements are that ``pyproject.toml`` declares as dynamic."""
_QUOTED = re.compile(r"""["'](torch(?=[^\w.-])[^"']*)["']|["'](torch)["']""")
_PLAIN = re.compile(r"\s*(torch(?![\w.-])[^#]*)")


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A text file of the project."""

    path: str
    text: str
    """As it is, with its newlines, but without a byte order mark."""
    mark: str = ""
    """The byte order mark, if the file begins with one."""

    @property
    def shown(self) -> str:
        """Its path relative to the current directory."""
        return os.path.relpath(self.path)


@dataclass(frozen=True, slots=True)
class Mention:
    """A line of another file of the project that requires torch."""

    path: str
    """Relative to the current directory."""
    line: int
    """From 1."""
    requirement: str


def manifests(directory: str = os.curdir) -> Iterator[ProjectFile]:
    """Each ``pyproject.toml`` from a directory upwards, up to the one that contains ``.git``.

    Raises:
        SettingsError: one of them cannot be read, or is not UTF-8.
    """
    here = os.path.abspath(directory)
    while True:
        path = os.path.join(here, _MANIFEST)
        if os.path.isfile(path):
            yield _read(path)
        above = os.path.dirname(here)
        if above == here or os.path.exists(os.path.join(here, ".git")):
            return
        here = above


def mentions(directory: str, also: Iterable[str] = ()) -> tuple[Mention, ...]:
    """The lines that require torch in the files that may hold a project's requirements.

    Args:
        directory: The directory of ``pyproject.toml``.
        also: Paths of other files, relative to it.
    """
    found = []
    for name in dict.fromkeys((*also, *_LIKELY)):
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            try:
                text = _read(path).text
            except SettingsError:
                continue
            pattern = _QUOTED if name.endswith(".py") else _PLAIN
            for at, line in enumerate(text.splitlines(), 1):
                match = (pattern.search if pattern is _QUOTED else pattern.match)(line)
                if match is not None:
                    requirement = next(filter(None, match.groups())).strip()
                    found.append(Mention(os.path.relpath(path), at, requirement))
    return tuple(found)


def replace(file: ProjectFile, text: str) -> None:
    """Replace the text of a file at once: nobody ever sees half of it, and its mode stays.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        # a link keeps pointing to the file
        replace_file(os.path.realpath(file.path), (file.mark + text).encode())
    except OSError as error:
        raise SettingsError(f"cannot write {file.shown}: {reason(error)}") from error


def _read(path: str) -> ProjectFile:
    try:
        with open(path, "rb") as file:
            text = file.read().decode()
    except OSError as error:
        raise SettingsError(f"cannot read {os.path.relpath(path)}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{os.path.relpath(path)} is not UTF-8 text") from error
    mark = _BOM if text.startswith(_BOM) else ""
    return ProjectFile(path, text.removeprefix(_BOM), mark)
