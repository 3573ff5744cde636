"""The files of one distribution, from its RECORD, its metadata and its editable sources.

A distribution without a RECORD (some Linux packages, ``setup.py develop``) owns the packages that
its ``top_level.txt`` names, and the directory ``NAME.libs`` beside them.
"""

from __future__ import annotations

import os

from torch_abi_audit.knowledge.names.distribution import is_torch
from torch_abi_audit.knowledge.names.library_file import named_as_library
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files.tree import (
    Tree,
    below,
    gather,
    is_below,
    joined,
    reason,
    rerooted,
    walk,
)
from torch_abi_audit.sources.found import Found, Unread
from torch_abi_audit.sources.installed import distribution as metadata
from torch_abi_audit.sources.installed import editable
from torch_abi_audit.sources.installed.editable import Source
from torch_abi_audit.sources.naming import worth_opening

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")

    from collections.abc import Callable

    from torch_abi_audit.sources.installed.distribution import Distribution


_TOO_FAR = "../" * 4
"""RECORD may place files in ``bin`` or ``lib`` of the environment: at most three levels up."""
_BUNDLED = ".libs"
"""Suffix of a directory in site-packages with bundled libraries, not a package: ``numpy.libs``."""


@dataclass(frozen=True, slots=True)
class OwnedFiles:
    """A distribution and everything that its metadata says about its files."""

    distribution: Distribution
    headers: metadata.Headers
    record: tuple[str, ...] | None
    """Installed files, relative to the site-packages directory; None without a RECORD."""
    promising: tuple[str, ...]
    """The files in ``record`` that may be libraries by their names."""
    sources: tuple[Source, ...]
    """Packages and modules owned as a whole: editable sources, or all if there is no RECORD."""
    unread: tuple[Unread, ...]

    @property
    def name(self) -> str:
        """The distribution's name, as its metadata spells it."""
        return self.headers.name or self.distribution.key

    @property
    def import_names(self) -> tuple[str, ...]:
        """The top-level names that the distribution provides, sorted."""
        named = (source.name for source in self.sources if not source.name.endswith(_BUNDLED))
        mapped = {name.partition(".")[0] for name in named}
        return tuple(sorted(mapped.union(metadata.import_names(self.record or ()))))


def owned_files(distribution: Distribution, beside: str | None = None) -> OwnedFiles:
    """Read a distribution's metadata; files that cannot be read are in ``unread``.

    Args:
        distribution: The distribution.
        beside: A directory that the caller walks itself: of the files that RECORD lists below it,
            only one module is needed.
    """
    site = distribution.directory
    unread: list[Unread] = []

    def attempt(read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except OSError as error:
            path = os.fsdecode(error.filename or distribution.path)
            unread.append(Unread(path, below(path, site), reason(error)))
            return otherwise

    within = f"{below(beside, site)}/" if beside is not None and is_below(beside, site) else ""
    record = attempt(lambda: metadata.recorded(distribution, within), None)
    headers = attempt(lambda: metadata.headers(distribution), metadata.Headers())
    names = metadata.top_level(distribution)
    if record is None:
        guess = names or (distribution.key.replace("-", "_"),)
        sources = (*editable.packages(site, guess), *_repaired(distribution))
    else:
        sources = attempt(lambda: editable.sources(distribution, record, names), ())
    promising = tuple(filter(worth_opening, record or ()))
    return OwnedFiles(distribution, headers, record, promising, sources, tuple(unread))


def _repaired(distribution: Distribution) -> tuple[Source, ...]:
    """The directory in which auditwheel or delvewheel put bundled libraries, if it exists."""
    name = distribution.folder.partition("-")[0] + _BUNDLED
    path = os.path.join(distribution.directory, name)
    return (Source(name, path),) if os.path.isdir(path) else ()


def outside(owned: OwnedFiles) -> Tree:
    """The possible libraries that RECORD places outside of the site-packages directory."""
    site = owned.distribution.directory
    paths = (
        os.path.normpath(os.path.join(site, path))
        for path in owned.promising
        if _leaves(path) and not _goes_far(path)
    )
    return gather((path, below(path, site)) for path in paths)


def strays(owned: OwnedFiles) -> tuple[str, ...]:
    """A note on libraries that RECORD places where no installer would, and that are not read."""
    names = [path for path in owned.promising if _goes_far(path) and named_as_library(path)]
    if not names:
        return ()
    count = "1 library" if len(names) == 1 else f"{len(names)} libraries"
    return (f"RECORD lists {count} far outside of site-packages: not read",)


def _leaves(path: str) -> bool:
    return path.startswith(("../", "/")) or path[1:2] == ":"


def _goes_far(path: str) -> bool:
    return path.startswith((_TOO_FAR, "/")) or path[1:2] == ":"


def source_tree(owned: OwnedFiles, *, beside: str | None = None) -> Tree:
    """The possible libraries in a distribution's editable sources, except below ``beside``."""
    trees = []
    site = owned.distribution.directory
    for source in owned.sources:
        if beside is not None and is_below(source.path, beside):
            continue
        if os.path.isdir(source.path):
            trees.append(walk(source.path))
        else:
            trees.append(gather([(source.path, source.path)]))
    seen = joined(*trees)
    return Tree(rerooted(seen.candidates, site), rerooted(seen.unread, site))


def contents(owned: OwnedFiles, *, beside: str | None = None) -> Tree:
    """Every possible library of a distribution, except those below the directory ``beside``.

    The paths are relative to the site-packages directory.
    """
    site = owned.distribution.directory
    skipped = "" if beside is None else below(beside, site) + "/"
    recorded = gather(
        (os.path.join(site, path), path)
        for path in owned.promising
        if not (_leaves(path) or (skipped and f"{path}/".startswith(skipped)))
    )
    return joined(recorded, outside(owned), source_tree(owned, beside=beside))


def package(owned: OwnedFiles, seen: Tree) -> Found:
    """A whole distribution as a package to audit.

    The root is the one top-level directory that contains all of its libraries, such as
    ``…/torch``, else the site-packages directory.
    """
    root = _root(owned, seen)
    return Found(
        name=owned.name,
        root=root,
        candidates=rerooted(seen.candidates, root),
        distribution=owned.name,
        version=owned.headers.version,
        import_names=owned.import_names,
        tags=tags(owned) if seen.candidates else (),
        requires=owned.headers.requires,
        is_torch=is_torch(owned.name),
        notes=strays(owned),
        errors=rerooted({*seen.unread, *owned.unread}, root),
        requires_python=owned.headers.requires_python,
    )


def tags(owned: OwnedFiles) -> tuple[str, ...]:
    """A distribution's wheel tags; empty for an editable install, whose wheel had no libraries."""
    return () if owned.sources else metadata.stated_tags(owned.distribution)


def _root(owned: OwnedFiles, seen: Tree) -> str:
    site = owned.distribution.directory
    tops = set()
    for each in seen.candidates or seen.unread:
        source = next((s.path for s in owned.sources if is_below(each.path, s.path)), None)
        if source is not None:
            tops.add(source)
        elif is_below(each.path, site):
            tops.add(os.path.join(site, below(each.path, site).partition("/")[0]))
        else:
            tops.add(site)
    if not tops:
        tops = {s.path for s in owned.sources} or {
            os.path.join(site, n) for n in owned.import_names
        }
    if len(tops) == 1:
        top = tops.pop()
        return top if os.path.isdir(top) else os.path.dirname(top)
    return site
