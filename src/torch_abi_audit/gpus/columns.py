"""Which GPUs a table shows."""

from __future__ import annotations

from torch_abi_audit.knowledge.arch_names import BOARDS, major
from torch_abi_audit.knowledge.gpus import amd_generations, generations, plain_target
from torch_abi_audit.model.device_code import is_amd, target_key
from torch_abi_audit.model.gpus import Runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from torch_abi_audit.gpus.answer import Answer
    from torch_abi_audit.model.gpus import Gpu


def columns(answers: Sequence[Answer], *, older: bool = True) -> tuple[int, ...]:
    """The positions in ``Answer.gpus`` of the GPUs that a table of these answers shows.

    All that were asked for. Otherwise the usual generations of each maker whose code there is, and
    others if something was compiled for them. GPUs on boards count beside Arm processors alone.

    Args:
        answers: One answer or more, all about the same GPUs.
        older: Whether to show other than the usual generations.
    """
    gpus = answers[0].gpus
    if answers[0].asked:
        return tuple(range(len(gpus)))
    held = {target for one in answers for each in one.libraries for target in each.code.targets}
    makers = {is_amd(target) for target in held} or {False}
    usual = {*generations(), *amd_generations()}
    apart = frozenset() if any(one.is_arm for one in answers) else BOARDS
    return tuple(
        at
        for at, gpu in enumerate(gpus)
        if is_amd(gpu.target) in makers
        and gpu.target not in apart
        and (gpu in usual or (older and _was_meant(at, gpu, answers, held)))
    )


def _was_meant(at: int, gpu: Gpu, answers: Iterable[Answer], held: Collection[str]) -> bool:
    """Whether something was compiled for a GPU; for one of NVIDIA's first, also by its major."""
    if gpu.target in {plain_target(one) for one in held}:
        return True
    first = generations()[0].target
    is_old = not is_amd(gpu.target) and target_key(gpu.target) < target_key(first)
    if gpu.target in BOARDS or not is_old:
        return False
    return _is_run(at, answers) and major(gpu.target) in map(major, held)


def _is_run(at: int, answers: Iterable[Answer]) -> bool:
    found = {each.runs[at].answer for one in answers for each in one.libraries}
    return bool(found - {Runs.NO, Runs.UNKNOWN})


def concerned(one: Answer) -> tuple[int, ...]:
    """The positions in ``Answer.gpus`` of those that were asked for, or of the makers of its code.

    All of NVIDIA's if no architecture is known; GPUs on boards beside Arm processors alone.
    """
    held = {target for each in one.libraries for target in each.code.targets}
    makers = {is_amd(target) for target in held} or {False}
    apart = frozenset() if one.is_arm else BOARDS
    return tuple(
        at
        for at, gpu in enumerate(one.gpus)
        if one.asked or (is_amd(gpu.target) in makers and gpu.target not in apart)
    )
