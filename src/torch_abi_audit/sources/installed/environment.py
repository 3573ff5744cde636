"""Every package in a site-packages directory, divided by the RECORDs of its distributions.

One walk finds the libraries; each distribution then gets those that its RECORD lists. Libraries
that no RECORD lists are reported by the top-level directory or module that contains them.
"""

from __future__ import annotations

import os
import site

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.files.tree import (
    Tree,
    is_below,
    joined,
    one,
    reason,
    rerooted,
    sightings,
    tree,
    walk,
)
from torch_abi_audit.sources.found import Candidate, Found, Inventory, Unread
from torch_abi_audit.sources.installed.distribution import distributions, installed
from torch_abi_audit.sources.installed.editable import directories as pth_directories
from torch_abi_audit.sources.installed.editable import packages as packages_of
from torch_abi_audit.sources.installed.imports import listing
from torch_abi_audit.sources.installed.owned_files import (
    OwnedFiles,
    outside,
    owned_files,
    package,
    source_tree,
)
from torch_abi_audit.sources.installed.packages import within_torch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def running_directories() -> tuple[str, ...]:
    """The existing site-packages directories of the running interpreter, each once."""
    import sysconfig

    paths = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        paths.append(site.getusersitepackages())
    return _once(path for path in paths if os.path.isdir(path))


def inventory(sites: Sequence[str]) -> Inventory:
    """The packages in several site-packages directories.

    Raises:
        TargetError: a directory cannot be listed.
    """
    owners: list[OwnedFiles] = []
    packages: list[Found] = []
    for directory in sites:
        try:
            here = [owned_files(each) for each in distributions(directory)]
        except OSError as error:
            raise TargetError(f"cannot list {directory}: {reason(error)}") from error
        packages += _divided(sightings(directory), here, directory)
        owners += here
    packages += _added(sites, owners)
    return Inventory(tuple(sites), tuple(sorted(packages, key=_by_name)))


def _divided(
    seen: Iterable[Candidate | Unread], owners: Sequence[OwnedFiles], directory: str
) -> Iterator[Found]:
    """The packages in one directory: those of its distributions, then the files none claims."""
    at = {each.relative: each for each in seen}
    claims = [{path for path in each.record or () if path in at} for each in owners]
    for each in at.values():  # RECORDs list files only, so match unreadable directories by prefix
        if isinstance(each, Unread):
            prefix = each.relative + "/"
            for claim, owner in zip(claims, owners, strict=True):
                if any(path.startswith(prefix) for path in owner.record or ()):
                    claim.add(each.relative)
    claimed = set().union(*claims)
    by_top: dict[str, list[Candidate]] = {}
    tops_of_torch = set()
    for claim, owner in zip(claims, owners, strict=True):
        sources = source_tree(owner)
        whole: list[Candidate | Unread] = [*sources.candidates, *sources.unread]
        mine = [at[path] for path in claim]
        mine += [each for each in whole if each.relative not in claimed]
        claimed.update(each.relative for each in mine)
        found = package(owner, joined(tree(mine), outside(owner)))
        yield found
        for path in claim:
            claimant, top = at[path], path.partition("/")[0]
            if isinstance(claimant, Candidate):
                by_top.setdefault(top, []).append(claimant)
            if found.is_torch:
                tops_of_torch.add(top)
    unclaimed: dict[str, list[Candidate | Unread]] = {}
    for path in at.keys() - claimed:
        unclaimed.setdefault(path.partition("/")[0], []).append(at[path])
    for top, rest in unclaimed.items():
        yield _by_directory(
            os.path.join(directory, top),
            tree(rest),
            siblings=tuple(by_top.get(top, ())),
            is_torch=top in tops_of_torch,
        )


def _by_directory(
    path: str, seen: Tree, *, siblings: tuple[Candidate, ...] = (), is_torch: bool = False
) -> Found:
    """A directory or a file that no distribution claims, as a package."""
    is_package = os.path.isdir(path)
    root = path if is_package else os.path.dirname(path)
    return Found(
        name=os.path.basename(path) if is_package else os.path.basename(path).partition(".")[0],
        root=root,
        candidates=rerooted(seen.candidates, root),
        siblings=siblings,
        is_torch=is_torch or within_torch(path),
        notes=("no installed distribution lists these files in its RECORD",),
        errors=rerooted(seen.unread, root),
    )


def _added(sites: Sequence[str], owners: Sequence[OwnedFiles]) -> Iterator[Found]:
    """The packages in directories that ``.pth`` files outside of any RECORD add."""
    keys = {each.distribution.key for each in owners}
    known = {source.path for each in owners for source in each.sources}
    entered = list(sites)
    for directory, failure in _stray_directories(sites, owners):
        if failure is not None:
            yield Found(name=failure.relative, root=directory, errors=(failure,))
            continue
        if any(is_below(directory, other) for other in entered):
            continue
        entered.append(directory)
        here = [owned_files(each) for each in installed([directory]) if each.key not in keys]
        is_site = any(each.distribution.folder.endswith(".dist-info") for each in here)
        if is_site and not any(is_below(other, directory) for other in sites):
            yield from _divided(sightings(directory), here, directory)
            continue
        for each in here:  # `setup.py develop`
            known.update(source.path for source in each.sources)
            yield package(each, source_tree(each))
        for source in packages_of(directory):
            if source.path not in known:
                seen = walk(source.path) if os.path.isdir(source.path) else one(source.path)
                yield _by_directory(source.path, seen)


def _stray_directories(
    sites: Sequence[str], owners: Sequence[OwnedFiles]
) -> Iterator[tuple[str, Unread | None]]:
    """Directories named by ``.pth`` files that no RECORD lists, and the files that failed."""
    for directory in sites:
        recorded = {
            path
            for each in owners
            if each.distribution.directory == directory
            for path in each.record or ()
            if path.endswith(".pth")
        }
        for name in listing(directory):
            if name.endswith(".pth") and name not in recorded:
                try:
                    added = pth_directories(directory, name)
                except OSError as error:
                    yield directory, Unread(os.path.join(directory, name), name, reason(error))
                    continue
                for each in added:
                    yield each, None


def _once(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple({os.path.realpath(path): path for path in reversed(tuple(paths))}.values())[::-1]


def _by_name(found: Found) -> tuple[str, str, str]:
    return found.name.casefold(), found.name, found.root
