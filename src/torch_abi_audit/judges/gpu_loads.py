"""Determines on which GPUs a package runs together with the builds of torch that it loads on.

Pure. A GPU needs code of both: of the package, and of torch for every operation beside it. Torch's
architectures are those of its published builds, one for each CUDA or ROCm release, and differ
between them: a newer release of torch, or a build for a newer CUDA, may drop a GPU.
"""

from __future__ import annotations

from itertools import groupby

from torch_abi_audit.judges.gpu_boards import may_be_arm
from torch_abi_audit.judges.gpus import package_run, runs
from torch_abi_audit.knowledge.arch_names import BOARDS
from torch_abi_audit.model.device_code import DeviceCode, KernelSet, is_amd, is_nvidia
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.model.loads import GpuLoads, Loads
from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_abi_audit.knowledge.torch_gpus import TorchGpus
    from torch_abi_audit.model.device_code import PackageCode
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.model.loads import LoadMatrix
    from torch_abi_audit.model.reports import PackageReport

_LOADED = (Loads.YES, Loads.NEEDS_CUDA)
_RUNS = (Runs.YES, Runs.JIT)
_ALONE = {
    Runs.YES: "only_package",
    Runs.JIT: "only_package_by_jit",
    Runs.PARTLY: "only_package_partly",
}
"""The fields of ``GpuLoads`` for GPUs that torch has nothing for, by how the package runs."""


@dataclass(frozen=True, slots=True)
class _Package:
    """How a package runs on each GPU that is looked at."""

    on: tuple[tuple[Gpu, Runs], ...]
    cuda: tuple[int, ...]
    """The CUDA major releases whose libraries it needs; any, if it needs none."""


def with_gpus(matrix: LoadMatrix, report: PackageReport) -> LoadMatrix:
    """Return the matrix with the GPUs of the releases that load the package.

    Nothing is added for a package without code for GPUs, or whose platform torch is not built for.
    """
    code = report.device_code
    if code is None or not code.present or not matrix.uses_torch:
        return matrix
    from torch_abi_audit.knowledge.torch_gpus import of_release  # only for packages with kernels

    package = _package(report, code)
    platforms = {one.platform for one in matrix.libraries if one.platform is not None}
    loaded = [one for one in matrix.releases if matrix.loads_on[one] in _LOADED]
    series: dict[tuple[str | None, str | None], list[TorchGpus]] = {}
    for release in loaded:
        for one in of_release(release):
            if one.platform in platforms and _fits(one, package, code.targets + code.others):
                series.setdefault((one.cuda, one.rocm), []).append(one)
    found = [fit for builds in series.values() for fit in _fits_of(builds, loaded, package)]
    found.sort(key=lambda one: (loaded.index(one.releases[0]), one.cuda is None, _toolkit(one)))
    return replace(matrix, gpus=tuple(found))


def _toolkit(one: GpuLoads) -> tuple[int, ...]:
    return tuple(map(int, (one.cuda or one.rocm or "0").split(".")))


def _package(report: PackageReport, code: PackageCode) -> _Package:
    from torch_abi_audit.knowledge.gpus import generations_for  # reads a table

    on_arm = may_be_arm(report)
    answers = [
        (one, found.answer)
        for one in generations_for((*code.targets, *code.others))
        if on_arm or one.target not in BOARDS
        if (found := package_run(report, one)) is not None
    ]
    return _Package(tuple(answers), report.cuda.majors if report.cuda is not None else ())


def _fits(build: TorchGpus, package: _Package, targets: tuple[str, ...]) -> bool:
    """Whether a build is for the GPUs' vendor, and for a CUDA that the package needs."""
    if build.cuda is None:
        return any(map(is_amd, targets))
    if not any(map(is_nvidia, targets)):
        return False
    return not package.cuda or int(build.cuda.partition(".")[0]) in package.cuda


def _fits_of(builds: list[TorchGpus], loaded: list[str], package: _Package) -> Iterator[GpuLoads]:
    """Yield the answer of each run of neighbouring releases of one CUDA that have the same one."""
    known: dict[tuple[str, ...], GpuLoads] = {}
    for one in builds:
        if one.targets not in known:
            known[one.targets] = _fit(one, package)
    by_release: Mapping[str, TorchGpus] = {one.release: one for one in builds}
    for answer, group in groupby(
        loaded, key=lambda one: known[by_release[one].targets] if one in by_release else None
    ):
        if answer is not None:
            yield replace(answer, releases=tuple(group))


def _fit(build: TorchGpus, package: _Package) -> GpuLoads:
    code = DeviceCode((KernelSet(build.targets, 1),))
    lists: dict[str, list[Gpu]] = {}
    for gpu, answer in package.on:
        if is_amd(gpu.target) is (build.cuda is None):
            lists.setdefault(_list(runs(code, gpu).answer, answer), []).append(gpu)
    return GpuLoads(
        (),
        build.cuda,
        build.rocm,
        **{name: tuple(gpus) for name, gpus in lists.items() if name},
    )


def _list(torch: Runs, package: Runs) -> str:
    """The field of ``GpuLoads`` for a GPU; empty for one that neither runs on, or not known to."""
    if torch not in _RUNS:
        return _ALONE.get(package, "")
    if package in _RUNS:
        return "by_jit" if Runs.JIT in (package, torch) else "both"
    return {Runs.PARTLY: "partly", Runs.NO: "only_torch"}.get(package, "")
