"""The GPUs that a package, or a library, began or ceased to run on. Pure."""

from __future__ import annotations

from torch_abi_audit.diff.difference import Changed, GpuChange
from torch_abi_audit.judges.gpu_boards import may_be_arm
from torch_abi_audit.judges.gpus import best, package_run, runs
from torch_abi_audit.knowledge.arch_names import BOARDS
from torch_abi_audit.knowledge.gpus import generations_for
from torch_abi_audit.model.device_code import target_key
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    from torch_abi_audit.diff.difference import LibraryChange
    from torch_abi_audit.model.device_code import DeviceCode, Driver
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport

    _Answer: TypeAlias = tuple[Runs, int]
    """How code runs on a GPU, and how many fatbins have some for it."""

_MOST = 3
"""Libraries that a clause names; the rest is counted."""


def comparable(old: PackageReport, new: PackageReport) -> tuple[PackageReport, PackageReport]:
    """The reports, without the code for GPUs if one was saved before such code was read."""
    if old.device_code is not None and new.device_code is not None:
        return old, new
    return _without_code(old), _without_code(new)


def not_compared(old: PackageReport, new: PackageReport) -> Iterator[str]:
    """Yield why the code for GPUs that one side has is not compared with that of the other."""
    for one, other, side in ((old, new, "old"), (new, old, "new")):
        read = other.device_code is not None and other.device_code.present
        if one.device_code is None and one.error is None and read:
            yield (
                f"GPUs were not compared: the {side} report does not say what code for GPUs there "
                "was; a version that did not read such code saved it"
            )


def of_package(old: PackageReport, new: PackageReport) -> tuple[GpuChange, ...]:
    """The GPUs on which a package runs otherwise than before; empty if neither has code for any."""
    if not any(one.device_code is not None and one.device_code.present for one in (old, new)):
        return ()
    codes = [one.device_code for one in (old, new) if one.device_code is not None]
    targets = [target for one in codes for target in (*one.targets, *one.others)]
    return tuple(
        _changed(
            targets,
            lambda gpu: _answer(old, gpu),
            lambda gpu: _answer(new, gpu),
            boards=on_boards(old, new),
        )
    )


def package_facts(report: PackageReport) -> dict[str, str | None]:
    """What is compared of a package's code for GPUs, by name; None for what it does not have."""
    code = report.device_code
    if code is None:
        return {"code for GPUs": None, "oldest driver": None}
    return {
        "code for GPUs": " ".join(sorted((*code.targets, *code.others), key=target_key)) or None,
        "oldest driver": "; ".join(_drivers(code.drivers)) or None,
    }


def facts(code: DeviceCode | None) -> dict[str, str | None]:
    """What is compared of a library's code for GPUs, by name; empty without any."""
    if code is None:
        return {}
    return {
        "code for GPUs": " ".join((*code.targets, *code.others)) or None,
        "unread code for GPUs": code.problem,
    }


def on_boards(old: PackageReport, new: PackageReport) -> bool:
    """Whether GPUs on boards with an Arm processor are of interest to one of two packages."""
    return may_be_arm(old) or may_be_arm(new)


def of_library(
    old: ExtensionReport, new: ExtensionReport, *, boards: bool
) -> tuple[GpuChange, ...]:
    """The GPUs on which a library runs otherwise; empty if one side has no code for GPUs.

    Those on boards with an Arm processor are passed over unless ``boards``.
    """
    before, after = old.device_code, new.device_code
    if before is None or after is None or before == after:
        return ()
    if not (before.sets and after.sets):
        return ()
    return tuple(
        _changed(
            (*before.targets, *after.targets),
            lambda gpu: (runs(before, gpu).answer, _running(before, gpu)),
            lambda gpu: (runs(after, gpu).answer, _running(after, gpu)),
            boards=boards,
        )
    )


def sets(old: DeviceCode | None, new: DeviceCode | None) -> Changed | None:
    """The kernel sets that only one side has; None if that says no more than all targets do.

    How many fatbins a set has is left out: that changes with the number of source files.
    """
    before = {" ".join(one.targets) for one in old.sets} if old is not None else set()
    after = {" ".join(one.targets) for one in new.sets} if new is not None else set()
    if before == after or len(before) + len(after) <= 2:
        return None
    first, second = (" | ".join(sorted(one)) for one in (before - after, after - before))
    return Changed("sets of kernels", first or None, second or None)


def phrases(changes: Iterable[GpuChange]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the changes that are alike: ``+``, ``-`` or ``~``, what changed, and on which GPUs."""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in changes:
        alike.setdefault(_words(one), []).append(one.gpu.title)
    for (sign, what), gpus in alike.items():
        yield sign, what, tuple(gpus)


def _words(one: GpuChange) -> tuple[str, str]:
    if one.new is Runs.UNKNOWN:
        if one.is_unread:
            return "-", "is no longer known to run on"
        return "~", "may run now, which is not known, on"
    if one.old is Runs.UNKNOWN:
        return "~", f"can be read now, and {'does not run' if one.new is Runs.NO else 'runs'} on"
    if one.new is Runs.NO:
        return "-", "no longer runs on"
    if one.is_worse:
        return "-", "only by JIT now on" if one.new is Runs.JIT else "fewer kernels run now on"
    if one.new is Runs.PARTLY and one.old is not Runs.NO:
        return "~", "has new kernels that do not run on"
    if one.old is Runs.JIT:
        return "+", "no longer needs JIT on"
    words = {
        Runs.PARTLY: "some kernels run now on",
        Runs.JIT: "now runs by JIT on",
        Runs.YES: "now runs on",
    }
    return "+", words[one.new]


def worse(
    changes: Iterable[GpuChange], libraries: Iterable[LibraryChange], new: PackageReport
) -> Iterator[str]:
    """Yield what got worse: first of the package, then of libraries where that does not show it.

    Libraries that do not count for the package, such as NVIDIA's, do not count here either.
    """
    told = tuple(changes)
    counted = new.device_code.libraries if new.device_code is not None else ()
    yield from _clauses(told)
    seen = {one.gpu for one in told if one.is_worse}
    alike: dict[tuple[GpuChange, ...], list[str]] = {}
    for library in libraries:
        left = tuple(one for one in library.gpus if one.is_worse and one.gpu not in seen)
        if left and library.new is not None and library.new in counted:
            alike.setdefault(left, []).append(library.new)
    for left, names in alike.items():
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        yield from (f"{', '.join(names[:_MOST])}{more}: {clause}" for clause in _clauses(left))


def _clauses(changes: Iterable[GpuChange]) -> Iterator[str]:
    for sign, what, gpus in phrases(changes):
        if sign == "-":
            yield f"{what} {', '.join(gpus)}"


def _changed(
    targets: Iterable[str],
    before: Callable[[Gpu], _Answer],
    after: Callable[[Gpu], _Answer],
    *,
    boards: bool,
) -> Iterator[GpuChange]:
    """Yield the generations, of those that code for ``targets`` concerns, that run otherwise.

    GPUs on boards with an Arm processor are passed over unless ``boards``.
    """
    for gpu in generations_for(targets):
        if gpu.target in BOARDS and not boards:
            continue
        (first, earlier), (second, later) = before(gpu), after(gpu)
        if first is not second:
            yield GpuChange(gpu, first, second, fewer=later < earlier)


def _answer(report: PackageReport, gpu: Gpu) -> _Answer:
    found = package_run(report, gpu)
    counted = report.device_code.libraries if report.device_code is not None else ()
    running = sum(
        _running(one.device_code, gpu)
        for one in report.libraries
        if one.device_code is not None and relative_path(one, report) in counted
    )
    return Runs.NO if found is None else found.answer, running


def _running(code: DeviceCode, gpu: Gpu) -> int:
    """The number of fatbins with code for a GPU."""
    return sum(one.count for one in code.sets if best(one.targets, gpu) is not None)


def _drivers(every: tuple[Driver, ...]) -> Iterator[str]:
    """Yield the oldest drivers, each with its system and its CUDA where these differ."""
    systems, releases = {one.system for one in every}, {one.cuda for one in every}
    for one in every:
        needs = (one.runtime, f"{one.ptx} for PTX" if one.ptx else None)
        text = ", ".join(need for need in needs if need)
        of = [one.system] if len(systems) > 1 else []
        of += [f"CUDA {one.cuda}"] if len(releases) > 1 else []
        if text:
            yield f"{' '.join(of)}: {text}" if of else text


def _without_code(report: PackageReport) -> PackageReport:
    return replace(
        report,
        device_code=None,
        extensions=tuple(replace(one, device_code=None) for one in report.extensions),
        bundled_libs=tuple(replace(one, device_code=None) for one in report.bundled_libs),
    )
