"""C++ and CUDA sources and build files, in a directory or given one by one.

Links are not followed, so nothing outside of the directory is read or written. What is not the
project's own source is left out by its place: version control, environments, builds, submodules
and third-party code; ``skipped`` names those that a reader could miss.
"""

from __future__ import annotations

import os
import stat

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files.readable import open_readable
from torch_abi_audit.sources.files.replacing import replace_file
from torch_abi_audit.sources.files.tree import one, reason
from torch_abi_audit.sources.naming import ARCHIVE_SUFFIXES, begins_like_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SUFFIXES = ".cpp .cc .cxx .c++ .cu .cuh .hip .mm .h .hh .hpp .hxx .h++ .inl .inc .ipp .tcc .tpp"
SOURCE_SUFFIXES = tuple(_SUFFIXES.split())
"""Suffixes of sources and headers, in lower case; ``.C`` and ``.H`` are known by their case."""
_UPPER_CASE = (".C", ".H")
_BUILD_SUFFIX = ".cmake"
_GENERATED = frozenset({"build.ninja", "compile_commands.json"})
"""Build files that are read in a build folder as well: they say how each file is compiled."""
_BUILD_NAMES = _GENERATED | {
    *("setup.py", "setup.cfg", "pyproject.toml", "cmakelists.txt", "meson.build"),
}
_UNSEEN = frozenset(
    {".git", ".hg", ".svn", ".tox", ".nox", ".eggs", "__pycache__", "node_modules"}
    | {"site-packages", "dist-packages"}
)
"""Directories that nobody takes for the project's source."""
_THIRD_PARTY = frozenset({"third_party", "third-party", "thirdparty", "3rdparty"})
_SETUPTOOLS = ("temp.", "lib.", "bdist.")
"""How the names of the folders begin that setuptools makes in ``build``."""
_PACKED = (".whl", ".zip", ".conda")
_MOST_FILES = 20_000
_MOST_BYTES = 4 << 20
"""Of one file: hand-written sources are smaller."""


class Contents(StrEnum):
    """What is at a path that holds no library."""

    SOURCES = "sources"
    NEITHER = "neither"
    """A directory without sources, or another file."""
    ARCHIVE = "archive"
    """A tar file, such as a source distribution."""
    OTHER = "other"
    """A wheel or conda package, or no path at all."""


@dataclass(frozen=True, slots=True)
class SourcePath:
    """A source or build file."""

    name: str
    """Path relative to ``SourceTree.root``, with forward slashes."""
    path: str

    def read(self) -> bytes:
        """Its contents.

        Raises:
            TargetError: it cannot be read, or is too large for a source.
        """
        try:
            with open_readable(self.path) as file:
                if not file.is_regular:
                    raise TargetError("not a regular file")
                if file.size > _MOST_BYTES:
                    raise TargetError(f"not read: larger than {_MOST_BYTES >> 20} MiB")
                return file.read_at(0, file.size)
        except OSError as error:
            raise TargetError(f"cannot be read: {reason(error)}") from error


@dataclass(frozen=True, slots=True)
class SourceTree:
    """The sources and build files that were asked for, each sorted by name."""

    root: str
    """The directory, or the one that all those asked for have in common; absolute."""
    sources: tuple[SourcePath, ...] = ()
    build_files: tuple[SourcePath, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    """Relative path of each directory or link that was left out, and what it is."""
    unread: tuple[tuple[str, str], ...] = ()
    """Relative path of each directory that could not be listed, and why."""


def is_source(name: str) -> bool:
    """Whether a file name is that of a C++ or CUDA source or header."""
    return name.lower().endswith(SOURCE_SUFFIXES) or name.endswith(_UPPER_CASE)


def is_build_file(name: str) -> bool:
    """Whether a file name is that of a build file."""
    lower = name.lower()
    return lower in _BUILD_NAMES or lower.endswith(_BUILD_SUFFIX)


def source_tree(targets: Sequence[str]) -> SourceTree:
    """The sources and build files at the paths ``targets``, one or more files or directories.

    A directory that was asked for is read whatever its name is.

    Raises:
        TargetError: a path does not exist, is neither a file nor a directory, or there are too many
            files.
    """
    places = [os.path.realpath(each) for each in targets]
    for given, place in zip(targets, places, strict=True):
        _refuse_unusable(given, place)
    directories = [each if os.path.isdir(each) else os.path.dirname(each) for each in places]
    try:
        root = os.path.commonpath(directories)
    except ValueError as error:  # on several Windows drives
        raise TargetError("the sources have no directory in common") from error
    walk = _Walk(root)
    for place in places:
        if os.path.isdir(place):
            walk.directory(place)
        else:
            walk.file(place)
    return SourceTree(
        root,
        _sorted(walk.sources),
        _sorted(walk.build_files),
        tuple(sorted(walk.skipped.items())),
        tuple(sorted(walk.unread.items())),
    )


def is_source_file(path: str) -> bool:
    """Whether there is a file that is named like a source, and does not begin like a library."""
    if not is_source(os.path.basename(path)) or not os.path.isfile(path):
        return False
    return not any(begins_like_library(each.head) for each in one(path).candidates)


def holds_sources(directory: str) -> bool:
    """Whether a directory has a source in it or below; False if it cannot be listed."""
    return any(is_source(os.path.basename(path)) for path in _Walk(directory).files(directory))


def contents(path: str) -> Contents:
    """What is at a path that holds no library."""
    if os.path.isdir(path):
        return Contents.SOURCES if holds_sources(path) else Contents.NEITHER
    name = path.lower()
    if not os.path.isfile(path) or name.endswith(_PACKED):
        return Contents.OTHER
    return Contents.ARCHIVE if name.endswith(ARCHIVE_SUFFIXES) else Contents.NEITHER


def replace(tree: SourceTree, file: SourcePath, old: bytes, new: bytes) -> None:
    """Replace the contents of a file of ``tree``, at once and with its mode.

    Args:
        tree: The tree that the file was found in.
        file: The file.
        old: What was read from it.
        new: Its new contents.

    Raises:
        TargetError: the file has changed since, has become a link, or cannot be written.
    """
    try:
        real = os.path.realpath(file.path)
        if real != file.path or os.path.commonpath((tree.root, real)) != tree.root:
            raise TargetError("it has become a link")
        if not stat.S_ISREG(os.lstat(real).st_mode) or file.read() != old:
            raise TargetError("it has changed since it was read")
        replace_file(real, new)
    except OSError as error:
        raise TargetError(reason(error)) from error


class _Walk:
    """What has been found so far."""

    __slots__ = ("build_files", "root", "skipped", "sources", "unread")

    def __init__(self, root: str) -> None:
        self.root = root
        self.sources: dict[str, str] = {}
        self.build_files: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self.unread: dict[str, str] = {}

    def file(self, path: str) -> None:
        """Take a file if its name is that of a source or a build file."""
        name = os.path.basename(path)
        if is_source(name):
            self.sources[self._relative(path)] = path
        elif is_build_file(name):
            self.build_files[self._relative(path)] = path
        if len(self.sources) + len(self.build_files) > _MOST_FILES:
            raise TargetError(
                f"{self.root} holds more than {_MOST_FILES} sources: give the directories of the "
                "extension's own sources"
            )

    def directory(self, path: str) -> None:
        """Take every file in a directory and below."""
        for each in self.files(path):
            self.file(each)

    def files(self, path: str) -> Iterator[str]:
        """The regular files in a directory and below, without what is left out."""
        pending = [path]
        while pending:
            current = pending.pop()
            try:
                with os.scandir(current) as listed:
                    entries = sorted(listed, key=lambda each: each.name)
            except OSError as error:
                self.unread[self._relative(current)] = reason(error)
                continue
            names = frozenset(each.name for each in entries)
            what = None if current == path else _left_out(current, names)
            if what is not None:
                self.skipped[self._relative(current)] = what
            for entry in entries:
                if entry.is_symlink():
                    self._link(entry)
                elif entry.is_dir(follow_symlinks=False):
                    if what is None and entry.name not in _UNSEEN:
                        pending.append(entry.path)
                elif entry.is_file(follow_symlinks=False) and (
                    what is None or (what == _BUILD and entry.name.lower() in _GENERATED)
                ):
                    yield entry.path

    def _link(self, entry: os.DirEntry[str]) -> None:
        """Note a link that leads to sources elsewhere; within the root they are found anyway."""
        real = os.path.realpath(entry.path)
        inside = real == self.root or real.startswith(self.root.rstrip(os.sep) + os.sep)
        if not inside and (is_source(entry.name) or is_build_file(entry.name) or entry.is_dir()):
            self.skipped[self._relative(entry.path)] = "a link to a place outside"

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self.root).replace(os.sep, "/")


_BUILD = "a build folder"


def _left_out(directory: str, entries: frozenset[str]) -> str | None:
    """What a directory is if its files are not the project's sources; None if they are."""
    above, name = os.path.split(directory)
    if "pyvenv.cfg" in entries:
        return "a virtual environment"
    if ".git" in entries:
        return "a submodule"
    if name.lower() in _THIRD_PARTY:
        return "third-party code"
    if {"CMakeCache.txt", ".ninja_log", ".ninja_deps"} & entries or name == "CMakeFiles":
        return _BUILD
    if name.startswith(_SETUPTOOLS) and os.path.basename(above) == "build":
        return _BUILD
    if {"ATen", "c10", "torch"} <= entries:
        return "torch's own headers"
    return None


def _refuse_unusable(given: str, place: str) -> None:
    try:
        mode = os.stat(place).st_mode
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else "not a path"
        raise TargetError(f"cannot read {given}: {why}") from error
    if stat.S_ISDIR(mode):
        return
    if not stat.S_ISREG(mode):
        raise TargetError(f"neither a file nor a directory: {given}")
    name = os.path.basename(place)
    if not is_source(name) and not is_build_file(name):
        raise TargetError(f"{given} is not a C++ or CUDA source: its name has no known suffix")


def _sorted(found: dict[str, str]) -> tuple[SourcePath, ...]:
    return tuple(SourcePath(name, path) for name, path in sorted(found.items()))
