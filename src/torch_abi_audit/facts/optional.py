"""The libraries that a package may do without: plug-ins, and alternatives of which one serves.

A package works where a plug-in cannot be loaded, so what a plug-in needs weighs less than what an
extension module needs. These may be left out, if nothing else of the package is linked to them:

- a library that is no extension module, if its path says that it is a plug-in, or if it is named
  after another library of the package and a further word
- one of several libraries with names that differ in one word, if they lack different libraries
- one of several builds of an extension module for one Python (``MPI.mpich.cpython-311-….so``), or
  of several extension modules with names that differ in a number, likewise

and what only these are linked to. Every other library is taken for one that must load.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.plugins import (
    extends,
    is_like,
    is_numbered_like,
    is_plugin,
)
from torch_abi_audit.model.paths import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from torch_abi_audit.model.reports import ExtensionReport

    Libraries = Sequence[tuple[str, ExtensionReport]]


def optional(libraries: Libraries, lacking: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The paths of the libraries that the package may do without.

    Args:
        libraries: All libraries by path.
        lacking: What they need and nothing provides, by path; other paths lack nothing.
    """
    needs = _links(libraries)
    linked = {other for others in needs.values() for other in others}
    roots = {path: one for path, one in libraries if path not in linked}
    lacks = {
        path: frozenset(
            name for at in (path, *_below([path], needs)) for name in lacking.get(at, ())
        )
        for path in roots
    }
    modules = [(path, one) for path, one in roots.items() if one.entry_points]
    plain = [path for path, one in libraries if not one.entry_points]
    spared = set()
    for path, one in roots.items():
        if not lacks[path]:
            continue
        if one.entry_points:
            is_spared = any(
                lacks[at] != lacks[path] and _are_alternatives(path, one, at, other)
                for at, other in modules
            )
        else:
            is_spared = (
                is_plugin(path)
                or any(
                    lacks.get(at, lacks[path]) != lacks[path] and is_like(path, at) for at in plain
                )
                or extends(path, plain)
            )
        if is_spared:
            spared.add(path)
    found = spared | _below(spared, needs)
    return frozenset(found - _below([path for path, _ in libraries if path not in found], needs))


def _are_alternatives(path: str, one: ExtensionReport, at: str, other: ExtensionReport) -> bool:
    """Whether Python imports at most one of two modules: by one name, or by one with a number."""
    if (one.format, one.arch) != (other.format, other.arch):
        return False
    named, other_named = path.split("."), at.split(".")
    same = named[0] == other_named[0] and named[-2:] == other_named[-2:]
    return (same and one.entry_points == other.entry_points) or is_numbered_like(path, at)


def _links(libraries: Libraries) -> dict[str, frozenset[str]]:
    """The libraries of the package that each one is linked to, by path."""
    named: dict[str, set[str]] = {}
    for path, one in libraries:
        for image in one.linkage:
            for name in {file_name(path), file_name(image.soname or path)}:
                named.setdefault(name.lower(), set()).add(path)
    return {
        path: frozenset(
            other
            for image in one.linkage
            for name in (*image.needed, *image.delay_needed)
            for other in named.get(file_name(name).lower(), ())
            if other != path
        )
        for path, one in libraries
    }


def _below(paths: Collection[str], needs: Mapping[str, Collection[str]]) -> set[str]:
    """What some libraries are linked to, directly or through others."""
    found: set[str] = set()
    ahead = list(paths)
    while ahead:
        for other in needs[ahead.pop()]:
            if other not in found:
                found.add(other)
                ahead.append(other)
    return found
