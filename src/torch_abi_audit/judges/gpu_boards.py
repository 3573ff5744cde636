"""Whether the GPUs of boards with an Arm processor, such as Jetson, mean anything to a package."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from torch_abi_audit.model.reports import PackageReport

_ARM = frozenset({"aarch64", "arm64"})


def may_be_arm(report: PackageReport) -> bool:
    """Whether a library is for 64-bit Arm, or none tells its machine.

    A package for other machines cannot be installed on such a board, whatever it was compiled for.
    """
    return with_arm({one.arch for one in report.libraries if one.error is None} - {None})


def with_arm(machines: Collection[str | None]) -> bool:
    """Whether 64-bit Arm is among some machines, or there are none."""
    return not machines or not _ARM.isdisjoint(machines)
