"""Judges libraries: ``JUDGES`` has one judge for each ABI.

The audit, the reports and ``diff`` use every judge in turn. ``interface`` defines what a judge
provides. ``library_loads`` and ``loads`` answer another question: which torch releases a library
loads on; and ``gpus`` a third: which GPUs its device code runs on.
"""

from __future__ import annotations

from torch_abi_audit.judges.python_abi import PYTHON
from torch_abi_audit.judges.torch_abi import TORCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.judges.interface import Judge

__all__ = ["JUDGES", "PYTHON", "TORCH"]

JUDGES: tuple[Judge, ...] = (TORCH, PYTHON)
"""In display order."""
