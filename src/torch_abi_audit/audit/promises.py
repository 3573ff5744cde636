"""From what a TARGET turned into to what it declares, and to whom the load matrix is asked of."""

from __future__ import annotations

from torch_abi_audit.metadata import Declared, compare, requires_torch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.sources.found import Found

    LoadsOn = Callable[[PackageReport], Mapping[str, str] | None]


def compared(report: PackageReport, found: Found, loads_on: LoadsOn | None) -> PackageReport:
    """The report with the findings and facts that follow from its distribution's metadata.

    Args:
        report: What was read of the package.
        found: What it was read from.
        loads_on: Which torch releases an unstable package loads on. Where it is not given, the
            export index is asked for releases and for what requires torch; an installed package
            that does not is told so without the exact range, which would cost more than the rest.
    """
    if loads_on is None and asks_for_releases(found):
        loads_on = _by_export_index
    return compare(report, _declared(found), loads_on)


def asks_for_releases(found: Found) -> bool:
    """Whether ``compared`` asks on which torch releases it loads, should it be unstable."""
    if found.is_torch:
        return False
    return found.from_archive or requires_torch(_declared(found))


def _declared(found: Found) -> Declared:
    return Declared(
        name=found.distribution,
        tags=found.tags,
        requires=found.requires,
        requires_python=found.requires_python,
        beside=tuple(each.relative.rpartition("/")[2] for each in found.siblings),
        is_torch=found.is_torch,
    )


def _by_export_index(report: PackageReport) -> Mapping[str, str] | None:
    from torch_abi_audit.judges.loads import compat  # dear

    return compat(report).loads_on or None
