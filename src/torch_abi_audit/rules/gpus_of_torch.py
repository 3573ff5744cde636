"""G607 to G609: the GPUs of a package against those of the torch that it requires."""

from __future__ import annotations

from torch_abi_audit.model.device_code import DeviceCode, KernelSet, is_amd, is_nvidia
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.report.wording import plural
from torch_abi_audit.rules.definition import About, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.facts.gpus_of_torch import Builds
    from torch_abi_audit.knowledge.torch_gpus import TorchGpus
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context
    from torch_abi_audit.rules.device_code import Parts


G607 = Rule(
    "G607",
    "gpu-of-torch-missing",
    "The package has no code for GPUs that the torch beside it supports",
    "torch itself works on them; the first kernel of the package fails with `no kernel image is "
    "available for execution on the device`.",
    "Add their architectures to `TORCH_CUDA_ARCH_LIST` (CMake: `CMAKE_CUDA_ARCHITECTURES`), or say "
    "in the documentation which GPUs the package supports.",
    Severity.NOTE,
    itemized=True,
    example="has no code for V100 (7.0), on which torch 2.10.0 (CUDA 12.8) runs: the code is for "
    "sm_75, sm_80, sm_90a and compute_80",
    about=About.PACKAGE,
    told_by="G601",
)

G608 = Rule(
    "G608",
    "gpu-of-torch-by-jit",
    "The package has only PTX for GPUs for which the torch beside it has machine code",
    "The driver compiles the PTX when a kernel is first needed, which may take minutes. A driver "
    "that is older than the CUDA release of the PTX refuses: `the provided PTX was compiled with "
    "an unsupported toolchain`.",
    "Add the architectures of these GPUs to `TORCH_CUDA_ARCH_LIST` (CMake: "
    "`CMAKE_CUDA_ARCHITECTURES`).",
    Severity.NOTE,
    itemized=True,
    example="has only PTX for B200 (10.0), B300 (10.3) and RTX 50 (12.0), for which torch 2.10.0 "
    "(CUDA 12.8) has machine code: compute_80",
    about=About.PACKAGE,
    told_by="G603",
)


G609 = Rule(
    "G609",
    "no-gpu-in-common-with-torch",
    "No GPU runs both the package and the torch that it requires",
    "Whichever admitted torch is installed, it supports none of the GPUs for which the package has "
    "code.",
    "Compile the package with a CUDA release and for the architectures of the torch that it "
    "requires, or require an older torch.",
    Severity.WARNING,
    example="the code is for sm_35 and sm_37, but torch 2.11.0 to 2.15.0 is for sm_50 to sm_120",
    about=About.PACKAGE,
)


def beside_torch(context: Context) -> Iterator[Finding]:
    """GPUs that torch supports and the package does not, or only by PTX; or that none runs both.

    The torch that counts is the one which an installer takes: the newest admitted release that
    brings the CUDA of the package. A GPU counts as supported by torch where every such build has
    machine code for it. Nothing is said of a GPU on which one library runs and another does not,
    unless that is by PTX and for fewer kernels, nor where all libraries are made for some GPUs.
    What begins with newer GPUs than A100 needs what older ones lack, so those are not missing.
    """
    parts = _judged(context)
    admitted = context.installable_torch
    if parts is None or not admitted or all(one.is_special for one in parts.parts):
        return
    from torch_abi_audit.facts.gpus_of_torch import newest_fitting
    from torch_abi_audit.rules.device_code import fatbins, gpu_list, number, target_list

    builds = newest_fitting(admitted, context.environments, context.cuda_of_package)
    targets = [target for target in parts.targets if not is_amd(target)]
    oldest = min(map(number, targets))
    lacking, compiled = [], []
    ptx: set[str] = set()
    shared = False
    most = every = 0
    for gpu in _supported(builds, context):
        answers = [answer for part in parts.concerned(gpu) for answer in part.answers(gpu)]
        found = {one.runs for one in answers}
        shared |= found != {Runs.NO}
        without = fatbins(
            one for each in answers if each.runs is Runs.NO for one in each.run.lacking
        )
        by_ptx = sum(each.running for each in answers)
        if found <= {Runs.NO, Runs.JIT} and without > by_ptx:
            if number(gpu.target) > oldest or oldest <= _COMMON:
                lacking.append(gpu)
                most, every = max((most, every), (by_ptx, by_ptx + without))
        elif found == {Runs.JIT}:
            compiled.append(gpu)
            ptx.update(each for one in answers for each in one.run.used)
    if not shared and _nothing_in_common(parts, admitted, context):
        yield from _apart(targets, admitted, context)
        return
    if builds is None:
        return
    if lacking:
        few = f", except PTX for some kernels ({most} of {plural(every, 'fatbin')})" if most else ""
        yield G607.finding(
            f"has no code for {gpu_list(lacking)}, on which {_torch(builds)} runs{few}: the "
            f"code is for {target_list(targets)}",
            evidence=[gpu.target for gpu in lacking],
        )
    if compiled:
        yield G608.finding(
            f"has only PTX for {gpu_list(compiled)}, for which {_torch(builds)} has machine code: "
            f"{target_list(one for one in ptx if one.startswith('compute_'))}",
            evidence=[gpu.target for gpu in compiled],
        )


def _nothing_in_common(parts: Parts, admitted: Sequence[str], context: Context) -> bool:
    """Whether the code runs on no GPU of any build of any admitted torch release.

    Not where none of them has the CUDA of the package: then that is what is wrong, and rules about
    CUDA say it.
    """
    from torch_abi_audit.facts.gpus_of_torch import every_build, fits
    from torch_abi_audit.knowledge.gpus import every_generation

    builds = every_build(admitted, context.environments)
    if not builds or not any(fits(one, context.cuda_of_package) for one in builds):
        return False
    mine = [
        gpu
        for gpu in every_generation()
        if any(one.runs is not Runs.NO for part in parts.parts for one in part.answers(gpu))
    ]
    return bool(mine) and all(_runs(one, gpu) is Runs.NO for one in builds for gpu in mine)


def _apart(targets: Sequence[str], admitted: Sequence[str], context: Context) -> Iterator[Finding]:
    from torch_abi_audit.facts.gpus_of_torch import every_build
    from torch_abi_audit.facts.torch_range import reachable
    from torch_abi_audit.model.releases import release_runs
    from torch_abi_audit.rules.device_code import sorted_targets, target_list

    builds = every_build(admitted, context.environments) or ()
    theirs = sorted_targets(
        target for one in builds for target in one.targets if target.startswith("sm_")
    )
    yield G609.finding(
        f"the code is for {target_list(targets)}, but torch "
        f"{release_runs(admitted, reachable(context.environments))} is for {theirs[0]} to "
        f"{theirs[-1]}",
        evidence=targets,
    )


def _judged(context: Context) -> Parts | None:
    """The device code of NVIDIA in a package that is used beside torch; None without any.

    Libraries that the package may do without are left out.
    """
    if context.declared.is_torch or not any(map(is_nvidia, context.device_targets)):
        return None
    if not context.has_torch:
        return None
    from torch_abi_audit.rules.device_code import Parts

    found = Parts(context, without=context.optional)
    targets = [one for one in found.targets if not is_amd(one)]
    return found if targets else None


def _supported(builds: Builds | None, context: Context) -> Iterator[Gpu]:
    """The generations for which every one of some builds has machine code."""
    if builds is None:
        return
    from torch_abi_audit.judges.gpu_boards import with_arm
    from torch_abi_audit.knowledge.arch_names import BOARDS
    from torch_abi_audit.knowledge.gpus import generations

    on_boards = with_arm({one.machine for one in context.environments})
    for gpu in generations():
        if gpu.target in BOARDS and not on_boards:
            continue
        if all(_runs(one, gpu) is Runs.YES for one in builds.each):
            yield gpu


_COMMON = 80


def _runs(build: TorchGpus, gpu: Gpu) -> Runs:
    from torch_abi_audit.judges.gpus import runs

    return runs(DeviceCode((KernelSet(build.targets, 1),)), gpu).answer


def _torch(builds: Builds) -> str:
    """``torch 2.10.0 (CUDA 12.8)``; ``torch 2.10.0 (any build for CUDA 12.6 or 12.8)``."""
    *most, last = builds.cuda
    named = f"CUDA {', '.join(most)} or {last}" if most else f"CUDA {last}"
    return f"torch {builds.release} ({f'each build for {named}' if most else named})"


DETECTORS: Detectors = {beside_torch: (G607, G608, G609)}
