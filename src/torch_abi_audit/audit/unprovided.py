"""The names of a library that are findings unless a requirement exports them."""

from __future__ import annotations

from torch_abi_audit.model.declared import promised_floor
from torch_abi_audit.model.releases import release_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.reports import ExtensionReport
    from torch_abi_audit.sources.found import Found


def unprovided(report: ExtensionReport, found: Found) -> frozenset[str]:
    """The names, as the verdicts write them; empty for most libraries.

    Args:
        report: The report on a library, or on one that could not be read.
        found: The package: its requirements, and its tags, which may claim abi3 for every library.
    """
    names: set[str] = set()
    if not found.requires:
        return frozenset()
    promised = promised_floor(found.tags)
    for one in report.slices or (report,):
        torch, cpython = one.torch, one.cpython
        if torch is not None:
            names.update(
                torch.unresolved_symbols, torch.unresolvable_symbols, torch.unknown_shim_symbols
            )
        if cpython is not None and (cpython.intent or promised):
            names.update(cpython.violations)
            if promised:
                floor = release_key(promised)
                newer = (each for added, each in cpython.newer if release_key(added) > floor)
                names.update(*newer)
    return frozenset(names)
