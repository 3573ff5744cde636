"""The compiler options that a plan relies on: ``TORCH_TARGET_VERSION`` and macros of replacements.

Without ``TORCH_TARGET_VERSION`` torch's headers give the newest interface that they know, and the
library needs about the torch whose headers it was compiled with, whatever it calls.
"""

from __future__ import annotations

from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port.migration import COVERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.port.migration import Plan

TARGET_MACRO = "TORCH_TARGET_VERSION"


def target_value(release: str) -> str:
    """The value of ``TORCH_TARGET_VERSION`` for a release: ``0x020a000000000000`` for 2.10.

    A byte each for the major and the minor number, from the highest on; the rest is zero, as the
    stable ABI gains functions only with a minor release (``torch/headeronly/version.h``).
    """
    major, minor = (int(part) for part in release.split(".")[:2])
    return f"0x{major << 56 | minor << 48:016x}"


def target_macro(release: str) -> str:
    """The option that limits torch's headers to a release: ``-DTORCH_TARGET_VERSION=0x020a…``."""
    return f"-D{TARGET_MACRO}={target_value(release)}"


def compile_options(plan: Plan) -> tuple[str, ...]:
    """The options to compile every file of the plan with; none if nothing in it uses torch."""
    if not plan.items and plan.verdict is not TorchLabel.STABLE:
        return ()
    macros = sorted({one for item in plan.items if item.way in COVERED for one in item.macros})
    return (target_macro(plan.target), *(f"-D{one}" for one in macros))
