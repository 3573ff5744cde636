"""The build of torch that a package needs where the package index has none of its kind."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.torch import Build, build_of
from torch_abi_audit.model.paths import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from torch_abi_audit.model.reports import PackageReport


def needed_build(report: PackageReport, shipped: Collection[str]) -> Build | None:
    """``ROCM`` or ``XPU`` if every library that uses torch is built for it; else None.

    A package that has a library for CPU or CUDA builds of torch as well can be used with these.

    Args:
        report: The package.
        shipped: File names and sonames of all libraries of the distribution.
    """
    builds = set()
    for one in report.libraries:
        if one.torch is not None and one.torch.uses_torch:
            names = {name for image in one.linkage for name in image.needed}
            builds.add(_build([name for name in names if file_name(name) not in shipped]))
    return builds.pop() if len(builds) == 1 else None


def _build(names: Collection[str]) -> Build | None:
    """The build whose libraries are among these names."""
    for name in names:
        kind = kind_of(name)
        if kind is Kind.ROCM:
            return Build.ROCM
        if kind is Kind.TORCH and build_of(name) in {Build.ROCM, Build.XPU}:
            return build_of(name)
    return None
