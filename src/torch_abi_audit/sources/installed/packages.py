"""One package from a name or a path: its libraries, its distribution and the other libraries there.

The distribution is the one whose RECORD lists the package's files. If a metadata directory has the
package's own name, its RECORD is read first, and the others only if needed.
"""

from __future__ import annotations

import os

from torch_abi_audit.knowledge.names.distribution import canonical, is_torch
from torch_abi_audit.knowledge.names.library_file import named_as_library
from torch_abi_audit.knowledge.names.torch import is_libtorch
from torch_abi_audit.runtime.records import replace
from torch_abi_audit.sources.files.tree import Tree, below, is_below, joined, one, rerooted, walk
from torch_abi_audit.sources.found import Found
from torch_abi_audit.sources.installed.distribution import (
    distributions,
    installed,
    record_text,
    top_level,
)
from torch_abi_audit.sources.installed.editable import project, provided
from torch_abi_audit.sources.installed.imports import Module, listing, locate
from torch_abi_audit.sources.installed.owned_files import (
    OwnedFiles,
    contents,
    owned_files,
    package,
    strays,
    tags,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.sources.installed.distribution import Distribution

_SITES = frozenset({"site-packages", "dist-packages"})
_ANCESTORS = 4
"""How many levels above a path to look for a site-packages directory with another name."""


def imported(name: str, search_path: Sequence[str]) -> Found | None:
    """The package or module of an import name; None if there is none."""
    module = locate(name, search_path)
    if module is None or module.is_namespace:
        module = provided(name, search_path) or module or _of_project(name, search_path)
    if module is None:
        return None
    if module.directories:
        seen = joined(*map(walk, module.directories))
        root = module.directories[0]
    else:
        seen = joined(*map(one, module.files))
        root = module.files[0]
    notes = []
    if len(module.directories) > 1:
        others = ", ".join(module.directories[1:])
        notes.append(f"{name} is a namespace package, also in {others}")
        seen = Tree(rerooted(seen.candidates, root), rerooted(seen.unread, root))
    owners = [] if _in_site(root) else _editable_owners(root, search_path)
    owners = owners or _owners(root)
    return _with_remark(_owned(Found(name, root, notes=tuple(notes)), seen, owners))


def named(name: str, search_path: Sequence[str]) -> Found | None:
    """The whole distribution called ``name``; None if it is not installed."""
    key = canonical(name)
    matches = [each for each in installed(search_path) if each.key == key]
    if not matches:
        return None
    owned = owned_files(matches[0])
    return package(owned, contents(owned))


def directory(path: str) -> Found:
    """The package in the directory ``path``, installed or not."""
    found = Found(os.path.basename(path), path)
    seen = walk(path)
    try:
        within = distributions(path)
    except OSError:
        within = []  # the walk has reported the error
    if len(within) > 1:
        note = (
            f"{path} contains {len(within)} distributions: "
            "use --site-packages to report each of them separately"
        )
        return Found(found.name, path, seen.candidates, notes=(note,), errors=seen.unread)
    return _with_remark(_owned(found, seen, within or _owners(path)))


def file(path: str) -> Found:
    """The one file ``path``, whatever its name and its first bytes.

    Other libraries of its distribution are not noted: the user asked about one file.
    """
    return _owned(Found(os.path.basename(path), path), one(path), _owners(path))


def _owned(found: Found, seen: Tree, owners: Sequence[Distribution]) -> Found:
    """``found`` with its files, and with the data of its distribution."""
    if len(owners) != 1:
        names = ", ".join(sorted(owner.key for owner in owners))
        notes = (f"several distributions own parts of {found.name}: {names}",) if owners else ()
        return Found(
            found.name,
            found.root,
            seen.candidates,
            is_torch=within_torch(found.root),
            notes=found.notes + notes,
            errors=seen.unread,
        )
    owned = owned_files(owners[0], found.root if os.path.isdir(found.root) else None)
    rest = contents(owned, beside=found.root)
    own = {each.identity for each in seen.candidates}
    siblings = tuple(each for each in rest.candidates if each.identity not in own)
    return Found(
        found.name,
        found.root,
        seen.candidates,
        siblings,
        owned.name,
        owned.headers.version,
        owned.import_names,
        tags(owned),
        owned.headers.requires,
        is_torch(owned.name),
        found.notes + strays(owned),
        tuple(dict.fromkeys((*seen.unread, *rest.unread, *owned.unread))),
        owned.headers.requires_python,
    )


def _with_remark(found: Found) -> Found:
    """``found``, with a note on other libraries of its distribution; programs do not count."""
    libraries = [
        each
        for each in found.siblings
        if named_as_library(each.relative) or ".so." in each.relative
    ]
    if not libraries:
        return found
    places = sorted({each.relative.rpartition("/")[0] or each.relative for each in libraries})
    shown = ", ".join(places[:3]) + (", …" if len(places) > 3 else "")
    count = "1 more library" if len(libraries) == 1 else f"{len(libraries)} more libraries"
    remark = f"the distribution {found.distribution} has {count} elsewhere: {shown}"
    return replace(found, notes=(*found.notes, remark))


def _owners(path: str) -> list[Distribution]:
    """The distributions that own ``path`` or files below it, if it is in a site-packages."""
    site = _site(path)
    if site is None:
        return []
    relative = below(path, site)
    top = canonical(relative.partition("/")[0].partition(".")[0])
    likely = {top, canonical(relative.replace("/", "-"))}
    shared = os.path.isdir(path) and not any(n.startswith("__init__.") for n in listing(path))
    owners = []
    undocumented = []
    for each in sorted(installed([site]), key=lambda each: each.key not in likely):
        try:
            text = record_text(each)
        except OSError:
            text = None
        if text is None:
            undocumented.append(each)
        elif _claims(text, relative, each):
            owners.append(replace(each, record=text))
            if each.key in likely and not shared:
                break
    return owners or [
        each for each in undocumented if top in {each.key, *map(canonical, top_level(each))}
    ]


def _claims(record: str, relative: str, distribution: Distribution) -> bool:
    """Whether a RECORD lists the file ``relative`` or files below it; searches the raw text."""
    if relative not in record:
        return False
    start = relative if distribution.folder.endswith(".dist-info") else f"../{relative}"
    begins = [f"{start}{end}" for end in ("/", ",", "\n", "\r")]
    begins += [f'"{start}{end}' for end in ("/", '"')]
    return (
        record.startswith(tuple(begins))
        or record == start
        or record.endswith(f"\n{start}")
        or any(f"\n{begin}" in record for begin in begins)
    )


def _in_site(path: str) -> bool:
    return not _SITES.isdisjoint(path.split(os.sep))


def site_of(root: str) -> str | None:
    """The site-packages directory of an installed package; it may be the package's root itself."""
    if os.path.basename(root) in _SITES or any(
        name.endswith((".dist-info", ".egg-info")) for name in listing(root)
    ):
        return root
    return _site(root)


def _site(path: str) -> str | None:
    """The site-packages directory that contains ``path``; None if there is none."""
    above = os.path.dirname(path)
    parts = above.split(os.sep)
    for index in range(len(parts) - 1, 0, -1):
        if parts[index] in _SITES:
            return os.sep.join(parts[: index + 1])
    for _ in range(_ANCESTORS):
        if any(name.endswith((".dist-info", ".egg-info")) for name in listing(above)):
            return above
        above = os.path.dirname(above)
    return None


def _editable_owners(path: str, search_path: Sequence[str]) -> list[Distribution]:
    """The editable installs on a search path whose sources include ``path``."""
    return [
        owned.distribution
        for owned in _editable_installs(search_path)
        if any(is_below(path, source.path) for source in owned.sources)
    ]


def _editable_installs(search_path: Sequence[str]) -> Iterator[OwnedFiles]:
    return (owned_files(each) for each in installed(search_path) if project(each) is not None)


def _of_project(name: str, search_path: Sequence[str]) -> Module | None:
    """The module of an import name that exists only in the project of an editable install."""
    top = name.partition(".")[0]
    places = [
        os.path.dirname(source.path)
        for owned in _editable_installs(search_path)
        for source in owned.sources
        if source.name == top
    ]
    return locate(name, places)


def within_torch(path: str) -> bool:
    """Whether a path without metadata is below a directory ``torch`` that contains libtorch."""
    parts = path.split(os.sep)
    return any(
        part == "torch" and _holds_libtorch(os.sep.join((*parts[: index + 1], "lib")))
        for index, part in enumerate(parts)
    )


def _holds_libtorch(lib: str) -> bool:
    return any(map(is_libtorch, listing(lib)))
