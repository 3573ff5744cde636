"""The torch that a package requires, and the GPUs that it runs on itself."""

from __future__ import annotations

from torch_abi_audit.facts.environments import environments
from torch_abi_audit.facts.torch_range import declared_range, installable, needed
from torch_abi_audit.gpus.answer import Torch
from torch_abi_audit.judges.gpus import runs
from torch_abi_audit.model.device_code import DeviceCode, KernelSet
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.model.verdicts import TorchLabel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.facts.torch_range import Needed, Range
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.model.reports import PackageReport

_WORST = (Runs.UNKNOWN, Runs.NO, Runs.PARTLY, Runs.JIT, Runs.YES)


def beside(report: PackageReport, gpus: Sequence[Gpu], *, has_names: bool = False) -> Torch | None:
    """The newest torch that a package admits, on which it loads, and that brings its CUDA.

    This is the torch that the rules G607 and G608 compare with. None if it neither uses nor
    requires torch, is torch itself, is for no platform for which the builds of torch are known, or
    if it is not known on which releases it loads.

    Args:
        report: The audited package.
        gpus: The GPUs in question; torch's code for those of AMD is not asked for.
        has_names: Whether the verdicts have the names of symbols, also if it requires no torch.
    """
    declared = report.declared
    if declared is None or declared.is_torch:
        return None
    places = environments(declared, report)
    said = declared_range(declared, places)
    need = _needed(report, said, has_names=has_names)
    if need is None and (said is None or not said.is_required):
        return None
    admitted = installable(need, said, places)
    if not admitted:
        return None
    from torch_abi_audit.facts.gpus_of_torch import newest_fitting  # reads a table

    majors = report.cuda.majors if report.cuda is not None else ()
    builds = newest_fitting(admitted, places, majors)
    if builds is None:
        return None
    codes = [DeviceCode((KernelSet(one.targets, 1),)) for one in builds.each]
    found = [sorted((runs(code, gpu).answer for code in codes), key=_WORST.index) for gpu in gpus]
    return Torch(
        builds.release,
        builds.each,
        runs=tuple(each[0] for each in found),
        best=tuple(each[-1] for each in found),
    )


def _needed(report: PackageReport, said: Range | None, *, has_names: bool) -> Needed | None:
    """What the binaries need of torch; None for a package that does not use it."""
    if not report.uses_torch or report.declared is None:
        return None
    if not report.declared.is_python_distribution:
        return None
    unstable = any(one.label is TorchLabel.UNSTABLE for one in report.libraries)
    if not unstable or not (has_names or said is not None):
        return needed(report, None)
    from torch_abi_audit.judges.loads import compat  # slow to import

    return needed(report, compat(report).loads_on or None)
