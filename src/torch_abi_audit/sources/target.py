"""From the words of a command line to packages; nothing that is named is imported or executed."""

from __future__ import annotations

import os
import stat
import sys

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.files.tree import one, reason
from torch_abi_audit.sources.naming import named_as_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.sources.found import Found, Inventory
    from torch_abi_audit.sources.index.web import Watch
    from torch_abi_audit.sources.index.wheels import Choice

INDEX_PREFIX = "pypi:"

_TARS = ".tar .tar.gz .tgz .tar.bz2 .tbz2 .tar.xz .txz .tar.zst"
_ARCHIVES = (".conda", *_TARS.split())
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def resolve(target: str, *, search_path: Sequence[str] | None = None) -> Found:
    """The package that ``target`` names: an import or distribution name, a directory, a file.

    A bare word is an import name first, then a path, then a distribution name.

    Args:
        target: As typed.
        search_path: Directories that import and distribution names are looked up in;
            ``sys.path`` where not given.

    Raises:
        TargetError: it names nothing that can be audited.
    """
    if "\0" in target or not target:
        raise TargetError("a target must not be empty or hold a NUL character")
    if target.startswith(INDEX_PREFIX):
        first = next(several(target))
        if isinstance(first, TargetError):
            raise first
        return first
    exists = os.path.lexists(target)
    if _written_as_path(target):
        if not exists and (os.sep in target or "/" in target):
            raise TargetError(_absent(target))
        if exists:
            return _at_path(target)
    from torch_abi_audit.sources.installed import packages as installed

    path = sys.path if search_path is None else search_path
    if all(part.isidentifier() for part in target.split(".")):
        found = installed.imported(target, path)
        if found is not None:
            return found
    if exists:
        return _at_path(target)
    found = installed.named(target, path)
    if found is not None:
        return found
    raise TargetError(_unknown(target, path))


def several(
    target: str,
    *,
    search_path: Sequence[str] | None = None,
    choice: Choice | None = None,
    watch: Watch | None = None,
) -> Iterator[Found | TargetError]:
    """The packages that ``target`` stands for: one, the wheels of a directory, or of an index.

    Args:
        target: As typed.
        search_path: As for ``resolve``.
        choice: Which wheels of an index are wanted.
        watch: Told how much of a file has been fetched.

    Raises:
        TargetError: it names nothing that can be audited.
    """
    if target.startswith(INDEX_PREFIX):
        from torch_abi_audit.sources.index.web import ignore
        from torch_abi_audit.sources.index.wheels import Choice, wheels

        yield from wheels(target, choice or Choice(), watch or ignore)
        return
    released = _wheels_of(target) if os.path.isdir(target) else ()
    for path in released:
        try:
            yield _at_path(path)
        except TargetError as error:
            yield error
    if not released:
        yield resolve(target, search_path=search_path)
        return
    from torch_abi_audit.sources.installed import packages as installed

    rest = installed.directory(os.path.abspath(target))
    if rest.candidates or rest.errors:
        yield rest


def environment() -> Inventory:
    """Every package of the running interpreter's site-packages directories.

    Raises:
        TargetError: one of them cannot be listed.
    """
    from torch_abi_audit.sources.installed.environment import inventory, running_directories

    return inventory(running_directories())


def inventory(directories: Sequence[str]) -> Inventory:
    """Every package of several site-packages directories.

    Raises:
        TargetError: one of them cannot be listed.
    """
    from torch_abi_audit.sources.installed.environment import inventory as divided

    return divided(directories)


def site_packages(path: str) -> Inventory:
    """Every package below the site-packages directory ``path``.

    Raises:
        TargetError: it is not a directory that can be listed.
    """
    from torch_abi_audit.sources.installed.environment import inventory

    if "\0" in path:
        raise TargetError("a path must not hold a NUL character")
    return inventory((os.path.abspath(path),))


def _wheels_of(directory: str) -> tuple[str, ...]:
    """The wheels that lie in a directory such as ``dist/``, sorted."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return ()
    paths = (os.path.join(directory, name) for name in names if name.lower().endswith(".whl"))
    return tuple(path for path in paths if os.path.isfile(path))


def _written_as_path(target: str) -> bool:
    return (
        os.sep in target
        or "/" in target
        or target in {os.curdir, os.pardir}
        or target.lower().endswith((".whl", *_ARCHIVES))
        or named_as_library(target)
    )


def _absent(target: str) -> str:
    """Why there is nothing at a path: it may lie where nobody may look."""
    try:
        os.lstat(target)
    except (FileNotFoundError, ValueError):
        pass
    except OSError as error:
        return f"cannot read {target}: {reason(error)}"
    return f"no such file or directory: {target}"


def _at_path(target: str) -> Found:
    """A directory, a wheel or a single file."""
    from torch_abi_audit.sources.installed import packages as installed

    path = os.path.abspath(target)
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise TargetError(f"cannot read {target}: {reason(error)}") from error
    if stat.S_ISDIR(mode):
        return installed.directory(path)
    if not stat.S_ISREG(mode):
        raise TargetError(f"neither a file nor a directory: {target}")
    if path.lower().endswith(_ARCHIVES):
        from torch_abi_audit.sources.archives.unpacked import archive

        return archive(path)
    if path.lower().endswith(".whl") or any(
        each.head.startswith(_ZIP) for each in one(path).candidates
    ):
        from torch_abi_audit.sources.archives.wheel import wheel

        return wheel(path)
    return installed.file(path)


def _unknown(target: str, search_path: Sequence[str]) -> str:
    """Why a word is no target, with the names that are nearest to it."""
    from difflib import get_close_matches

    from torch_abi_audit.sources.installed.distribution import installed
    from torch_abi_audit.sources.installed.imports import has_no_file, top_level_modules

    if has_no_file(target):
        return f"{target} is part of the interpreter: there is no file to audit"
    names = {name for directory in search_path for name in top_level_modules(directory)}
    names |= {each.key for each in installed(search_path)}
    near = get_close_matches(target, sorted(names), n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"no import name, path or distribution is called {target}{hint}"
