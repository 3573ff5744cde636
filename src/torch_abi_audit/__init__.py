"""Reads compiled PyTorch extensions and checks them against the stable ABIs.

Audited code is never imported or executed. The public names are imported on first use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.api import inspect_extension, inspect_package, inspect_site_packages
    from torch_abi_audit.model.errors import AuditError, FormatError, TargetError
    from torch_abi_audit.model.findings import Finding, Severity
    from torch_abi_audit.model.reports import EnvironmentReport, ExtensionReport, PackageReport
    from torch_abi_audit.model.verdicts import CPythonABIVerdict, TorchABIVerdict

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

_HOMES = {
    "AuditError": "model.errors",
    "CPythonABIVerdict": "model.verdicts",
    "EnvironmentReport": "model.reports",
    "ExtensionReport": "model.reports",
    "Finding": "model.findings",
    "FormatError": "model.errors",
    "PackageReport": "model.reports",
    "Severity": "model.findings",
    "TargetError": "model.errors",
    "TorchABIVerdict": "model.verdicts",
    "inspect_extension": "api",
    "inspect_package": "api",
    "inspect_site_packages": "api",
}
"""Each public name, with the module that defines it."""


def __getattr__(name: str) -> object:
    """Import a public name on first use, which keeps start-up short."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from torch_abi_audit.runtime.lazy_import import module

    return getattr(module(_HOMES[name]), name)
