"""What one distribution holds: its RECORD, its metadata, and where editable sources lie.

A distribution without a RECORD (some Linux packages, ``setup.py develop``) holds what its
``top_level.txt`` names, and the ``NAME.libs`` beside it.
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
"""RECORD may place files in ``bin`` or ``lib`` of the environment: three levels up, no more."""
_BUNDLED = ".libs"
"""Ends the name of a directory in site-packages that is no package: ``numpy.libs``."""


@dataclass(frozen=True, slots=True)
class OwnedFiles:
    """A distribution and everything that its metadata says of its files."""

    distribution: Distribution
    headers: metadata.Headers
    record: tuple[str, ...] | None
    """Files that it installed, relative to its site-packages directory; None: it does not say."""
    promising: tuple[str, ...]
    """Those of them whose names do not exclude that they are libraries."""
    sources: tuple[Source, ...]
    """Packages and modules it owns as a whole: editable sources, or all where RECORD is missing."""
    unread: tuple[Unread, ...]

    @property
    def name(self) -> str:
        """The distribution's name, as its metadata spells it."""
        return self.headers.name or self.distribution.key

    @property
    def import_names(self) -> tuple[str, ...]:
        """The top-level names that it can be imported by, sorted."""
        named = (source.name for source in self.sources if not source.name.endswith(_BUNDLED))
        mapped = {name.partition(".")[0] for name in named}
        return tuple(sorted(mapped.union(metadata.import_names(self.record or ()))))


def owned_files(distribution: Distribution, beside: str | None = None) -> OwnedFiles:
    """Read a distribution's metadata; what cannot be read is in ``unread``.

    Args:
        distribution: The distribution.
        beside: A directory of which its RECORD need not be read line by line.
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
    """The directory where auditwheel and delvewheel put what they bundle, where there is one."""
    name = distribution.folder.partition("-")[0] + _BUNDLED
    path = os.path.join(distribution.directory, name)
    return (Source(name, path),) if os.path.isdir(path) else ()


def outside(owned: OwnedFiles) -> Tree:
    """The possible libraries that RECORD places beside the site-packages directory."""
    site = owned.distribution.directory
    paths = (
        os.path.normpath(os.path.join(site, path))
        for path in owned.promising
        if _leaves(path) and not _goes_far(path)
    )
    return gather((path, below(path, site)) for path in paths)


def strays(owned: OwnedFiles) -> tuple[str, ...]:
    """Libraries that RECORD places where no install would, which are left alone; as notes."""
    names = [path for path in owned.promising if _goes_far(path) and named_as_library(path)]
    if not names:
        return ()
    return (f"RECORD names {len(names)} libraries far outside of site-packages: not read",)


def _leaves(path: str) -> bool:
    return path.startswith(("../", "/")) or path[1:2] == ":"


def _goes_far(path: str) -> bool:
    return path.startswith((_TOO_FAR, "/")) or path[1:2] == ":"


def source_tree(owned: OwnedFiles, *, beside: str | None = None) -> Tree:
    """The possible libraries of its editable sources, except those below ``beside``."""
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

    Relative paths start from the site-packages directory.
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

    Its root is the one directory that holds all of its libraries, such as ``…/torch``, else its
    site-packages directory.
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
    """The wheel tags that it states; none for an editable install, whose wheel held no library."""
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
