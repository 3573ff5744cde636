"""Distributions, as their metadata directories describe them: ``*.dist-info``, ``*.egg-info``.

``importlib.metadata`` is not used: importing it takes longer than a whole audit.
"""

from __future__ import annotations

import os
import posixpath

from torch_abi_audit.knowledge.names.distribution import canonical
from torch_abi_audit.runtime.records import dataclass, field
from torch_abi_audit.sources.files.readable import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEADERS_LIMIT = 1 << 20
_MODULES = (".py", ".so", ".pyd")
_RECORD_LIMIT = 1 << 28


@dataclass(frozen=True, slots=True)
class Distribution:
    """A metadata directory (or, for old installs, a file) in a site-packages directory."""

    directory: str
    """The site-packages directory."""
    folder: str
    """Name of the metadata directory: ``torch-2.9.0.dist-info``."""
    record: str | None = field(default=None, compare=False, repr=False)
    """The text of its RECORD if it has been read already: it may be a megabyte."""

    @property
    def key(self) -> str:
        """Normalised name, from the folder's name."""
        return canonical(self.folder.rpartition(".")[0].partition("-")[0])

    @property
    def path(self) -> str:
        """Path of the metadata directory."""
        return os.path.join(self.directory, self.folder)

    def file(self, name: str) -> str:
        """Path of a file in the metadata directory."""
        return os.path.join(self.directory, self.folder, name)


@dataclass(frozen=True, slots=True)
class Headers:
    """Fields of a distribution's METADATA."""

    name: str | None = None
    version: str | None = None
    requires: tuple[str, ...] = ()
    requires_python: str | None = None


def distributions(directory: str) -> list[Distribution]:
    """The distributions installed in ``directory``, sorted.

    Raises:
        OSError: the directory cannot be listed.
    """
    return [
        Distribution(directory, name)
        for name in sorted(os.listdir(directory))
        if name.endswith((".dist-info", ".egg-info")) and name[:1] not in {"~", "-", "."}
    ]


def headers(distribution: Distribution) -> Headers:
    """Name, version and requirements from METADATA; else name and version from the folder's name.

    Raises:
        OSError: the metadata exists and cannot be read.
    """
    text = ""
    places = (distribution.file("METADATA"), distribution.file("PKG-INFO"), distribution.path)
    for place in places:  # the last one for an egg-info that is a file
        try:
            text = read_text(place, _HEADERS_LIMIT)
            break
        except (FileNotFoundError, NotADirectoryError):
            continue
    said = parse_headers(text)
    name, _, rest = distribution.folder.rpartition(".")[0].partition("-")
    version = rest.partition("-")[0]
    return Headers(
        said.name or name,
        said.version or version or None,
        said.requires,
        said.requires_python,
    )


def parse_headers(text: str) -> Headers:
    """The fields of a METADATA file, up to its first blank line."""
    found: dict[str, str] = {}
    requires = []
    for line in text.splitlines():
        if not line:
            break
        field, colon, value = line.partition(":")
        if field.lower() == "requires-dist":
            requires.append(value.strip())
        elif colon:
            found.setdefault(field.lower(), value.strip())
    return Headers(
        found.get("name") or None,
        found.get("version") or None,
        tuple(requires),
        found.get("requires-python") or None,
    )


def tags(wheel_file: str) -> tuple[str, ...]:
    """The tags in the text of a WHEEL file, in its order."""
    return tuple(
        line[4:].strip() for line in wheel_file.splitlines() if line.lower().startswith("tag:")
    )


def stated_tags(distribution: Distribution) -> tuple[str, ...]:
    """The wheel tags of an installed distribution; empty if it was not installed from a wheel."""
    try:
        return tags(read_text(distribution.file("WHEEL"), _HEADERS_LIMIT))
    except OSError:
        return ()


def top_level(distribution: Distribution) -> tuple[str, ...]:
    """The names in ``top_level.txt``; empty without that file."""
    try:
        text = read_text(distribution.file("top_level.txt"), _HEADERS_LIMIT)
    except OSError:
        return ()
    return tuple(sorted({line.strip() for line in text.splitlines() if line.strip()}))


def record_text(distribution: Distribution) -> str | None:
    """The text of RECORD or installed-files.txt; None if neither exists.

    Raises:
        OSError: the list exists and cannot be read.
    """
    if distribution.record is not None:
        return distribution.record
    for name in ("RECORD", "installed-files.txt"):
        try:
            return read_text(distribution.file(name), _RECORD_LIMIT)
        except (FileNotFoundError, NotADirectoryError):
            continue
    return None


def recorded(distribution: Distribution, beside: str = "") -> tuple[str, ...] | None:
    """The files that a distribution's metadata lists; None if there is no list.

    The result holds POSIX paths relative to the site-packages directory; paths outside of it begin
    with ``../`` or are absolute.

    Args:
        distribution: The distribution.
        beside: Path of a directory in the same form, ending in ``/``. The caller walks this
            directory itself, so of the files below it only one module is returned.

    Raises:
        OSError: the list exists and cannot be read.
    """
    text = record_text(distribution)
    if text is None:
        return None
    if distribution.folder.endswith(".dist-info"):
        return tuple(record_paths(text, beside))
    return tuple(
        posixpath.normpath(posixpath.join(distribution.folder, _posix(line)))
        for line in text.splitlines()
        if line.strip() and "\0" not in line
    )


def record_paths(text: str, beside: str = "") -> list[str]:
    """The paths of a RECORD file, normalised; without empty ones and those with a NUL.

    Of those below the directory ``beside``, all or only one module.
    """
    quoted = '"' in text
    if beside and not quoted:
        text = _without(text, beside)
    lines = text.replace("\r\n", "\n").split("\n")
    if quoted:
        import csv
        from contextlib import suppress

        with suppress(csv.Error):  # falls back to reading the lines as unquoted
            lines = [f"{row[0]},," for row in csv.reader(lines) if row]
    paths = [line.rsplit(",", 2)[0] for line in lines]
    if os.sep == "\\":
        paths = [path.replace("\\", "/") for path in paths]
    return [
        posixpath.normpath(path) if "./" in path or "//" in path else path
        for path in paths
        if path and "\0" not in path
    ]


def _without(text: str, beside: str) -> str:
    """An unquoted RECORD without the lines below a directory, except for one module.

    There may be ten thousand such lines: splitting the text at them is faster than a loop over all.
    """
    before, *pieces = text.split(f"\n{beside}")
    if before.startswith(beside):
        pieces.insert(0, before.removeprefix(beside))
        before = ""
    others = [piece[piece.index("\n") :] for piece in pieces if "\n" in piece]
    paths = (piece.partition("\n")[0].rsplit(",", 2)[0] for piece in pieces)
    module = next((f"\n{beside}{path},," for path in paths if path.endswith(_MODULES)), "")
    return "".join((before, module, *others))


def import_names(paths: Iterable[str]) -> tuple[str, ...]:
    """The top-level names under which files with these paths can be imported, sorted."""
    modules = [path for path in paths if path.endswith(_MODULES)]
    tops = {path[: path.index("/")] if "/" in path else path.partition(".")[0] for path in modules}
    return tuple(
        sorted(
            name
            for name in tops
            if name.isidentifier() and not name.startswith(("__pycache__", "__editable__"))
        )
    )


def installed(search_path: Iterable[str]) -> Iterator[Distribution]:
    """The distributions in every directory of a search path that can be listed."""
    for directory in search_path:
        try:
            yield from distributions(os.path.abspath(directory))
        except OSError:
            continue


def _posix(path: str) -> str:
    return path.replace("\\", "/") if os.sep == "\\" else path
