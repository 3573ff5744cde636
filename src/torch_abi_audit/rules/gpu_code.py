"""G604 to G606: device code that was not read, is for one GPU alone, or differs in a package."""

from __future__ import annotations

from torch_abi_audit.model.device_code import target_key
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules.definition import About, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context


G604 = Rule(
    "G604",
    "unread-device-code",
    "Some device code of a library could not be read",
    "What is said of its GPUs may lack some of them, and `require.gpus` fails on the library. Its "
    "verdicts on torch and Python do not depend on it.",
    "Build or download the file again; if others can read it, report it as a defect of this "
    "program.",
    Severity.WARNING,
    example="_C.so: some of its device code could not be read: the fat binary at byte 7936 has "
    "version 9 and a header of 16 bytes",
)


def unread(context: Context) -> Iterator[Finding]:
    """Libraries whose reader reports a problem with their device code."""
    for path, library in context.libraries:
        code = library.device_code
        if code is not None and code.problem is not None:
            yield G604.finding(
                f"some of its device code could not be read: {code.problem}", library=path
            )


G605 = Rule(
    "G605",
    "specific-ptx-alone",
    "The only PTX of the package is for exactly one architecture",
    "PTX is there for GPUs that are newer than the package: the driver compiles it for them. "
    "But PTX of an architecture with the suffix `a` is for GPUs of one compute capability alone. "
    "On newer ones, kernels fail with `no kernel image is available for execution on the device`.",
    "Add PTX of the plain architecture (`9.0a;9.0+PTX`), or leave the PTX out if the package is "
    "meant for this GPU alone.",
    Severity.NOTE,
    example="the only PTX is compute_90a, which runs on compute capability 9.0 and on no newer GPU",
    about=About.PACKAGE,
)


def specific_ptx(context: Context) -> Iterator[Finding]:
    """Packages with PTX for single architectures, and no code for GPUs that are newer than that.

    Where there is such code, the PTX belongs to the faster of two ways. Family-specific PTX is not
    meant: there is no GPU outside of the families that would run it otherwise.
    """
    if context.declared.is_torch or not any(map(_is_specific_ptx, context.device_targets)):
        return
    from torch_abi_audit.knowledge.gpus import capability
    from torch_abi_audit.rules.device_code import Parts, number

    targets = [target for target in Parts(context).targets if number(target)]
    ptx = [one for one in targets if one.startswith("compute_")]
    if not ptx or not all(one.endswith("a") for one in ptx):
        return
    newest = max(ptx, key=number)
    if all(number(one) <= number(newest) for one in targets):
        yield G605.finding(
            f"the only PTX is {newest}, which runs on compute capability "
            f"{capability(newest)} and on no newer GPU",
            evidence=sorted(ptx, key=target_key),
        )


def _is_specific_ptx(target: str) -> bool:
    return target.startswith("compute_") and target.endswith("a")


G606 = Rule(
    "G606",
    "gpus-differ-in-package",
    "A library of the package lacks newer GPUs that another one supports",
    "The libraries were compiled for different GPUs. On the newer ones, one works, and the other "
    "fails with `no kernel image is available for execution on the device`.",
    "Compile all libraries for the same architectures.",
    Severity.WARNING,
    itemized=True,
    example="_ops.so: does not run on H100/H200 (9.0), on which _C.so does: its code is for sm_80",
    told_by="G601",
)


def different(context: Context) -> Iterator[Finding]:
    """Libraries without code for GPUs newer than all of theirs, where another has machine code.

    The other must also have machine code for a GPU that this one has it for, or it is for newer
    GPUs by its purpose. Left out are alternatives, and libraries with code for single architectures
    (``sm_90a``) or that name one: they are chosen by the GPU. Older GPUs are often given up on
    purpose, and PTX is no sign that more GPUs were meant.
    """
    codes = [one.device_code for one in context.package.libraries if one.device_code is not None]
    if context.declared.is_torch or len({code.targets for code in codes}) < 2:
        return
    from torch_abi_audit.knowledge.gpus import generations
    from torch_abi_audit.model.gpus import Runs
    from torch_abi_audit.rules.device_code import Parts, gpu_list, number, target_list

    parts = Parts(context, without=context.optional).parts
    single = [one.alternatives[0][0] for one in parts if len(one.alternatives) == 1]
    plain = [
        one
        for one in single
        if one.path and not one.is_special and all(each[-1:] != "a" for each in one.code.targets)
    ]
    if len(plain) < 2:
        return
    gpus = generations()
    answers = [{gpu.target: one.answer(gpu).runs for gpu in gpus} for one in plain]
    runs = [{target for target, each in one.items() if each is Runs.YES} for one in answers]
    for at, one in enumerate(plain):
        newest = max(map(number, one.code.targets), default=0)
        others = [at_other for at_other, each in enumerate(runs) if each & runs[at]]
        lacking = [
            gpu
            for gpu in gpus
            if number(gpu.target) > newest > 0
            and answers[at][gpu.target] is Runs.NO
            and any(gpu.target in runs[other] for other in others)
        ]
        if lacking:
            wanted = {gpu.target for gpu in lacking}
            most = max(others, key=lambda other: len(runs[other] & wanted))
            yield G606.finding(
                f"does not run on {gpu_list(lacking)}, on which {plain[most].path} does: its code "
                f"is for {target_list(one.code.targets)}",
                library=one.path,
                evidence=[gpu.target for gpu in lacking],
            )


DETECTORS: Detectors = {unread: (G604,), specific_ptx: (G605,), different: (G606,)}
