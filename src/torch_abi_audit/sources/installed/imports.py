"""The location of an import name, found as the import system would, without importing anything.

No finder, path hook or parent package runs: directories are listed, and their entries are tried in
the order of ``FileFinder``. Extension modules of any platform and Python version count, since an
environment may belong to another interpreter.
"""

from __future__ import annotations

import os

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_EXTENSIONS = (".so", ".pyd")
_SOURCES = (".py", ".pyc")


@dataclass(frozen=True, slots=True)
class Module:
    """The files or directories of an import name."""

    directories: tuple[str, ...] = ()
    """The package directory; several for a namespace package."""
    files: tuple[str, ...] = ()
    """The file of a single module; one for each Python version if none is for the running one."""
    is_namespace: bool = False


def locate(name: str, search_path: Iterable[str]) -> Module | None:
    """The module or package of a dotted import name; None if no directory contains it."""
    module: Module | None = None
    inside: Sequence[str] = [os.path.abspath(directory) for directory in search_path]
    elsewhere: list[str] = []
    for part in name.split("."):
        # When imported, a package may extend its __path__ to other directories of the same name.
        module = find(part, inside) or find(part, elsewhere)
        if module is None:
            return None
        elsewhere = [os.path.join(directory, part) for directory in (*inside, *elsewhere)]
        inside = module.directories
    return module


def find(part: str, path: Iterable[str]) -> Module | None:
    """The module called ``part`` in the first directory of ``path`` that contains one."""
    portions = []
    for directory in path:
        names = listing(directory)
        if part in names:
            inner = os.path.join(directory, part)
            if any(name.startswith("__init__.") for name in module_files(listing(inner))):
                return Module(directories=(inner,))
            if os.path.isdir(inner):
                portions.append(inner)
        files = _importable([name for name in names if name.partition(".")[0] == part])
        if files:
            return Module(files=tuple(os.path.join(directory, name) for name in files))
    return Module(directories=tuple(portions), is_namespace=True) if portions else None


def listing(directory: str) -> list[str]:
    """The names in a directory, sorted; empty if it is not a directory or cannot be listed."""
    try:
        return sorted(os.listdir(directory))
    except (OSError, ValueError):  # ValueError: a path read from a file may contain a NUL
        return []


def module_files(names: Iterable[str]) -> list[str]:
    """Those of the file names that are modules: sources, bytecode and extension modules."""
    return [name for name in names if name.endswith(_EXTENSIONS + _SOURCES)]


def top_level_modules(directory: str) -> tuple[str, ...]:
    """The import names that a directory on a search path provides: packages and modules."""
    names = set()
    for name in listing(directory):
        if name.endswith(_EXTENSIONS + _SOURCES):
            names.add(name.partition(".")[0])
        elif "__init__.py" in listing(os.path.join(directory, name)):
            names.add(name)
    return tuple(sorted(name for name in names if name.isidentifier()))


def has_no_file(name: str) -> bool:
    """Whether a module is built into the interpreter or frozen, and so has no file."""
    from importlib.machinery import BuiltinImporter, FrozenImporter

    top = name.partition(".")[0]
    return BuiltinImporter.find_spec(top) is not None or FrozenImporter.find_spec(top) is not None


def _importable(names: list[str]) -> list[str]:
    """The files among ``<part>.*`` that an import would load: extension, source, bytecode."""
    extensions = [name for name in names if name.endswith(_EXTENSIONS)]
    if len(extensions) > 1:
        from importlib.machinery import EXTENSION_SUFFIXES

        ours = [
            name
            for suffix in EXTENSION_SUFFIXES
            for name in extensions
            if name == name.partition(".")[0] + suffix
        ]
        return ours[:1] or extensions
    return (
        extensions
        or [name for name in names if name.count(".") == 1 and name.endswith(_SOURCES)][:1]
    )
