"""Finds the file of a module, as ``FileFinder`` would in an environment that may be another's."""

from __future__ import annotations

import ast
import os
import sys

from torch_abi_audit.knowledge.names.distribution import canonical
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files import lookup
from torch_abi_audit.sources.installed.distribution import headers, installed
from torch_abi_audit.sources.installed.editable import provided
from torch_abi_audit.sources.installed.imports import has_no_file, listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.sources.installed.python import Python


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module is."""

    file: str | None
    """The source or extension module; None for a namespace package, or without a source."""
    directories: tuple[str, ...] = ()
    """Where its submodules are, if it is a package."""
    is_extension: bool = False


class Modules:
    """The modules that an interpreter can find."""

    def __init__(self, python: Python) -> None:
        self._python = python
        self._trees: dict[str, tuple[ast.Module | None, str]] = {}
        self._generators: dict[ast.AST, bool] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._versions: dict[str, str | None] | None = None
        self.has_hooks = any(map(_has_unknown_hook, python.sites))
        """Whether a ``.pth`` file runs code that may add a finder of modules."""

    def parsed(self, path: str) -> tuple[ast.Module | None, str]:
        """The syntax tree of a source and its text; no tree if it is no source that parses."""
        known = self._trees.get(path)
        if known is None:
            text = lookup.source_text(path) if path.endswith(".py") else None
            known = self._trees[path] = (None if text is None else _tree(text), text or "")
        return known

    def version(self, name: str) -> str | None:
        """The version of an installed distribution; None if it is not installed."""
        if self._versions is None:
            self._versions = {}
            for one in installed(self._python.path):
                try:
                    self._versions.setdefault(one.key, headers(one).version)
                except OSError:
                    continue
        return self._versions.get(canonical(name))

    def is_generator(self, node: ast.FunctionDef | ast.Lambda) -> bool:
        """Whether a function is a generator, whose call runs nothing."""
        known = self._generators.get(node)
        if known is None:
            yields = (ast.Yield, ast.YieldFrom)
            known = any(isinstance(each, yields) for each in ast.walk(node))
            self._generators[node] = known
        return known

    def find(
        self, name: str, within: Sequence[str] | None, path: Sequence[str] | None = None
    ) -> Place | None:
        """The module ``name``; None if there is none.

        Args:
            name: Its whole dotted name.
            within: The directories of its package; None for ``sys.path``.
            path: What ``sys.path`` is, where sources have changed it.
        """
        part = name.rpartition(".")[2]
        portions = []
        everywhere = self._python.path if path is None else path
        for directory in everywhere if within is None else within:
            names = self._listed(directory)
            if part in names:
                inner = os.path.join(directory, part)
                file = self._file(inner, "__init__")
                if file is not None:
                    return self._place(file, (inner,))
                if lookup.has_directory(inner):
                    portions.append(inner)
            file = self._file(directory, part)
            if file is not None:
                return self._place(file, ())
        if portions:
            return Place(None, tuple(portions))
        return self._mapped(name) if within is None else None

    def is_standard(self, name: str) -> bool:
        """Whether a top-level module belongs to the standard library."""
        return name in sys.stdlib_module_names or has_no_file(name)

    def _mapped(self, name: str) -> Place | None:
        found = provided(name, self._python.sites)
        if found is None:
            return None
        if found.directories:
            file = self._file(found.directories[0], "__init__")
            if file is None:
                return Place(None, found.directories)
            return self._place(file, found.directories)
        return self._place(found.files[0], ()) if found.files else None

    def _place(self, file: str, directories: tuple[str, ...]) -> Place:
        return Place(file, directories, file.endswith(self._python.suffixes))

    def _file(self, directory: str, stem: str) -> str | None:
        """The file that an import of ``stem`` from a directory loads."""
        names = self._listed(directory)
        for suffix in (*self._python.suffixes, ".py", ".pyc"):
            if stem + suffix in names:
                return os.path.join(directory, stem + suffix)
        return None

    def _listed(self, directory: str) -> frozenset[str]:
        names = self._names.get(directory)
        if names is None:
            names = self._names[directory] = frozenset(listing(directory))
        return names


_HARMLESS = ("distutils-precedence.pth", "_virtualenv.pth", "matplotlib", "a1_coverage.pth")


def _has_unknown_hook(site: str) -> bool:
    """Whether a ``.pth`` file of a directory runs code that is not known to find no modules."""
    for name in listing(site):
        if not name.endswith(".pth") or name.startswith(_HARMLESS):
            continue
        text = lookup.source_text(os.path.join(site, name)) or ""
        if any(_runs(line) for line in text.splitlines()):
            return True
    return False


def _runs(line: str) -> bool:
    return line.startswith(("import ", "import\t")) and "__editable__" not in line


def _tree(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
