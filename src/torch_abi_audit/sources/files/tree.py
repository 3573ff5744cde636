"""Files on disk that may be libraries, each listed once, found by their first bytes.

Only regular files are opened. A symlink or a hard link to a file already seen is not a second
library; a linked directory is followed once. Paths that cannot be read are kept as ``Unread``.
"""

from __future__ import annotations

import errno
import os
import stat

from torch_abi_audit.knowledge.names.library_file import named_as_library
from torch_abi_audit.runtime.records import dataclass, replace
from torch_abi_audit.sources.files.readable import OPEN_FLAGS, FileOpener
from torch_abi_audit.sources.found import HEAD_LENGTH, Candidate, Unread
from torch_abi_audit.sources.naming import (
    OTHER_ENDINGS,
    is_candidate,
    worth_opening,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Seen = TypeVar("Seen", Candidate, Unread)

    from collections.abc import Iterable

UNENTERED = frozenset({"__pycache__", ".git", ".hg", ".svn"})
"""Directories of caches and version control; no program loads a library from them."""

_DANGLING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""What ``stat`` reports for a dangling symlink, which is not a file."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The possible libraries and the unread paths of a directory, both sorted by ``relative``."""

    candidates: tuple[Candidate, ...] = ()
    unread: tuple[Unread, ...] = ()


def glance(path: str, relative: str, *, always: bool = False) -> Candidate | Unread | None:
    """The regular file at ``path`` if it begins like a library or is named like one.

    Args:
        path: The file; not a FIFO or a device, which ``open`` may block on or wake up.
        relative: Path below the package's root.
        always: Return the file whatever its first bytes.
    """
    try:
        fd = os.open(path, OPEN_FLAGS)
    except OSError as error:
        return Unread(path, relative, reason(error))
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return None
        head = os.read(fd, HEAD_LENGTH)
    except OSError as error:
        return Unread(path, relative, reason(error))
    finally:
        os.close(fd)
    if not (always or is_candidate(relative, head)):
        return None
    return Candidate(
        path,
        relative,
        head,
        status.st_size,
        FileOpener(path),
        (status.st_dev, status.st_ino),
    )


def walk(root: str) -> Tree:
    """Every possible library below the directory ``root``."""
    return tree(sightings(root))


def sightings(root: str) -> list[Candidate | Unread]:
    """The entries of ``walk``, unsorted, and with every hard link to a file."""
    direct: list[Candidate | Unread] = []
    links: list[tuple[str, str]] = []
    pending = [(root, "")]
    while pending:
        directory, prefix = pending.pop()
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    name = entry.name
                    if (
                        name[-2:] in OTHER_ENDINGS
                        or name[-3:] in OTHER_ENDINGS
                        or name[-4:] in OTHER_ENDINGS
                    ) and entry.is_file(follow_symlinks=False):
                        continue  # most files end here, so this check comes first
                    if entry.is_symlink():
                        links.append((entry.path, prefix + name))
                    elif entry.is_dir(follow_symlinks=False):
                        if name not in UNENTERED:
                            pending.append((entry.path, f"{prefix}{name}/"))
                    elif worth_opening(name) and entry.is_file(follow_symlinks=False):
                        seen = glance(entry.path, prefix + name)
                        if seen is not None:
                            direct.append(seen)
        except OSError as error:
            direct.append(Unread(directory, prefix.rstrip("/"), reason(error)))
    return direct + _unseen(_through_links(root, links), direct)


def one(path: str) -> Tree:
    """The file ``path`` by itself, whatever its first bytes; its relative path is its name."""
    seen = glance(path, os.path.basename(path), always=True)
    return Tree() if seen is None else tree([seen])


def gather(files: Iterable[tuple[str, str]]) -> Tree:
    """The possible libraries among pairs of path and relative path; missing files are skipped."""
    direct: list[Candidate | Unread] = []
    linked: list[Candidate | Unread] = []
    for path, relative in files:
        if not worth_opening(relative):
            continue
        try:
            is_link = stat.S_ISLNK(os.lstat(path).st_mode)
            if not stat.S_ISREG(os.stat(path).st_mode):
                continue
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            direct.append(Unread(path, relative, reason(error)))
            continue
        seen = glance(path, relative)
        if seen is not None:
            (linked if is_link else direct).append(seen)
    return tree(direct + _unseen(linked, direct))


def _through_links(root: str, links: list[tuple[str, str]]) -> list[Candidate | Unread]:
    """The targets of a walk's symlinks, except in directories that the walk itself entered."""
    home = os.path.join(os.path.realpath(root), "")
    entered: set[str] = set()
    linked: list[Candidate | Unread] = []
    pending = sorted(links, reverse=True)
    while pending:
        path, relative = pending.pop()
        try:
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                real = os.path.join(os.path.realpath(path), "")
                if real in entered or real.startswith(home) or home.startswith(real):
                    continue
                entered.add(real)
                pending += sorted(
                    (
                        (os.path.join(path, name), f"{relative}/{name}")
                        for name in os.listdir(path)
                        if name not in UNENTERED
                    ),
                    reverse=True,
                )
            elif stat.S_ISREG(mode) and worth_opening(os.path.basename(path)):
                seen = glance(path, relative)
                if seen is not None:
                    linked.append(seen)
        except OSError as error:
            if error.errno not in _DANGLING:
                linked.append(Unread(path, relative, reason(error)))
            elif named_as_library(relative):
                linked.append(Unread(path, relative, "a dangling symlink", dangling=True))
    return linked


def _unseen(
    linked: Iterable[Candidate | Unread], direct: Iterable[Candidate | Unread]
) -> list[Candidate | Unread]:
    """The targets of symlinks, without files already seen under their own names."""
    known = {each.identity for each in direct if isinstance(each, Candidate)}
    return [each for each in linked if isinstance(each, Unread) or each.identity not in known]


def tree(seen: Iterable[Candidate | Unread]) -> Tree:
    """Sort the entries; of several names for one file, keep the first by ``relative``."""
    seen = tuple(seen)
    return Tree(
        distinct(each for each in seen if isinstance(each, Candidate)),
        tuple(sorted({each for each in seen if isinstance(each, Unread)}, key=_by_relative)),
    )


def distinct(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Candidates sorted by ``relative``, without second names for one file."""
    known: set[tuple[int, int] | str] = set()
    kept = []
    for each in sorted(candidates, key=_by_relative):
        key = each.identity or each.path
        if key not in known:
            known.add(key)
            kept.append(each)
    return tuple(kept)


def joined(*trees: Tree) -> Tree:
    """Several trees merged into one, each file once."""
    seen: list[Candidate | Unread] = []
    for each in trees:
        seen += [*each.candidates, *each.unread]
    return tree(seen)


def rerooted(seen: Iterable[Seen], root: str) -> tuple[Seen, ...]:
    """The same entries with ``relative`` counted from ``root``, sorted by it."""
    moved = (replace(each, relative=below(each.path, root)) for each in seen)
    return tuple(sorted(moved, key=_by_relative))


def below(path: str, root: str) -> str:
    """``path`` relative to ``root``, with forward slashes; empty for ``root`` itself."""
    start = root.rstrip(os.sep) + os.sep
    if path == root:
        return ""
    if path.startswith(start):
        return path[len(start) :].replace(os.sep, "/")
    try:
        return os.path.relpath(path, root).replace(os.sep, "/")
    except ValueError:  # on another Windows drive
        return path.replace(os.sep, "/")


def is_below(path: str, root: str) -> bool:
    """Whether ``path`` is ``root`` or below it; compares names only, without touching the disk."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def reason(error: OSError) -> str:
    """The system's reason for an error, as a clause: ``permission denied``."""
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]


def _by_relative(each: Candidate | Unread) -> tuple[str, str]:
    return each.relative, each.path
