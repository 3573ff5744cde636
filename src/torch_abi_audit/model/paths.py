"""Paths in the form in which reports write them."""

from __future__ import annotations

import os

from torch_abi_audit.runtime.records import given_path

TYPE_CHECKING = False

if TYPE_CHECKING:
    from torch_abi_audit.model.loads import LibraryLoads
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport


def file_name(path: str) -> str:
    """The part of a path or install name after the last slash or backslash."""
    return path.replace("\\", "/").rpartition("/")[2]


def relative_path(library: ExtensionReport | LibraryLoads, package: PackageReport) -> str:
    """A library's path below the package's root, with forward slashes.

    If the library itself is the root, it is the file's name.
    """
    given, above = given_path(library, "path"), given_path(package, "root")
    if given and above and given.startswith(above + os.sep):  # no need to import ``pathlib``
        return given[len(above) + 1 :].replace(os.sep, "/")
    if given and given == above:
        return os.path.basename(given)
    path, root = library.path, package.root
    if path == root:
        return path.name
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()
