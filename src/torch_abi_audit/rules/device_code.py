"""The device code of a package as its rules judge it: which libraries count, and what of each does.

``PackageCode`` says which libraries are alternatives, such as one for each CUDA release. One of
them is used: the best counts. Libraries of NVIDIA and AMD are left out: they choose their kernels
by the GPU, and which GPUs they support, the release of CUDA or ROCm says.
"""

from __future__ import annotations

from torch_abi_audit.judges.gpus import best, is_specific, runs
from torch_abi_audit.knowledge.gpus import capability, gpu_of
from torch_abi_audit.knowledge.names.gpu_makers import is_of_maker
from torch_abi_audit.model.device_code import is_amd, target_key
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.report.wording import several
from torch_abi_audit.runtime.once import cached_property, once
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from torch_abi_audit.model.device_code import DeviceCode, KernelSet, PackageCode
    from torch_abi_audit.model.gpus import Gpu, Run
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.rules.context import Package

_WORST_FIRST = (Runs.NO, Runs.UNKNOWN, Runs.PARTLY, Runs.JIT, Runs.YES)
_PTX = "compute_"
_MOST = 8


@dataclass(frozen=True, slots=True)
class Coded:
    """A library with device code, or the files of a package that hold such code."""

    path: str | None
    """Below the package's root; None for the files."""
    code: DeviceCode

    @property
    def is_special(self) -> bool:
        """Whether it is for some GPUs by its purpose, so that on others another library is used.

        Either its path names an architecture, or all of its code is for single ones.
        """
        return _names_gpus(self.path or "") or all(map(is_specific, self.code.sets))

    def answer(self, gpu: Gpu) -> Answer:
        """How it runs on a GPU."""
        run = runs(self.code, gpu)
        if self.path is None and run.answer is Runs.PARTLY:  # one of the files is loaded
            compiled = any(one.startswith(_PTX) for one in run.used)
            return Answer(Runs.JIT if compiled else Runs.YES, gpu, self, run)
        return Answer(run.answer, gpu, self, run)


@dataclass(frozen=True, slots=True)
class Answer:
    """How one library runs on one GPU."""

    runs: Runs
    gpu: Gpu
    library: Coded
    run: Run

    @property
    def left_behind(self) -> tuple[KernelSet, ...]:
        """The kernel sets that were compiled for several GPUs, all of them older than this one.

        Other sets that have nothing for the GPU are chosen where they run: those for newer GPUs
        (that for ``sm_80 sm_100`` is not for 9.0), and those for one architecture. AMD's have no
        order, so all sets for several GPUs count.
        """
        mine = number(self.gpu.target)
        return tuple(
            one
            for one in self.run.lacking
            if not is_specific(one)
            and len(one.targets) > 1
            and max(map(number, one.targets)) <= mine
        )

    @property
    def for_newer(self) -> tuple[KernelSet, ...]:
        """The kernel sets that were compiled for several GPUs, all of them newer than this one."""
        mine = number(self.gpu.target)
        return tuple(
            one
            for one in self.run.lacking
            if not is_specific(one)
            and len(one.targets) > 1
            and 0 < mine < min(map(number, one.targets))
        )

    @property
    def running(self) -> int:
        """The number of fatbins that have something for the GPU."""
        return fatbins(self.library.code.sets) - fatbins(self.run.lacking)

    @property
    def compiled(self) -> tuple[KernelSet, ...]:
        """The kernel sets of which the GPU can only use PTX."""
        return tuple(
            one
            for one in self.library.code.sets
            if (best(one.targets, self.gpu) or "").startswith(_PTX)
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A library that is always used, or the alternatives of which one is."""

    alternatives: tuple[tuple[Coded, ...], ...]
    """The libraries of each alternative, those with the newest code first."""

    @property
    def is_special(self) -> bool:
        """Whether all of its libraries are for some GPUs by their purpose."""
        return all(one.is_special for each in self.alternatives for one in each)

    def answers(self, gpu: Gpu) -> tuple[Answer, ...]:
        """How the libraries of the best alternative run; if equal, of that with the newest code.

        Alternatives that have code for GPUs of the other vendor alone are for those.
        """
        fitting = [
            each
            for each in self.alternatives
            if any(has_code_for(gpu, one.code) or one.code.problem is not None for one in each)
        ]
        of_each = [[one.answer(gpu) for one in each] for each in fitting or self.alternatives]
        return tuple(max(of_each, key=lambda each: min(map(_rank, each))))


class Parts:
    """The device code of a package by parts, which are used together."""

    def __init__(self, package: Package, *, without: Iterable[str] = ()) -> None:
        """Collect it.

        Args:
            package: The package.
            without: Paths of libraries to leave out.
        """
        self._package, self._without = package, frozenset(without)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts, sorted by path."""
        whole = _of_package(self._package.package)
        coded = {
            path: Coded(path, one.device_code)
            for path, one in self._package.libraries
            if one.device_code is not None
            and path in whole.libraries
            and path not in self._without
            and not is_of_maker(one.name)
            and (one.device_code.sets or one.device_code.problem is not None)
        }
        found = []
        for choice in whole.choices:
            of_each = [tuple(coded.pop(path) for path in one if path in coded) for one in choice]
            if any(of_each):
                held = sorted(filter(None, of_each), key=_newest, reverse=True)
                found.append(Part(tuple(held)))
        found += [Part(((one,),)) for one in coded.values()]
        found.sort(key=lambda each: each.alternatives[0][0].path or "")
        if whole.files is not None:
            found.append(Part(((Coded(None, whole.files),),)))
        return tuple(found)

    @property
    def targets(self) -> tuple[str, ...]:
        """Every architecture for which there is code, sorted."""
        return sorted_targets(
            target
            for part in self.parts
            for each in part.alternatives
            for one in each
            for target in one.code.targets
        )

    def concerned(self, gpu: Gpu) -> tuple[Part, ...]:
        """The parts that are used on a GPU: not those for the other vendor.

        Nor those for some GPUs by their purpose that do not run there, unless all are such.
        """
        found = [
            part
            for part in self.parts
            if any(
                has_code_for(gpu, one.code) or one.code.problem is not None
                for each in part.alternatives
                for one in each
            )
        ]
        running = [
            part
            for part in found
            if not part.is_special or any(one.runs is not Runs.NO for one in part.answers(gpu))
        ]
        return tuple(running or found)


def worst(answers: Iterable[Answer]) -> Runs:
    """The worst of some answers, at least one."""
    return _WORST_FIRST[min(map(_rank, answers))]


def has_code_for(gpu: Gpu, code: DeviceCode) -> bool:
    """Whether there is code for any GPU of the same vendor."""
    return any(is_amd(one) is is_amd(gpu.target) for one in code.targets)


def number(target: str) -> int:
    """90 for ``sm_90a`` and ``compute_90``; 0 for AMD's architectures, which have no order."""
    digits = target.removeprefix("sm_").removeprefix(_PTX).rstrip("af")
    return int(digits) if digits.isdecimal() else 0


def fatbins(sets: Iterable[KernelSet]) -> int:
    """The number of fatbins in kernel sets."""
    return sum(one.count for one in sets)


def sorted_targets(targets: Iterable[str]) -> tuple[str, ...]:
    """Architectures in their order, each once."""
    return tuple(sorted(set(targets), key=target_key))


def target_list(targets: Iterable[str]) -> str:
    """Architectures as text, the first few: ``sm_80, sm_90 and compute_90``."""
    return several(sorted_targets(targets), most=_MOST)


def gpu_list(gpus: Iterable[Gpu]) -> str:
    """``A100 (8.0), L4/RTX 40 (8.9) and H100/H200 (9.0)``; each architecture once."""
    by_target: dict[str, Gpu] = {}
    for one in gpus:
        by_target.setdefault(one.target, one)
    ordered = sorted(by_target.values(), key=lambda one: target_key(one.target))
    return several([_named(one) for one in ordered], most=None)


def named(targets: Iterable[str]) -> str:
    """The same for architectures, as the evidence of findings has them."""
    return gpu_list(map(gpu_of, targets))


def _named(gpu: Gpu) -> str:
    """``RTX 4090 (8.9)``; the architecture alone where no name is known."""
    said = capability(gpu.target) or gpu.target
    name = gpu_of(gpu.target).name if gpu.name == gpu.target else gpu.name
    return said if name == gpu.target else f"{name} ({said})"


def _of_package(report: PackageReport) -> PackageCode:
    if report.device_code is not None:
        return report.device_code
    from torch_abi_audit.facts.device_code import package_code  # an audit has done it before

    return package_code(report)


def _rank(answer: Answer) -> int:
    return _WORST_FIRST.index(answer.runs)


def _newest(libraries: Iterable[Coded]) -> int:
    return max((number(target) for one in libraries for target in one.code.targets), default=0)


def _names_gpus(path: str) -> bool:
    """Whether a path says for which GPUs a library is."""
    lowered = path.lower()
    return any(hint in lowered for hint in _HINTS) and _pattern().search(lowered) is not None


_HINTS = ("sm", "compute", "gfx", "volta", "turing", "ampere", "hopper", "blackwell")
"""Such a path has one of these: the expression takes longer to compile than most packages to judge.
"""


@once
def _pattern() -> re.Pattern[str]:
    """Words of a path that say for which GPUs a library is: ``sm90/common_ops.abi3.so``."""
    import re

    return re.compile(
        r"(?<![a-z])(?:sm[-_]?\d{2,3}[af]?|compute[-_]?\d{2,3}|gfx\d+|volta|turing|ampere|hopper|"
        r"blackwell)(?![a-z])"
    )
