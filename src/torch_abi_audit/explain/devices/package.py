"""Extends the answer to an error about GPUs by the code in the failing package. Pure."""

from __future__ import annotations

from torch_abi_audit.explain.devices.drivers import ANY_DRIVER, WHICH_DRIVER, needed_for_ptx
from torch_abi_audit.explain.devices.fitting import INSTALLS, rebuilding, with_fitting_torch
from torch_abi_audit.explain.explanation import Cause, CodeFor
from torch_abi_audit.explain.kinds.kind import Device
from torch_abi_audit.judges.gpus import package_run, runs
from torch_abi_audit.model.device_code import target_key
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.devices.seen import Seen
    from torch_abi_audit.explain.explanation import Explanation, Installed
    from torch_abi_audit.model.device_code import PackageCode
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.model.reports import PackageReport

_RUNS = (Runs.YES, Runs.JIT)
_MOST = 4
"""Libraries, or sets of kernels, that a sentence names; the rest is counted."""
_GENERAL = ("the library has code for other", "it is torch's own if")
"""How reasons begin that say in general what is known of the package."""
_WHICH_TORCH = "whether torch has code for it, too: name torch and its build with --torch"
_REPLACED = (
    "install a release or a build of",
    "or rebuild ",
    "to see which of its libraries lack it",
    "compare ",
)
"""How advice begins that is given anew for the package."""


def beside_gpu(
    answer: Explanation,
    report: PackageReport,
    seen: Seen,
    releases: tuple[str, ...] | None,
    installed: Installed | None = None,
) -> Explanation:
    """The answer, with which libraries of the package have code for the GPU, and what follows.

    Args:
        answer: The answer to the error, with what is known of torch.
        report: The failing package.
        seen: What the text and the question say of the GPU and the driver.
        releases: The releases of torch on which the package loads; None if it does not use torch.
        installed: The installed torch, if any.
    """
    release = None if installed is None else installed.release
    if releases is not None:
        answer = with_fitting_torch(answer, report, seen, releases, release)
    code = report.device_code
    if code is None or not code.present:
        what = "contains no code for GPUs" if code is not None else "was not read"
        none = f"whose code is missing: {report.name} {what}"
        return replace(answer, unknown=(*answer.unknown, none))
    answer = replace(answer, unknown=(*answer.unknown, *_unread(code)))
    if seen.kind is Device.DRIVER:
        return _with_drivers(answer, tuple(_drivers(report, code, seen)))
    if seen.gpu is None:
        every = sorted((*code.targets, *code.others), key=target_key)
        has = f"{report.name} has code for {' '.join(every)}"
        ptx = _any_ptx(report, code, seen) if seen.kind is Device.PTX else ()
        return replace(answer, why=(*ptx, *answer.why), pair=(*answer.pair, has))
    found = tuple(_libraries(report, code, seen.gpu))
    torch = {one.run.answer for one in answer.code}
    answer = replace(answer, code=(*answer.code, *found))
    whole = package_run(report, seen.gpu)
    state = Runs.UNKNOWN if whole is None else whole.answer
    if seen.kind is Device.PTX:
        return _with_ptx(answer, report, code, seen, found)
    if seen.kind in (Device.REFUSED, Device.COMPILER):
        return answer
    if state is Runs.UNKNOWN:
        return _not_judged(answer, report, seen.gpu)
    if state in _RUNS:
        compiled = tuple(_compiled(found, seen, seen.gpu)) if state is Runs.JIT else ()
        return _complete(answer, report, seen.gpu, torch, compiled[:_MOST])
    build = rebuilding(report, code, seen.gpu)
    if releases is not None and release is not None and release not in releases:
        build = f"for torch {release}, on which it does not load, and with {build}"
    else:
        build = f"with {build}"
    return _lacking(answer, report, build, found, torch)


def _not_judged(answer: Explanation, report: PackageReport, gpu: Gpu) -> Explanation:
    """The answer for a package of which nobody can tell whether it has code for the GPU."""
    return replace(
        answer,
        causes=(Cause.UNKNOWN,),
        why=tuple(one for one in answer.why if not one.startswith(_GENERAL)),
        unknown=(
            *answer.unknown,
            f"whether {report.name} has code for {gpu.title}: not all of its code could be judged",
        ),
    )


def _libraries(report: PackageReport, code: PackageCode, gpu: Gpu) -> Iterator[CodeFor]:
    for one in report.libraries:
        path = relative_path(one, report)
        if one.device_code is not None and path in code.libraries:
            yield CodeFor(path, one.device_code.targets, runs(one.device_code, gpu))
    if code.files is not None:
        yield CodeFor("files of device code", code.files.targets, runs(code.files, gpu))


def _lacking(
    answer: Explanation,
    report: PackageReport,
    build: str,
    found: tuple[CodeFor, ...],
    torch: set[Runs],
) -> Explanation:
    """The answer for a package some of whose code is missing."""
    without = [one for one in found if one.run.answer in (Runs.NO, Runs.PARTLY)]
    whose = f"the code that is missing is that of {report.name}"
    whose += ", not torch's" if torch and torch <= {*_RUNS} else ""
    rebuild = f"rebuild {report.name} from source {build}, or install a build that has it"
    replaced = _REPLACED if torch else (*_REPLACED, "install a build of torch", *INSTALLS)
    left = tuple(one for one in answer.advice if not one.startswith(replaced))
    if torch == {Runs.NO}:
        whose = f"code of {report.name} is missing, too"
        advice = (*left[:1], f"and {rebuild}", *left[1:])
    else:
        advice = (rebuild, *left)
    plain = tuple(
        one
        for one in answer.why
        if "so the code that is missing" not in one and not one.startswith(_GENERAL)
    )
    torch_has = tuple(
        one.partition(": so the code")[0] for one in answer.why if "so the code that is" in one
    )
    return replace(
        answer,
        why=(whose, *_missing(without), *torch_has, *plain),
        advice=advice,
        unknown=answer.unknown if torch else (*answer.unknown, _WHICH_TORCH),
    )


def _missing(without: list[CodeFor]) -> Iterator[str]:
    """Yield which kernels of a library are missing, where others of it are not."""
    partly = [one for one in without if one.run.answer is Runs.PARTLY]
    for one in partly[:_MOST]:
        sets = sorted(one.run.lacking, key=lambda each: -each.count)
        has = " | ".join(" ".join(each.targets) for each in sets[:_MOST])
        count = sum(each.count for each in sets)
        yield f"{one.owner}: the kernels in {count} of its fatbins have code for {has} only"


def _complete(
    answer: Explanation,
    report: PackageReport,
    gpu: Gpu,
    torch: set[Runs],
    ptx: tuple[str, ...],
) -> Explanation:
    """The answer for a package that has code for the GPU, some of it as PTX."""
    has = f"{report.name} has code for {gpu.title}"
    plain = tuple(
        one.partition(": so the code")[0]
        for one in answer.why
        if not one.startswith("the library has code for other")
    )
    left = tuple(one for one in answer.advice if not one.startswith(_REPLACED))
    if torch == {Runs.NO}:
        whose = f"{has}: the code that is missing is torch's"
        return replace(answer, why=(whose, *ptx, *plain))
    if torch:
        answer = replace(
            answer,
            is_a=(f"a kernel without code for this GPU, of neither torch nor {report.name}",),
            causes=(Cause.UNKNOWN,),
        )
        plain = tuple(one for one in plain if not one.startswith(_GENERAL))
    return replace(
        answer,
        why=(f"{has}, and so has torch" if torch else has, *ptx, *plain),
        advice=(
            "run it with CUDA_LAUNCH_BLOCKING=1: the traceback then shows whose kernel fails",
            "or look whether another copy or build of the package is the one that is imported",
            *left,
        ),
        unknown=(
            *answer.unknown,
            f"whose code is missing: {report.name} has some for this GPU",
        ),
    )


def _with_ptx(
    answer: Explanation,
    report: PackageReport,
    code: PackageCode,
    seen: Seen,
    found: tuple[CodeFor, ...],
) -> Explanation:
    """The answer for a package whose PTX the driver must compile."""
    gpu = seen.gpu
    if gpu is None:
        return answer
    said = tuple(_compiled(found, seen, gpu))
    if not said:
        if any(one.run.answer is Runs.UNKNOWN for one in found):
            return answer
        none = f"{report.name} has no PTX that {gpu.title} would use: it is another's"
        return replace(answer, why=(none, *answer.why))
    build = f"or rebuild {report.name} with machine code for it: {rebuilding(report, code, gpu)}"
    newest = max((one.run.ptx_isa for one in found if one.run.ptx_isa is not None), key=release_key)
    need = needed_for_ptx(newest, seen.system)
    newer = "install a newer driver" if need is None else f"install {need}"
    replaced = (*_REPLACED, "install a newer driver", "or install, or build, the package")
    left = tuple(one for one in answer.advice if not one.startswith(replaced))
    return replace(answer, why=(*said, *answer.why), advice=(newer, build, *left))


def _compiled(found: tuple[CodeFor, ...], seen: Seen, gpu: Gpu) -> Iterator[str]:
    """Yield which libraries have only PTX for the GPU, and the driver that it needs."""
    versions: dict[str, list[str]] = {}
    for one in found:
        if one.run.ptx_isa is not None:
            versions.setdefault(one.run.ptx_isa, []).append(one.owner)
    for isa, owners in versions.items():
        need = needed_for_ptx(isa, seen.system)
        more = f" and {len(owners) - _MOST} more" if len(owners) > _MOST else ""
        yield (
            f"kernels of {', '.join(owners[:_MOST])}{more} are only PTX {isa} for {gpu.title}"
            + (f", which needs {need}" if need else "")
        )


def _any_ptx(report: PackageReport, code: PackageCode, seen: Seen) -> tuple[str, ...]:
    if code.ptx_isa is None:
        return (f"{report.name} contains no PTX: the error is about another's",)
    need = needed_for_ptx(code.ptx_isa, seen.system)
    return (
        f"{report.name} contains PTX {code.ptx_isa}" + (f", which needs {need}" if need else ""),
    )


def _with_drivers(answer: Explanation, needed: tuple[str, ...]) -> Explanation:
    """The answer about a driver, with the one that the package needs, if that is known."""
    if not needed:
        return answer
    return replace(
        answer,
        why=(*needed, *(one for one in answer.why if not one.startswith(ANY_DRIVER))),
        unknown=tuple(one for one in answer.unknown if one != WHICH_DRIVER),
    )


def _drivers(report: PackageReport, code: PackageCode, seen: Seen) -> Iterator[str]:
    for one in code.drivers:
        if one.system != seen.system or one.runtime is None:
            continue
        ptx = f", and {one.ptx} or newer where its PTX is used" if one.ptx else ""
        yield f"{report.name} is for CUDA {one.cuda}: it needs driver {one.runtime} or newer{ptx}"


def _unread(code: PackageCode) -> tuple[str, ...]:
    if not code.unread:
        return ()
    names = ", ".join(code.unread[:_MOST])
    more = f" and {len(code.unread) - _MOST} more" if len(code.unread) > _MOST else ""
    return (f"all that {names}{more} has code for: some of it could not be read",)
