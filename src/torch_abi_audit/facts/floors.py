"""The oldest glibc and the oldest Python that the libraries of a package run on."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.python import bound
from torch_abi_audit.knowledge.names.system import is_glibc
from torch_abi_audit.model.declared import Declared, claims_abi3, wheel_tags
from torch_abi_audit.model.releases import release_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport

_OPEN = frozenset({"none", "abi3", "abi3t"})
"""ABI tags that are not tied to one release of Python."""


def symbol_versions(report: PackageReport) -> dict[str, tuple[str, str]]:
    """Every needed symbol version, such as ``GLIBC_2.17``, to its namespace and its number.

    Other libraries than glibc's have versions of that name, too: libgcc has a ``GLIBC_2.0``. What
    is asked of them says nothing about glibc: see ``is_glibc``.
    """
    names = dict.fromkeys(
        name for one in report.libraries for image in one.linkage for _, name in image.version_needs
    )
    parts = {name: name.partition("_") for name in names}
    return {
        name: (space, number)
        for name, (space, _, number) in parts.items()
        if space.isalpha() and space.isupper() and all(map(str.isdecimal, number.split(".")))
    }


def glibc(report: PackageReport) -> str | None:
    """The newest glibc symbol version that any library needs, such as ``2.28``; None if none."""
    numbers = symbol_versions(report)
    asked = {
        name
        for one in report.libraries
        for image in one.linkage
        for library, name in image.version_needs
        if is_glibc(library)
    }
    found = [numbers[name][1] for name in asked & numbers.keys() if numbers[name][0] == "GLIBC"]
    return max(found, key=release_key, default=None)


def min_python(report: PackageReport, declared: Declared) -> str | None:
    """The oldest Python on which every extension module loads, as far as the files show.

    A module that claims abi3, by its name or by the wheel's tags, has the floor of the names it
    imports, and a module built for one Python needs that one. Any other module is for the Python of
    the wheel's tags, if they name exactly one.
    """
    named = {tag.interpreter for tag in wheel_tags(declared) if tag.abi not in _OPEN}
    minors = {found[1] for found in named if found is not None and found[1] is not None}
    whole = claims_abi3(declared)
    only = f"3.{minors.pop()}" if len(minors) == 1 else None
    floors: dict[str, list[str]] = {}
    for one in report.extensions:
        tied = bound(one)
        floor = only
        if tied is not None:
            floor = f"3.{tied.minor}"
        elif one.cpython is not None and (one.cpython.intent or whole):
            floor = one.cpython.min_python
        if floor:
            floors.setdefault(module_path(one), []).append(floor)
    oldest = [min(each, key=release_key) for each in floors.values()]
    return max(oldest, key=release_key, default=None)


def files_of_modules(report: PackageReport) -> dict[str, list[ExtensionReport]]:
    """The libraries of a package by ``module_path``."""
    found: dict[str, list[ExtensionReport]] = {}
    for one in report.libraries:
        found.setdefault(module_path(one), []).append(one)
    return found


def module_path(one: ExtensionReport) -> str:
    """The path without the suffix that names a Python; all files of one module share it."""
    return one.path_text.removesuffix(one.name) + one.name.partition(".")[0]
