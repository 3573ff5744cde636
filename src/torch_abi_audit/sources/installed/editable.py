"""The source directories of editable installs, read from files that are never executed.

There are three kinds: a ``.pth`` line that names a directory, setuptools' finder module with its
literal ``MAPPING``, and ``direct_url.json`` with the project's directory.
"""

from __future__ import annotations

import os

from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files.readable import read_text
from torch_abi_audit.sources.installed.imports import (
    Module,
    find,
    listing,
    locate,
    top_level_modules,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")

    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch_abi_audit.sources.installed.distribution import Distribution


_LIMIT = 1 << 20
_LAYOUTS = ("src", "python", "lib", "")
"""Subdirectories of a project that may contain its packages, the likeliest first."""
_NOT_PACKAGES = frozenset({"benchmarks", "build", "dist", "docs", "examples", "test", "tests"})


@dataclass(frozen=True, slots=True)
class Source:
    """A package directory or a module file that an editable install points to."""

    name: str
    path: str


def directories(site: str, pth: str) -> tuple[str, ...]:
    """The directories that the file ``pth`` in the site-packages directory ``site`` adds.

    Lines that begin with ``import`` are code, and are skipped.

    Raises:
        OSError: the file cannot be read.
    """
    added = []
    for line in read_text(os.path.join(site, pth), _LIMIT).splitlines():
        entry = line.strip()
        if not entry or entry.startswith(("#", "import ", "import\t")):
            continue
        directory = os.path.normpath(os.path.join(site, entry))
        if os.path.isdir(directory):
            added.append(directory)
    return tuple(added)


def finder_mapping(path: str) -> Mapping[str, str]:
    """The ``MAPPING`` of a setuptools finder module; empty if it is not a plain literal.

    Raises:
        OSError: the file cannot be read.
    """
    import ast

    try:
        body = ast.parse(read_text(path, _LIMIT)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    for statement in body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id="MAPPING")], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id="MAPPING"), value=ast.expr() as value)
            ):
                try:
                    literal = ast.literal_eval(value)
                except (ValueError, TypeError, RecursionError, MemoryError):
                    return {}
                if isinstance(literal, dict):
                    return {
                        name: where
                        for name, where in literal.items()
                        if isinstance(name, str) and isinstance(where, str)
                    }
    return {}


def is_finder(name: str) -> bool:
    """Whether a file is a finder module that setuptools wrote for an editable install."""
    return name.startswith("__editable__") and name.endswith("_finder.py")


def project(distribution: Distribution) -> str | None:
    """The project directory of an editable install, from ``direct_url.json``."""
    try:
        text = read_text(distribution.file("direct_url.json"), _LIMIT)
    except OSError:
        return None
    if '"editable"' not in text:
        return None
    import json
    from urllib.parse import unquote, urlsplit

    try:
        match json.loads(text):
            case {"url": str(url), "dir_info": {"editable": True}} if url.startswith("file:"):
                path = unquote(urlsplit(url).path)
            case _:
                return None
    except (ValueError, RecursionError):
        return None
    if os.name == "nt":
        path = path.lstrip("/")
    return None if "\0" in path else os.path.normpath(path)


def sources(
    distribution: Distribution, record: Iterable[str], names: Sequence[str]
) -> tuple[Source, ...]:
    """The sources of an editable install, sorted by name; empty for any other distribution.

    Args:
        distribution: The installed metadata.
        record: The files that the distribution installed.
        names: Its top-level names, if its metadata states them.

    Raises:
        OSError: a ``.pth`` file or a finder module cannot be read.
    """
    found: list[Source] = []
    site = distribution.directory
    for path in record:
        if "/" in path:
            continue
        if path.endswith(".pth"):
            for directory in directories(site, path):
                found += packages(directory, names)
        elif is_finder(path):
            for name, where in finder_mapping(os.path.join(site, path)).items():
                found += mapped_to(name, where)
    home = None if found else project(distribution)
    if home is not None:
        for layout in _LAYOUTS:
            found = packages(os.path.join(home, layout).rstrip(os.sep), names)
            if found:
                break
    return tuple(sorted(set(found), key=lambda each: (each.name, each.path)))


def provided(name: str, search_path: Sequence[str]) -> Module | None:
    """The module that finders and ``.pth`` files on a search path provide for an import name."""
    parts = name.split(".")
    added: list[str] = []
    for site in search_path:
        for file in listing(site):
            if is_finder(file):
                mapping = _lenient(finder_mapping, os.path.join(site, file)) or {}
                for count in range(len(parts), 0, -1):
                    where = mapping.get(".".join(parts[:count]))
                    module = None if where is None else _within(where, parts[count:])
                    if module is not None:
                        return module
            elif file.endswith(".pth"):
                added += _lenient(directories, site, file) or ()
    return locate(name, [directory for directory in added if directory not in search_path])


def _within(where: str, rest: Sequence[str]) -> Module | None:
    """The module ``rest`` inside the package or module at the path ``where`` of a finder."""
    module = find(os.path.basename(where), [os.path.dirname(where)])
    return locate(".".join(rest), module.directories) if rest and module is not None else module


def _lenient(read: Callable[..., T], *where: str) -> T | None:
    """The result of ``read``; None if the file cannot be read: the interpreter ignores that too."""
    try:
        return read(*where)
    except OSError:
        return None


def mapped_to(name: str, where: str) -> list[Source]:
    """The sources of one entry of a finder's mapping: a directory, or a file without suffix."""
    if os.path.isdir(where):
        return [Source(name, os.path.normpath(where))]
    module = find(os.path.basename(where), [os.path.dirname(where)])
    return [] if module is None else [Source(name, path) for path in module.files]


def packages(directory: str, names: Sequence[str] = ()) -> list[Source]:
    """The packages and modules in a directory on the search path.

    Args:
        directory: The directory; it may be a whole project with an environment and build outputs.
        names: Import names to look for; by default, every name that looks like a package.
    """
    wanted = names or top_level_modules(directory)
    if not wanted:  # the directory has only namespace packages
        wanted = [
            name
            for name in listing(directory)
            if name.isidentifier()
            and name not in _NOT_PACKAGES
            and "pyvenv.cfg" not in listing(os.path.join(directory, name))
        ]
    found = []
    for name in wanted:
        module = find(name, [directory])
        if module is not None:
            found += [Source(name, path) for path in (*module.directories, *module.files)]
    return found
