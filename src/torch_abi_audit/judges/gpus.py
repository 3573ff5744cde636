"""Whether device code runs on a GPU: by the rules of NVIDIA and AMD for what their drivers load.

NVIDIA, of machine code (cubins), from "Binary Compatibility" and "Compute Capabilities" in the CUDA
programming guide, and "GPU Feature List" in the guide of nvcc:

- ``sm_XY`` runs on compute capability X.Z with Z >= Y, and on no other X.
- That is promised for discrete GPUs alone. The integrated ones of Jetson and DRIVE boards (5.3,
  6.2, 7.2, 8.7, 10.1) run code of exactly theirs, which runs on no other GPU. ``torch.cuda`` judges
  by the same table (``DEVICE_REQUIREMENT``).
- ``sm_XYa`` runs on exactly X.Y; ``sm_XYf`` on the GPUs of its family from X.Y on. The families
  coincide with the major releases, as far as there are any.
- Compute capability 10.1 (Thor) has been called 11.0 since CUDA 13.0 and PTX 9.0.

Of PTX, which the driver compiles when a kernel is first needed, from "Application Compatibility"
there and ``.target`` in the PTX ISA: ``compute_XY`` becomes code for every GPU of at least X.Y,
``compute_XYa`` for X.Y, and ``compute_XYf`` for its family. The driver has to know the version of
the PTX language, which is another question (``Run.ptx_isa``).

AMD, from "Target ID" and "Generic processors" in the user guide of LLVM's AMDGPU backend
(https://llvm.org/docs/AMDGPUUsage.html): code runs on the processor that it names, or on those that
a generic processor stands for. A feature (``sramecc``, ``xnack``) that the code's target id leaves
out may be on or off; one that it states must be as the GPU has it.

Each fatbin needs code of its own: a kernel cannot be taken from another one. Kernels for ``sm_90a``
or ``sm_100f`` alone are usual in libraries that run on other GPUs as well, and which choose among
their kernels at run time: nothing else could be done with these. They do not spoil the answer for
other GPUs, as long as more fatbins run than are left out: a helper that runs everywhere does not
make kernels for one GPU run everywhere.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.cuda_toolkits import current_name
from torch_abi_audit.model.device_code import KernelSet, is_amd, is_nvidia, target_key
from torch_abi_audit.model.gpus import Gpu, Run, Runs
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from torch_abi_audit.model.device_code import DeviceCode
    from torch_abi_audit.model.reports import PackageReport

_INTEGRATED = frozenset({53, 62, 72, 87, 110})
_CUBIN, _PTX = "sm_", "compute_"

_BEST_FIRST = (Runs.YES, Runs.JIT, Runs.UNKNOWN, Runs.PARTLY, Runs.NO)
_FUTURE = Gpu("a GPU to come", "sm_9990")


@dataclass(frozen=True, slots=True)
class _Architecture:
    """One of NVIDIA's, as a target spells it."""

    number: int
    """Ten times the compute capability."""
    suffix: str
    """``a``, ``f`` or empty."""


def runs(code: DeviceCode, gpu: Gpu) -> Run:
    """How the device code of one library runs on a GPU.

    ``UNKNOWN`` if some of the code could not be read, or if there is none that this could be asked
    of; what is known is in the other fields all the same.
    """
    used: set[str] = set()
    lacking = []
    running = 0
    for one in code.sets:
        target = best(one.targets, gpu)
        if target is None:
            lacking.append(one)
        else:
            used.add(target)
            running += one.count
    if code.problem is not None or not code.sets:
        answer = Runs.UNKNOWN
    elif not used:
        answer = Runs.NO
    elif _matters(lacking, running):
        answer = Runs.PARTLY
    else:
        answer = Runs.JIT if any(one.startswith(_PTX) for one in used) else Runs.YES
    versions = [version for target, version in code.ptx_isa if target in used]
    return Run(
        answer,
        tuple(sorted(used, key=target_key)),
        tuple(lacking),
        max(versions, key=_version, default=None),
    )


def together(given: Iterable[Run]) -> Run:
    """How libraries that are used together run, from how each does; ``UNKNOWN`` of none."""
    every = tuple(given)
    answers = {one.answer for one in every}
    if not answers or Runs.UNKNOWN in answers:
        answer = Runs.UNKNOWN
    elif len(answers) == 1:
        answer = every[0].answer
    elif answers == {Runs.YES, Runs.JIT}:
        answer = Runs.JIT
    else:
        answer = Runs.PARTLY
    versions = [one.ptx_isa for one in every if one.ptx_isa is not None]
    return Run(
        answer,
        tuple(sorted({target for one in every for target in one.used}, key=target_key)),
        _joined(every),
        max(versions, key=_version, default=None),
    )


def package_run(report: PackageReport, gpu: Gpu) -> Run | None:
    """How the device code of a package runs on a GPU; None without any, or if it was not read.

    Libraries whose kernels are for other GPUs alone do not spoil the answer, if others run: they
    are chosen at run time. So are files beside the libraries (``.cubin``), each of which is for one
    architecture: one that fits is enough, and beside libraries none need fit. What they lack is in
    ``Run.lacking``. Of alternatives (one library for each CUDA or torch release) the best counts.
    Libraries with code for another maker's GPUs alone do not, unless there are no others.
    """
    whole = report.device_code
    if whole is None or not whole.present:
        return None
    codes = {
        path: one.device_code
        for one in report.libraries
        if one.device_code is not None
        if (path := relative_path(one, report)) in whole.libraries
    }
    maker = is_nvidia(gpu.target)
    concerned = {
        path: code
        for path, code in codes.items()
        if code.problem is not None or any(is_nvidia(each) is maker for each in code.targets)
    }
    found = {path: runs(code, gpu) for path, code in (concerned or codes).items()}
    parts = []
    for choice in whole.choices:
        each = [[found[path] for path in one if path in found] for one in choice]
        parts += [_whichever(map(together, filter(None, each)))] if any(each) else []
    optional = {path for choice in whole.choices for one in choice for path in one}
    parts += [run for path, run in found.items() if path not in optional]
    special = [one for one in parts if one.answer is Runs.NO and all(map(is_specific, one.lacking))]
    if whole.files is not None:
        parts.append(files_run(whole.files, gpu))
        special += [one for one in parts[-1:] if one.answer is Runs.NO]
    others = [one for one in parts if one not in special]
    if not others:
        return together(parts)
    return replace(together(others), lacking=_joined(parts))


def served(report: PackageReport) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which architectures of a package's code it serves as a whole, and which in part.

    Machine code counts by the GPUs that it is for: all that they need of the package must run
    there, be it by other code. PTX counts by GPUs that are newer than all machine code.
    """
    code = report.device_code
    if code is None:
        return (), ()
    every = (*code.targets, *code.others)
    gpus = {target: _gpu_of(target) for target in every}
    runs_there = {gpu: package_run(report, gpu) for gpu in dict.fromkeys(gpus.values())}
    whole: list[str] = []
    part: list[str] = []
    for target in sorted(every, key=target_key):
        run = runs_there[gpus[target]]
        good = run is not None and run.answer in (Runs.YES, Runs.JIT)
        (whole if good else part).append(target)
    return tuple(whole), tuple(part)


def best(targets: Iterable[str], gpu: Gpu) -> str | None:
    """The code that the driver takes of one fatbin or bundle; None if it has nothing for the GPU.

    A cubin before PTX, of either the newest, and code for fewer GPUs first.
    """
    fitting = [one for one in targets if fits(one, gpu.target)]
    return max(fitting, key=_preference, default=None)


def fits(target: str, gpu: str) -> bool:
    """Whether a GPU of architecture ``gpu`` runs code for ``target``, or can compile its PTX.

    False for texts that are no architecture.
    """
    known = _known_to_fit.get((target, gpu))
    if known is None:
        known = _known_to_fit[target, gpu] = _decide(target, gpu)
    return known


_known_to_fit: dict[tuple[str, str], bool] = {}
"""A cache: each pair is asked for in each set of a library."""


def is_specific(one: KernelSet) -> bool:
    """Whether a set has code for single GPUs or families alone, such as ``sm_90a``.

    Its kernels cannot be meant for every GPU, so a library that runs elsewhere chooses at run time.
    """
    return bool(one.targets) and all(
        is_nvidia(target) and target[-1:].isalpha() for target in one.targets
    )


def _decide(target: str, gpu: str) -> bool:
    if is_nvidia(target):
        code, device = _architecture(target), _architecture(gpu)
        if code is None or device is None or gpu.startswith(_PTX):
            return False
        return _fits(code, device.number, ptx=target.startswith(_PTX))
    return _fits_amd(target, gpu)


def _gpu_of(target: str) -> Gpu:
    if target.startswith(_PTX) and target[-1:].isdigit():
        return _FUTURE
    found = _architecture(target) if is_nvidia(target) else None
    return Gpu(target, target if found is None else f"{_CUBIN}{found.number}")


def _joined(parts: Iterable[Run]) -> tuple[KernelSet, ...]:
    """What they lack together: one set for the same architectures."""
    found: dict[tuple[str, ...], KernelSet] = {}
    for one in parts:
        for each in one.lacking:
            known = found.get(each.targets)
            found[each.targets] = (
                each
                if known is None
                else KernelSet(each.targets, known.count + each.count, known.size + each.size)
            )
    return tuple(sorted(found.values(), key=lambda one: -one.count))


def _whichever(alternatives: Iterable[Run]) -> Run:
    """The best of several; what could not be read may be better than what is not good."""
    return min(alternatives, key=lambda one: _BEST_FIRST.index(one.answer))


def files_run(code: DeviceCode, gpu: Gpu) -> Run:
    """How files beside the libraries run, such as ``.cubin``: one that fits is enough."""
    run = runs(code, gpu)
    if run.answer is not Runs.PARTLY:
        return run
    compiled = any(one.startswith(_PTX) for one in run.used)
    return replace(run, answer=Runs.JIT if compiled else Runs.YES)


def _matters(lacking: Collection[KernelSet], running: int) -> bool:
    """Whether a library lacks what it needs, beside a number of fatbins that run."""
    left_out = sum(one.count for one in lacking)
    return left_out > 0 and (left_out >= running or not all(map(is_specific, lacking)))


def _fits(code: _Architecture, gpu: int, *, ptx: bool) -> bool:
    if code.suffix == "a" or code.number == gpu:
        return code.number == gpu
    if code.suffix == "f" or not ptx:
        same = code.number // 10 == gpu // 10 and code.number <= gpu
        return same and not _INTEGRATED & {code.number, gpu}
    return code.number <= gpu


def _architecture(target: str) -> _Architecture | None:
    text = target.removeprefix(_CUBIN).removeprefix(_PTX)
    digits = text[:-1] if text[-1:] in {"a", "f"} else text
    if not (digits.isascii() and digits.isdecimal()):
        return None
    today = current_name(f"{_CUBIN}{digits}")
    return _Architecture(int(today.removeprefix(_CUBIN)), text[len(digits) :])


def _fits_amd(target: str, gpu: str) -> bool:
    processor, *stated = target.split(":")
    device, *present = gpu.split(":")
    if not is_amd(processor):
        return False
    if processor != device:
        from torch_abi_audit.knowledge.gpus import members_of  # code for AMD's GPUs is rare

        if device not in members_of(processor):
            return False
    # xnack+ and xnack-: the same feature, stated otherwise
    opposite = {one[:-1] + ("-" if one.endswith("+") else "+") for one in stated}
    return opposite.isdisjoint(present)


def _preference(target: str) -> tuple[bool, int, int, int]:
    """Sorts code that fits one GPU, best last; of AMD's, that with more features stated."""
    found = _architecture(target) if is_nvidia(target) else None
    if found is None:
        return True, 0, "generic" not in target, target.count(":")
    return not target.startswith(_PTX), found.number, ("", "f", "a").index(found.suffix), 0


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())
