"""The gate: which packages break a promise. A pure question asked of reports."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from torch_abi_audit.model import Label
from torch_abi_audit.report.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.model import PackageReport


class Check(StrEnum):
    """What ``--check`` demands."""

    TORCH = "torch"
    ABI3 = "abi3"
    BOTH = "both"


def failures(packages: Iterable[PackageReport], check: Check) -> Iterator[str]:
    """One line for each promise that a package breaks: its name and the reason."""
    for package in packages:
        if check is not Check.ABI3:
            unstable = sum(library.label == "UNSTABLE" for library in package.libraries)
            if unstable:
                count = plural(unstable, "library").replace("librarys", "libraries")
                yield f"{package.name}: {count} outside of the LibTorch Stable ABI"
        if check is not Check.TORCH and package.uses_torch:
            loose = sum(
                one.cpython is not None and one.cpython.label is not Label.OK
                for one in package.extensions
            )
            if loose:
                count = plural(loose, "extension module")
                yield f"{package.name}: {count} outside of the CPython Stable ABI"
