"""From the report on a package to the answer of ``gpus``."""

from __future__ import annotations

from torch_abi_audit.gpus.answer import Answer, Library
from torch_abi_audit.gpus.columns import columns
from torch_abi_audit.gpus.torch import beside
from torch_abi_audit.judges.arch_list import adding, compiled_with
from torch_abi_audit.judges.gpu_boards import may_be_arm
from torch_abi_audit.judges.gpus import files_run, is_specific, package_run, runs
from torch_abi_audit.knowledge.gpus import every_generation
from torch_abi_audit.model.device_code import NO_PACKAGE_CODE
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.judges.arch_list import Adding
    from torch_abi_audit.model.device_code import PackageCode
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport


def answer(report: PackageReport, asked: Sequence[Gpu] = (), *, has_names: bool = False) -> Answer:
    """The answer for one package.

    Args:
        report: The audited package.
        asked: The GPUs in question; by default, every generation that is known.
        has_names: Whether the verdicts have the names of symbols: see ``beside``.
    """
    gpus = tuple(asked or every_generation())
    given = Answer(
        report.distribution or report.name,
        report.root_text,
        gpus,
        version=report.version,
        asked=bool(asked),
        error=report.error,
    )
    if report.error is not None:
        return given
    code = report.device_code or NO_PACKAGE_CODE
    libraries = tuple(_libraries(report, code, gpus))
    found = replace(
        given,
        libraries=libraries,
        runs=tuple(filter(None, (package_run(report, gpu) for gpu in gpus))) if libraries else (),
        others=sum(one.error is None and not _has_code(one) for one in report.libraries),
        unread=tuple(
            (relative_path(one, report), one.error)
            for one in report.libraries
            if one.error is not None
        ),
        is_arm=may_be_arm(report),
        code=code,
        notes=report.notes if not report.libraries else (),
    )
    if not libraries:
        return found
    found = replace(found, torch=beside(report, gpus, has_names=has_names))
    return replace(found, adding=_adding(found)) if _may_use_torch(report, found) else found


def _may_use_torch(report: PackageReport, found: Answer) -> bool:
    """Whether torch's build may have compiled a package: not if it has nothing to do with torch."""
    if found.torch is not None or report.uses_torch:
        return True
    from torch_abi_audit.knowledge.names.distribution import required

    requires = report.declared.requires if report.declared is not None else ()
    not_judged = all(one.torch is None for one in report.libraries)  # object files
    return not_judged or any(required(line) == "torch" for line in requires)


def _libraries(report: PackageReport, code: PackageCode, gpus: Sequence[Gpu]) -> Iterator[Library]:
    """The libraries that count, and the files that hold nothing but code for GPUs."""
    counted = set(code.libraries)
    held = {relative_path(one, report): one.device_code for one in report.libraries}
    for path in sorted(counted & held.keys()):
        one = held[path]
        if one is not None:
            yield Library(path, one, tuple(runs(one, gpu) for gpu in gpus))
    if code.files is not None:
        count = sum(one.count for one in code.files.sets)
        yield Library(
            f"{count} files of device code" if count > 1 else "1 file of device code",
            code.files,
            tuple(files_run(code.files, gpu) for gpu in gpus),
        )


def _has_code(one: ExtensionReport) -> bool:
    code = one.device_code
    return code is not None and bool(code.sets or code.others or code.problem)


def _adding(found: Answer) -> Adding | None:
    """What to compile for as well; None for a package that is made for single architectures."""
    if all(is_specific(each) for one in found.libraries for each in one.code.sets):
        return None
    return adding(
        (*found.code.targets, *found.code.others),
        [found.gpus[at] for at in columns([found]) if _is_missed(at, found)],
        toolkit=compiled_with(found.code, (one.code for one in found.libraries)),
    )


def _is_missed(at: int, found: Answer) -> bool:
    """Whether code for a GPU, for which there is none, seems to be wanted.

    That is so for those that were asked for and those of the torch that is required; or if no such
    torch is known, for those newer than the oldest with code.
    """
    if found.runs[at].answer is not Runs.NO:
        return False
    if found.asked:
        return True
    if found.torch is not None:
        return found.torch.runs[at] in (Runs.YES, Runs.JIT)
    return any(run.answer is not Runs.NO for run in found.runs[:at])
