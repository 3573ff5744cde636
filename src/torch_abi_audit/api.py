"""The public functions: audit one file, one package or one environment."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from torch_abi_audit import sources
from torch_abi_audit.audit.pipeline import audit, failed
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.model.reports import EnvironmentReport, ExtensionReport, PackageReport

if TYPE_CHECKING:
    import os


def inspect_extension(path: str | os.PathLike[str]) -> ExtensionReport:
    """Audit one file, whatever its name.

    If the file cannot be read, is damaged or is not a library, ``error`` of the report says why.
    """
    where = Path(path).absolute()
    try:
        report = audit(sources.resolve(f"{where}"))
    except TargetError as error:
        return ExtensionReport(where, error=str(error))
    if report.libraries:
        return report.libraries[0]
    kind = report.skipped[0].kind if report.skipped else "nothing readable"
    return ExtensionReport(where, error=f"not a library: {kind}")


def inspect_package(name_or_path: str | os.PathLike[str]) -> PackageReport:
    """Audit an import name, distribution name, directory, file or wheel.

    If the target cannot be found, ``error`` of the report says why.
    """
    target = str(name_or_path)
    try:
        return audit(sources.resolve(target))
    except TargetError as error:
        return failed(target, error)


def inspect_site_packages(
    directory: str | os.PathLike[str] | None = None,
) -> EnvironmentReport:
    """Audit every package that contains a library.

    Args:
        directory: A site-packages directory; by default, that of the running interpreter.

    Raises:
        TargetError: ``directory`` cannot be listed.
    """
    from torch_abi_audit.sources import environments

    inventory = (
        environments.environment()
        if directory is None
        else environments.site_packages(str(directory))
    )
    reports = (audit(found) for found in inventory.packages)
    return EnvironmentReport(
        site_packages=PurePath(inventory.directories[0]) if inventory.directories else None,
        packages=tuple(one for one in reports if one.libraries or one.error),
    )
