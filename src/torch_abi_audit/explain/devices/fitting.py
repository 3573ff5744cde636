"""Advice that suits the failing package: builds of torch that it loads on, and how to build it."""

from __future__ import annotations

from torch_abi_audit.explain.devices.answer import for_build
from torch_abi_audit.explain.devices.torch_builds import for_driver, to_install
from torch_abi_audit.explain.kinds.kind import Device
from torch_abi_audit.judges.arch_list import adding, compiled_with
from torch_abi_audit.model.device_code import is_amd, target_key
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.devices.seen import Seen
    from torch_abi_audit.explain.explanation import Explanation
    from torch_abi_audit.knowledge.torch_gpus import TorchGpus
    from torch_abi_audit.model.device_code import PackageCode
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.model.reports import PackageReport

INSTALLS = (
    "install torch ",
    "or the same torch, ",
    "for torch itself: ",
    "or keep the driver, and install torch",
)
"""How advice begins that names a build of torch."""


def with_fitting_torch(
    answer: Explanation,
    report: PackageReport,
    seen: Seen,
    releases: tuple[str, ...],
    release: str | None,
) -> Explanation:
    """The answer, with builds of torch on which the package loads in place of any others.

    Args:
        answer: The answer to the error.
        report: The failing package.
        seen: What the text and the question say of the GPU and the driver.
        releases: The releases of torch on which the package loads.
        release: The installed one, if any.
    """
    named = [one for one in answer.advice if one.startswith(INSTALLS)]
    if not named:
        return answer
    majors = report.cuda.majors if report.cuda is not None else ()

    def fits(one: TorchGpus) -> bool:
        major = one.cuda.partition(".")[0] if one.cuda is not None else None
        return one.release in releases and (
            major is None or not majors or major in map(str, majors)
        )

    found: tuple[str, ...] = ()
    if seen.kind is Device.DRIVER and seen.driver_cuda is not None:
        found = tuple(filter(None, (for_driver(seen.driver_cuda, seen.platform, fits),)))
    elif seen.gpu is not None:
        given = seen.torch.partition("+")[0] if seen.torch else release
        found = to_install(seen.gpu, seen.platform, given, fits)
    if not found:
        what = "that driver" if seen.gpu is None else seen.gpu.title
        no_torch = f"no torch that it loads on is for {what}"
        found = (f"or install another release of {report.name}: {no_torch}",)
    elif named[0].startswith("for torch itself: "):
        found = tuple(f"for torch itself: {one}" for one in found[:1])
    at = answer.advice.index(named[0])
    left = [one for one in answer.advice if one not in named]
    return replace(answer, advice=(*left[:at], *found, *left[at:]))


def rebuilding(report: PackageReport, code: PackageCode, gpu: Gpu) -> str:
    """What a build of the package needs to have code for a GPU as well as for all it has today."""
    if is_amd(gpu.target):
        held = {one.partition(":")[0] for one in (*code.targets, *code.others) if one[:3] == "gfx"}
        every = sorted({*held, gpu.target.partition(":")[0]}, key=target_key)
        return f'PYTORCH_ROCM_ARCH="{";".join(every)}"'
    codes = [one.device_code for one in report.libraries if one.device_code is not None]
    found = adding((*code.targets, *code.others), [gpu], toolkit=compiled_with(code, codes))
    if found is None or found.arch_list is None:
        return f"{for_build(gpu.target)}; no CUDA compiles for this and all that it has today"
    needs = f"with CUDA {found.since} or later" if found.since else ""
    needs += f"{' and ' if needs else 'with a CUDA '}before {found.before}" if found.before else ""
    adds = f", which adds {', '.join(found.added)}"
    return f'TORCH_CUDA_ARCH_LIST="{found.arch_list}"{adds}' + (f" ({needs})" if needs else "")
