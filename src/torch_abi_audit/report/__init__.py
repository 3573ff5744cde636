"""Renders reports in every format. Renderers use only the model and the rules."""

from __future__ import annotations

from torch_abi_audit.runtime.lazy_import import module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.report.audit.json import format_json
    from torch_abi_audit.report.audit.table import format_environment_table, format_package_table
    from torch_abi_audit.report.loads.text import format_load_matrix

__all__ = [
    "format_environment_table",
    "format_json",
    "format_load_matrix",
    "format_package_table",
]

_HOMES = {
    "format_json": "report.audit.json",
    "format_load_matrix": "report.loads.text",
    "format_package_table": "report.audit.table",
    "format_environment_table": "report.audit.table",
}


def __getattr__(name: str) -> object:
    """Import a renderer on first use, so that a table does not import the JSON renderer."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module(_HOMES[name]), name)
