"""The places where linked libraries use libtorch, as far as their debug information tells."""

from __future__ import annotations

from torch_abi_audit.formats.elf.call_sites import call_sites
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.port.sites import Authors, sites
from torch_abi_audit.runtime.records import replace
from torch_abi_audit.sources.files.readable import open_readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.port.migration import Unit

_ELF = b"\x7fELF"


def with_sites(units: Iterable[Unit], report: PackageReport) -> tuple[Unit, ...]:
    """The units of a package, with the places of their uses where debug information has them.

    A library without debug information, of another format than ELF, or in an archive is returned
    as it is.

    Args:
        units: The libraries, named as ``plan.units_of`` names them.
        report: The package that they are in.
    """
    paths = {}
    for one in report.libraries:
        inside = report.root in one.path.parents
        name = one.path.relative_to(report.root).as_posix() if inside else one.path.name
        paths[name] = str(one.path)
    return tuple(_with_sites(one, paths[one.name]) if one.name in paths else one for one in units)


def _with_sites(unit: Unit, path: str) -> Unit:
    if unit.error is not None or not unit.unstable:
        return unit
    try:
        with open_readable(path) as source:
            if source.read_at(0, 4) != _ELF:
                return unit
            found = call_sites(source, frozenset(unit.unstable))
    except (OSError, FormatError):
        return unit  # it was read before: its places are only a convenience
    if found is None:
        return unit
    authors = Authors()
    for each in found.values():
        authors.learn(each)
    return replace(
        unit,
        sites={name: sites(found[name], authors) for name in unit.unstable if name in found},
    )
