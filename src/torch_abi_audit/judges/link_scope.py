"""Determines in which of torch's libraries the loader of ELF systems looks for a library's names.

``import torch`` opens torch's libraries with ``RTLD_LOCAL``, as ``torch.ops.load_library`` does.
Their names are therefore not global: the loader looks for the names of a library only in the
libraries of the process that are global, in the one that was opened (the root: an extension module,
or a library that nothing else is linked to), and in all that the root is linked to, directly or
not. A library without a link to torch thus finds torch's names if the module that opens it is
linked to torch. If several roots bring a library in, one that brings torch's library in is enough,
since names are looked up only when the first of them is opened.

Pure. Mach-O and PE need no scope: their binaries state the library of each name, and a Mach-O name
without one (flat lookup) is found in any library of the process.
"""

from __future__ import annotations

import os

from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.torch import is_runtime
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch_abi_audit.model.reports import ExtensionReport, Linkage

_UNKNOWN = (Kind.OTHER, Kind.TORCH_COPY)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the roots of a library bring in."""

    torch: frozenset[str]
    """File names of torch's libraries that the roots, or libraries of the package that they bring
    in, are linked to. What these bring in depends on the release of torch."""
    arch: str
    others: frozenset[str]
    """Libraries of other projects that they are linked to: the system's, and unknown ones."""

    @property
    def complete(self) -> bool:
        """Whether all of ``others`` are the system's; an unknown one may bring in any of torch's.

        Reads the table of policies.
        """
        if not self.others:
            return True
        from torch_abi_audit.knowledge.policies import system_libraries

        return self.others <= system_libraries(self.arch)


@dataclass(frozen=True, slots=True)
class _Node:
    directory: str
    is_module: bool
    linkage: Linkage


def scopes(libraries: Sequence[ExtensionReport]) -> Mapping[tuple[str, str], Scope]:
    """Return the scope of every ELF library of a package that needs a name from torch.

    Keys are the path of a library and its architecture.

    Args:
        libraries: All libraries of the package; those of other packages are unknown.
    """
    nodes = {
        (library.path_text, image.arch): _Node(
            os.path.dirname(library.path_text), bool(library.entry_points), image
        )
        for library in libraries
        for image in library.linkage
        if image.format is Format.ELF
    }
    asked = [
        (library.path_text, image.arch)
        for library in libraries
        if library.torch is not None and library.torch.required
        for image in library.linkage
        if image.format is Format.ELF
    ]
    return _Links(nodes).scopes(asked) if asked else {}


class _Links:
    """The links between the libraries of a package."""

    def __init__(self, nodes: Mapping[tuple[str, str], _Node]) -> None:
        self._nodes = nodes
        self._named: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for key, node in nodes.items():
            names = {os.path.basename(key[0]), file_name(node.linkage.soname or "")}
            for name in names - {""}:
                self._named.setdefault((name, key[1]), []).append(key)
        self._below = {
            key: [each for name in node.linkage.needed for each in self._own(node, name)]
            for key, node in nodes.items()
        }
        self._above: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for key, found in self._below.items():
            for each in found:
                self._above.setdefault(each, []).append(key)

    def scopes(self, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Scope]:
        """Return the scope of each library."""
        alike: dict[frozenset[tuple[str, str]], Scope] = {}
        found = {}
        for key in asked:
            above = _reached(key, self._above)
            roots = frozenset(
                one
                for one in above
                if self._nodes[one].is_module or set(self._above.get(one, ())) <= {one}
            )
            roots = roots or frozenset(above)  # a circle of libraries
            if roots not in alike:
                alike[roots] = self._scope(roots)
            found[key] = alike[roots]
        return found

    def _scope(self, roots: Iterable[tuple[str, str]]) -> Scope:
        torch: set[str] = set()
        others: set[str] = set()
        arch = ""
        opened = frozenset[tuple[str, str]]().union(*(_reached(one, self._below) for one in roots))
        for key in opened:
            node, arch = self._nodes[key], key[1]
            for name in node.linkage.needed:
                if self._own(node, name):
                    continue
                if kind_of(name) is Kind.TORCH:
                    torch.add(file_name(name))
                elif kind_of(name) in _UNKNOWN and not is_runtime(name):
                    others.add(name)
        return Scope(frozenset(torch), arch, frozenset(others))

    def _own(self, node: _Node, name: str) -> list[tuple[str, str]]:
        """Return the libraries of the package that an entry of ``needed`` may mean.

        Of several with the same name it is the one in the same directory, or in one of the rpath.
        """
        same = self._named.get((file_name(name), node.linkage.arch), [])
        if len(same) > 1:
            for directory in (node.directory, *_searched(node)):
                near = [each for each in same if os.path.dirname(each[0]) == directory]
                if near:
                    return near
        return same


def _reached(
    start: tuple[str, str], links: Mapping[tuple[str, str], Sequence[tuple[str, str]]]
) -> frozenset[tuple[str, str]]:
    """Return everything that links lead to, and the start."""
    found: set[tuple[str, str]] = set()
    pending = [start]
    while pending:
        one = pending.pop()
        if one not in found:
            found.add(one)
            pending.extend(links.get(one, ()))
    return frozenset(found)


def _searched(node: _Node) -> Iterable[str]:
    for entry in node.linkage.rpaths:
        plain = entry.replace("${ORIGIN}", "$ORIGIN")
        if plain.startswith("$ORIGIN"):
            yield os.path.normpath(node.directory + plain.removeprefix("$ORIGIN"))
