"""Resolve the TARGETs of a command line to packages, without importing or executing them.

``KINDS`` lists what a TARGET can be, in the order in which the kinds are tried: the first one that
recognises a target and finds a package in it wins. A new kind is one row, and the module that reads
it.
"""

from __future__ import annotations

import os
import stat
import sys

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass, replace
from torch_abi_audit.sources.files.tree import one, reason
from torch_abi_audit.sources.naming import (
    ARCHIVE_SUFFIXES,
    INDEX_PREFIX,
    has_separator,
    written_as_path,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from torch_abi_audit.sources.found import Found
    from torch_abi_audit.sources.index.web import Watch
    from torch_abi_audit.sources.index.wheels import Choice

    Packages = Iterable[Found | TargetError]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Asked:
    """A TARGET, and the options for it."""

    target: str
    """As typed."""
    search_path: Sequence[str]
    """Directories in which to look up import and distribution names."""
    choice: Choice | None = None
    """Which wheels of an index to audit."""
    watch: Watch | None = None
    """Called with the progress of downloads."""

    @property
    def path(self) -> str:
        """The target as an absolute path."""
        return os.path.abspath(self.target)

    @property
    def exists(self) -> bool:
        """Whether the path exists; a dangling symlink counts."""
        return os.path.lexists(self.target)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of TARGET."""

    name: str
    recognise: Callable[[Asked], bool]
    """Whether a target may be of this kind, judged cheaply by its spelling and its path."""
    open: Callable[[Asked], Packages | None]
    """The target's packages, with a ``TargetError`` in place of each that cannot be read; None if
    the target is not of this kind after all. Raises ``TargetError`` if nothing can be audited."""


def resolve(target: str, *, search_path: Sequence[str] | None = None) -> Found:
    """The one package that ``target`` names; a directory of wheels counts as one package.

    Args:
        target: As typed.
        search_path: As for ``several``.

    Raises:
        TargetError: ``target`` names nothing that can be audited.
    """
    asked = Asked(target, sys.path if search_path is None else search_path)
    first = next(iter(_packages(asked, [kind for kind in KINDS if kind is not WHEELS_BESIDE])))
    if isinstance(first, TargetError):
        raise first
    return first


def several(
    target: str,
    *,
    search_path: Sequence[str] | None = None,
    choice: Choice | None = None,
    watch: Watch | None = None,
) -> Iterator[Found | TargetError]:
    """The packages that ``target`` names: one, or the wheels in a directory or on an index.

    Args:
        target: As typed.
        search_path: Directories in which to look up import and distribution names; ``sys.path``
            by default.
        choice: Which wheels of an index to audit.
        watch: Called with the progress of downloads.

    Raises:
        TargetError: ``target`` names nothing that can be audited.
    """
    path = sys.path if search_path is None else search_path
    yield from _packages(Asked(target, path, choice, watch), KINDS)


def _packages(asked: Asked, kinds: Iterable[Kind]) -> Packages:
    if "\0" in asked.target or not asked.target:
        raise TargetError("a target must not be empty or contain a NUL character")
    for kind in kinds:
        if kind.recognise(asked):
            packages = kind.open(asked)
            if packages is not None:
                return packages
    raise TargetError(_unknown(asked.target, asked.search_path))


def _is_index(asked: Asked) -> bool:
    return asked.target.startswith(INDEX_PREFIX)


def _index(asked: Asked) -> Packages:
    from torch_abi_audit.sources.index.web import ignore
    from torch_abi_audit.sources.index.wheels import Choice, wheels

    return wheels(asked.target, asked.choice or Choice(), asked.watch or ignore)


def _holds_wheels(asked: Asked) -> bool:
    return os.path.isdir(asked.target) and bool(_wheels_in(asked.target))


def _wheels_in(directory: str) -> tuple[str, ...]:
    """The wheels in a directory such as ``dist/``, sorted."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return ()
    paths = (os.path.join(directory, name) for name in names if name.lower().endswith(".whl"))
    return tuple(path for path in paths if os.path.isfile(path))


def _wheels_beside(asked: Asked) -> Packages:
    """Each wheel in a directory, then the directory's other libraries as one package."""
    from torch_abi_audit.sources.archives.wheel import wheel
    from torch_abi_audit.sources.installed import packages as installed

    for path in _wheels_in(asked.target):
        try:
            yield wheel(os.path.abspath(path))
        except TargetError as error:
            yield error
    rest = installed.directory(asked.path)
    if rest.candidates or rest.errors:
        yield rest


def _is_missing(asked: Asked) -> bool:
    return has_separator(asked.target) and not asked.exists


def _missing(asked: Asked) -> Packages:
    """Raise the reason why a path does not exist or cannot be looked up."""
    try:
        os.lstat(asked.target)
    except (FileNotFoundError, ValueError):
        pass
    except OSError as error:
        raise TargetError(f"cannot read {asked.target}: {reason(error)}") from error
    raise TargetError(f"no such file or directory: {asked.target}")


def _may_be_imported(asked: Asked) -> bool:
    return all(part.isidentifier() for part in asked.target.split(".")) and not (
        written_as_path(asked.target) and asked.exists
    )


def _imported(asked: Asked) -> Packages | None:
    from torch_abi_audit.sources.installed import packages as installed

    found = installed.imported(asked.target, asked.search_path)
    return None if found is None else (found,)


def _mode(asked: Asked) -> int | None:
    """The mode of the file at the path, with symlinks followed; None if the path does not exist.

    Raises:
        TargetError: ``stat`` fails.
    """
    if not asked.exists:
        return None
    try:
        return os.stat(asked.path).st_mode
    except OSError as error:
        raise TargetError(f"cannot read {asked.target}: {reason(error)}") from error


def _is_directory(asked: Asked) -> bool:
    mode = _mode(asked)
    return mode is not None and stat.S_ISDIR(mode)


def _directory(asked: Asked) -> Packages:
    from torch_abi_audit.sources.installed import packages as installed

    found = installed.directory(asked.path)
    if not found.candidates and not found.errors:
        from torch_abi_audit.sources.files.source_tree import holds_sources

        if holds_sources(asked.path):
            note = (
                "it holds sources but no compiled library: torch-abi-audit port --source "
                f"{asked.target} reads sources"
            )
            return (replace(found, notes=(*found.notes, note)),)
    return (found,)


def _is_special(asked: Asked) -> bool:
    mode = _mode(asked)
    return mode is not None and not stat.S_ISREG(mode)


def _special(asked: Asked) -> Packages:
    raise TargetError(f"neither a file nor a directory: {asked.target}")


def _is_archive(asked: Asked) -> bool:
    return asked.exists and asked.path.lower().endswith(ARCHIVE_SUFFIXES)


def _archive(asked: Asked) -> Packages:
    from torch_abi_audit.sources.archives.tar import archive

    return (archive(asked.path),)


def _is_wheel(asked: Asked) -> bool:
    return asked.exists and (
        asked.path.lower().endswith(".whl")
        or any(each.head.startswith(_ZIP) for each in one(asked.path).candidates)
    )


def _wheel(asked: Asked) -> Packages:
    from torch_abi_audit.sources.archives.wheel import wheel

    return (wheel(asked.path),)


def _is_file(asked: Asked) -> bool:
    return asked.exists


def _file(asked: Asked) -> Packages:
    from torch_abi_audit.sources.files.source_tree import is_source_file
    from torch_abi_audit.sources.installed import packages as installed

    if is_source_file(asked.path):
        raise TargetError(
            f"{asked.target} is a source, and this reads compiled libraries: "
            f"torch-abi-audit port --source {asked.target} reads sources"
        )
    return (installed.file(asked.path),)


def _may_be_distribution(asked: Asked) -> bool:
    return not asked.exists


def _distribution(asked: Asked) -> Packages | None:
    from torch_abi_audit.sources.installed import packages as installed

    found = installed.named(asked.target, asked.search_path)
    return None if found is None else (found,)


WHEELS_BESIDE = Kind("directory that holds wheels", _holds_wheels, _wheels_beside)
KINDS = (
    Kind("wheels of a package index", _is_index, _index),
    WHEELS_BESIDE,
    Kind("path that does not exist", _is_missing, _missing),
    Kind("import name", _may_be_imported, _imported),
    Kind("directory", _is_directory, _directory),
    Kind("device, socket or FIFO", _is_special, _special),
    Kind("tar file or conda package", _is_archive, _archive),
    Kind("wheel or zip file", _is_wheel, _wheel),
    Kind("file", _is_file, _file),
    Kind("distribution name", _may_be_distribution, _distribution),
)
"""A bare word is an import name first, then a path, then the name of a distribution."""


def _unknown(target: str, search_path: Sequence[str]) -> str:
    """The message for a word that names nothing, with the nearest names or another way to it."""
    from difflib import get_close_matches

    from torch_abi_audit.sources.installed.distribution import installed
    from torch_abi_audit.sources.installed.imports import has_no_file, top_level_modules

    if has_no_file(target):
        return f"{target} is built into the Python interpreter: it has no file to audit"
    names = {name for directory in search_path for name in top_level_modules(directory)}
    names |= {each.key for each in installed(search_path)}
    near = get_close_matches(target, sorted(names), n=3)
    hint = (
        f"did you mean {' or '.join(near)}?"
        if near
        else f"write {INDEX_PREFIX}{target} to audit its wheel on a package index"
    )
    return f"cannot find {target}: no importable module, path or distribution has that name; {hint}"
