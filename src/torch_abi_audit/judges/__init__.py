"""From the facts of a library to its verdicts: ``JUDGES`` lists the ABIs that are judged.

Tables, JSON, markdown, ``diff`` and the audit itself ask each judge in turn. What a judge must
provide stands in ``interface``. ``library_loads`` and ``loads`` answer another question: on which
torch releases a library loads.
"""

from __future__ import annotations

from torch_abi_audit.judges.python_abi import PYTHON
from torch_abi_audit.judges.torch_abi import TORCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.judges.interface import Judge

__all__ = ["JUDGES", "PYTHON", "TORCH"]

JUDGES: tuple[Judge, ...] = (TORCH, PYTHON)
"""In the order in which they are shown."""
