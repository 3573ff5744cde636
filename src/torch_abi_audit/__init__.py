"""Reads compiled PyTorch extensions and judges which stable ABIs they keep to.

Nothing that is audited is imported or executed. Names load when they are first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.api import inspect_extension, inspect_package, inspect_site_packages
    from torch_abi_audit.errors import AuditError, FormatError, TargetError
    from torch_abi_audit.model import (
        CPythonABIVerdict,
        EnvironmentReport,
        ExtensionReport,
        Finding,
        PackageReport,
        Severity,
        TorchABIVerdict,
    )

__version__ = "0.1.0"

__all__ = [
    "AuditError",
    "CPythonABIVerdict",
    "EnvironmentReport",
    "ExtensionReport",
    "Finding",
    "FormatError",
    "PackageReport",
    "Severity",
    "TargetError",
    "TorchABIVerdict",
    "inspect_extension",
    "inspect_package",
    "inspect_site_packages",
]


def __getattr__(name: str) -> object:
    """Import a public name's module when the name is first used: start-up stays short."""
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from torch_abi_audit.late import module  # noqa: PLC0415

    homes = {"inspect": "api", "AuditError": "errors", "FormatError": "errors"}
    home = homes.get(name.partition("_")[0], "errors" if name.endswith("Error") else "model")
    return getattr(module(home), name)
