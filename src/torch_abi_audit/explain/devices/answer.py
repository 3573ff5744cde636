"""Extends the answer to an error about GPUs by what is known of the GPU, torch and the driver.

Pure; reads the tables of GPUs, CUDA toolkits and torch's builds.
"""

from __future__ import annotations

from torch_abi_audit.explain.devices import drivers, torch_builds
from torch_abi_audit.explain.explanation import Fails
from torch_abi_audit.explain.kinds.kind import Device
from torch_abi_audit.knowledge.arch_names import capability
from torch_abi_audit.knowledge.cuda_toolkits import dropped_in, first_toolkit
from torch_abi_audit.model.device_code import is_amd
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.explain.devices.seen import Seen
    from torch_abi_audit.explain.explanation import CodeFor, Explanation, Installed
    from torch_abi_audit.model.gpus import Gpu

_RUNS = (Runs.YES, Runs.JIT)
_GENERIC = (
    "compare ",
    "install a build of torch",
    "or rebuild the extension",
    "to see what a build has kernels for",
)
"""How advice begins that names neither the GPU nor a build."""
_OVERRIDDEN = ("gfx10", "gfx11")
"""AMD's architectures that may pass for the others of their generation."""
_REPLACED = (
    "it is torch's own if",
    "the library has code for other architectures",
    "torch's wheels for one CUDA release",
)
"""How sentences begin that say in general what is known here."""


def answered(answer: Explanation, seen: Seen, installed: Installed | None) -> Explanation:
    """The answer, with whose code is missing and which torch or driver is needed, as far as known.

    Args:
        answer: The answer of the error's row in the table of kinds.
        seen: What the text and the question say.
        installed: The installed torch, if any.
    """
    answer = replace(answer, device=seen)
    if seen.kind in (Device.DRIVER, Device.PTX):
        return _about_driver(answer, seen, installed)
    if seen.kind not in (Device.NO_CODE, Device.TORCH):
        return answer
    if seen.gpu is None:
        amd = "AMD" in answer.subject
        return replace(answer, unknown=(*answer.unknown, which_gpu(seen, amd=amd)))
    if not seen.gpu.target.startswith(_OVERRIDDEN):
        answer = replace(answer, advice=_without(answer.advice, ("HSA_OVERRIDE",)))
    sides = torch_builds.torch_of(seen, installed)
    answer = replace(answer, code=sides)
    answers = {one.run.answer for one in sides}
    if answers == {Runs.NO} or (seen.kind is Device.TORCH and not sides):
        return _torch_lacks(answer, seen, seen.gpu, sides, installed)
    if answers and answers <= {*_RUNS}:
        return _torch_has(answer, seen, seen.gpu, sides)
    advice = torch_builds.to_install(seen.gpu, seen.platform, None)
    history = torch_builds.history(seen.gpu, seen.platform)
    build = f"or rebuild the extension with {for_build(seen.gpu.target)}"
    return replace(
        answer,
        why=(*answer.why, *(() if history is None else (history,))),
        advice=(
            *(build if one.startswith("or rebuild the ext") else one for one in answer.advice),
            *(f"for torch itself: {one}" for one in advice[:1]),
        ),
    )


def which_gpu(seen: Seen, *, amd: bool) -> str:
    """The sentence that asks for the GPU, which is AMD's or not."""
    if seen.several:
        names = ", ".join(one.title for one in seen.several)
        return f"which GPU failed: the text names {names}; --gpu says which one is meant"
    such = "MI300X or --gpu gfx942" if amd else "'RTX 4090' or --gpu 8.9"
    return f"which GPU it is: name it with --gpu, such as --gpu {such}"


def for_build(target: str) -> str:
    """What a build needs to compile for an architecture, as torch's extensions are told it.

    ``TORCH_CUDA_ARCH_LIST="12.0" (with CUDA 12.8 or later)`` for ``sm_120``, ``"12.0+PTX"`` for
    ``compute_120``.
    """
    if is_amd(target):
        return f'PYTORCH_ROCM_ARCH="{target.partition(":")[0]}"'
    ptx = "+PTX" if target.startswith("compute_") else ""
    first, dropped = first_toolkit(target), dropped_in(target)
    if dropped is not None:
        which = f" (with a CUDA before {dropped})"
    else:
        which = f" (with CUDA {first} or later)" if first is not None else ""
    return f'TORCH_CUDA_ARCH_LIST="{capability(target)}{ptx}"{which}'


def _torch_lacks(
    answer: Explanation,
    seen: Seen,
    gpu: Gpu,
    sides: tuple[CodeFor, ...],
    installed: Installed | None,
) -> Explanation:
    release = seen.torch or (installed.version if installed is not None else None)
    install = torch_builds.to_install(
        gpu, seen.platform, release.partition("+")[0] if release else None
    )
    history = torch_builds.history(gpu, seen.platform)
    missing = [
        f"{one.owner} has code for {' '.join(one.targets)}: none of that runs on {gpu.title}"
        for one in sides
        if one.targets
    ]
    if missing and seen.kind is Device.NO_CODE:
        missing.append("so torch's own code is missing, whatever the package has")
    left = _without(answer.why, _REPLACED) if missing else answer.why
    return replace(
        answer,
        fails=Fails.TORCH if missing else answer.fails,
        why=(*missing, *([] if history is None else [history]), *left),
        advice=(*(install or _from_source(gpu)), *_without(answer.advice, _GENERIC)),
    )


def _from_source(gpu: Gpu) -> tuple[str, ...]:
    """What to do for a GPU that no published build of torch has code for."""
    return (
        f"build torch from source with {for_build(gpu.target)}",
        "or run on the CPU: CUDA_VISIBLE_DEVICES= hides the GPU from torch",
    )


def _torch_has(
    answer: Explanation, seen: Seen, gpu: Gpu, sides: tuple[CodeFor, ...]
) -> Explanation:
    release = sides[0].owner.partition(" for ")[0]
    how = has(sides[0], gpu) if len(sides) == 1 else f"all builds of {release} run on {gpu.title}"
    if seen.kind is Device.TORCH:
        if any(one.run.answer is Runs.JIT for one in sides):
            return replace(answer, why=(how, *answer.why))
        return replace(
            answer,
            is_a=(f"a warning of torch without consequences: its code runs on {gpu.title}",),
            causes=(),
            why=(how,),
            advice=("nothing has to be done; a newer torch may no longer say it",),
        )
    package = "the package" if seen.package in (None, "torch") else seen.package
    return replace(
        answer,
        why=(
            f"{how}: so the code that is missing is that of {package}, not torch's",
            *_without(answer.why, _REPLACED),
        ),
        advice=(
            f"install a release or a build of {package} with code for {gpu.title}",
            f"or rebuild {package} from source with {for_build(gpu.target)}",
            "to see which of its libraries lack it: explain it again, --with the package",
            *_without(answer.advice, _GENERIC),
        ),
    )


def has(one: CodeFor, gpu: Gpu) -> str:
    """That somebody's code runs on a GPU, as a sentence with the architectures that are used."""
    used = " ".join(one.run.used)
    if not one.targets:  # only the ends of a range are known
        if used == gpu.target:
            return f"it has code for {used}, at an end of its range"
        return f"code for {used} also runs on {gpu.title}"
    if one.run.answer is Runs.YES:
        return f"{one.owner} has code that runs on {gpu.title}: {used}"
    return f"{one.owner} has only PTX for {gpu.title}, which the driver compiles: {used}"


def _about_driver(answer: Explanation, seen: Seen, installed: Installed | None) -> Explanation:
    why = [*drivers.supported(seen), *drivers.needed_by_torch(seen, installed)]
    advice = answer.advice
    if seen.kind is Device.DRIVER and seen.driver_cuda is not None:
        kept = torch_builds.for_driver(seen.driver_cuda, seen.platform)
        if kept is not None:
            advice = tuple(kept if one.startswith("or install a torch") else one for one in advice)
    left = _without(answer.why, ("the driver supports CUDA",)) if why else answer.why
    unknown = answer.unknown
    if seen.kind is Device.DRIVER and not [*drivers.needed_by_torch(seen, installed)]:
        left = (*left, *drivers.of_majors(seen.system))
        unknown = (*unknown, drivers.WHICH_DRIVER)
    return replace(answer, why=(*why, *left), advice=advice, unknown=unknown)


def _without(sentences: Iterable[str], beginnings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for one in sentences if not one.startswith(beginnings))
