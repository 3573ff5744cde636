"""G601 to G603: device code against the GPUs that the configuration requires."""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules.definition import Rule
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.rules import ReportDetectors
    from torch_abi_audit.rules.device_code import Answer
    from torch_abi_audit.rules.reported import Reported


G601 = Rule(
    "G601",
    "required-gpu-missing",
    "A library has no code for a GPU that the configuration requires",
    "`require.gpus` names the GPUs that the package is meant to run on. On this one, the first "
    "kernel of the library fails with `no kernel image is available for execution on the device`.",
    "Add the architecture to `TORCH_CUDA_ARCH_LIST` (CMake: `CMAKE_CUDA_ARCHITECTURES`; nvcc: "
    "`-gencode`; ROCm: `PYTORCH_ROCM_ARCH`), or remove the GPU from `require.gpus`.",
    Severity.ERROR,
    itemized=True,
    example="_C.so: does not run on H100 (9.0), which the configuration requires: its code is for "
    "sm_75, sm_80 and sm_86",
    required=True,
)

G602 = Rule(
    "G602",
    "required-gpu-partly",
    "Some kernels of a library have no code for a GPU that the configuration requires",
    "The sources of the library were compiled for different GPUs. The kernels without code for "
    "this one fail with `no kernel image is available for execution on the device`, unless the "
    "library chooses others there. It is an error if more kernels were left behind than run. It is "
    "a note if those without code are for one architecture alone, or for newer GPUs and not more "
    "than those that run.",
    "Compile all sources for the same architectures, or ignore the finding if the library chooses "
    "its kernels by the GPU.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: runs only in part on H100 (9.0), which the configuration requires: 2 of 40 "
    "fatbins have no code for it; they are for sm_75 and sm_80",
    required=True,
)

G603 = Rule(
    "G603",
    "required-gpu-by-jit",
    "The driver must compile a library for a GPU that the configuration requires",
    "There is no machine code for the GPU, only PTX. The driver compiles it when the library is "
    "first used, which may take minutes. A driver that is older than the CUDA release of the PTX "
    "refuses: `the provided PTX was compiled with an unsupported toolchain`.",
    "Compile for the architecture itself, too, if users should neither wait nor need that driver.",
    Severity.NOTE,
    itemized=True,
    example="_C.so: runs on RTX 50 (12.0), which the configuration requires, by PTX alone "
    "(compute_90)",
)


def required_gpus(reported: Reported) -> Iterator[Finding]:
    """Each library that does not run as it should on GPUs that the configuration requires.

    Of alternatives, the best counts. A library for some GPUs by its purpose is no finding on others
    on which the rest of the package is used.
    """
    if not reported.required.gpus:
        return
    from torch_abi_audit.knowledge.gpus import gpu
    from torch_abi_audit.rules.device_code import Parts

    parts = Parts(reported)
    if not parts.parts:
        return
    found: dict[str | None, list[Answer]] = {}
    for one in dict.fromkeys(map(gpu, reported.required.gpus)):
        for part in parts.concerned(one):
            for answer in part.answers(one):
                found.setdefault(answer.library.path, []).append(answer)
    for path in sorted(found, key=lambda each: each or ""):
        yield from _of_library(path, found[path])


def _of_library(path: str | None, answers: Sequence[Answer]) -> Iterator[Finding]:
    from torch_abi_audit.model.gpus import Runs
    from torch_abi_audit.rules.device_code import target_list

    code = answers[0].library.code
    subject = "" if path is not None else "the device code beside the libraries "
    for runs in (Runs.NO, Runs.UNKNOWN, Runs.PARTLY, Runs.JIT):
        chosen = [one for one in answers if one.runs is runs]
        if not chosen:
            continue
        if runs is Runs.PARTLY:
            yield from _partly(path, chosen)
            continue
        gpus, evidence = _required(chosen)
        if runs is Runs.NO:
            yield G601.finding(
                f"{subject}does not run on {gpus}: its code is for {target_list(code.targets)}",
                library=path,
                evidence=evidence,
            )
        elif runs is Runs.UNKNOWN:
            yield G601.finding(
                f"{subject}could not be read in full, so nothing shows that it runs on {gpus}",
                library=path,
                evidence=evidence,
                fix="Build the library again, or download it again.",
            )
        else:
            yield from _compiled(path, chosen, subject)


def _partly(path: str | None, answers: Sequence[Answer]) -> Iterator[Finding]:
    """What lacks kernels; an error where more are left behind than run, a note where none is.

    But a warning where most are for newer GPUs: then hardly anything was compiled for this one.
    """
    from torch_abi_audit.rules.device_code import fatbins, target_list

    by_severity: dict[Severity, list[Answer]] = {}
    for one in answers:
        behind = fatbins(one.left_behind)
        severity = Severity.NOTE
        if behind > one.running:
            severity = Severity.ERROR
        elif behind or fatbins(one.for_newer) > one.running:
            severity = Severity.WARNING
        by_severity.setdefault(severity, []).append(one)
    for severity, chosen in by_severity.items():
        gpus, evidence = _required(chosen)
        most = max(chosen, key=lambda each: fatbins(each.run.lacking))
        lacking, every = fatbins(most.run.lacking), fatbins(most.library.code.sets)
        same = len({fatbins(each.run.lacking) for each in chosen}) == 1
        verb, those = ("has", "it is") if lacking == 1 else ("have", "they are")
        them = "it" if len(evidence) == 1 else "them"
        targets = {target for each in most.run.lacking for target in each.targets}
        finding = G602.finding(
            f"runs only in part on {gpus}: {'' if same else 'up to '}{lacking} of {every} "
            f"fatbins {verb} no code for {them}; {those} for {target_list(targets)}",
            library=path,
            evidence=evidence,
        )
        yield replace(finding, severity=severity)


def _compiled(path: str | None, answers: Sequence[Answer], subject: str) -> Iterator[Finding]:
    from torch_abi_audit.rules.device_code import fatbins, target_list

    gpus, evidence = _required(answers)
    most = max(answers, key=lambda each: fatbins(each.compiled))
    compiled, every = fatbins(most.compiled), most.running
    ptx = target_list(
        target for one in answers for target in one.run.used if target.startswith("compute_")
    )
    how = "by PTX alone" if compiled == every else f"by PTX alone for {compiled} of {every} fatbins"
    yield G603.finding(f"{subject}runs on {gpus}, {how} ({ptx})", library=path, evidence=evidence)


def _required(answers: Sequence[Answer]) -> tuple[str, list[str]]:
    """The GPUs as the message has them, and as the evidence has them."""
    from torch_abi_audit.rules.device_code import gpu_list, sorted_targets

    gpus = [one.gpu for one in answers]
    return f"{gpu_list(gpus)}, which the configuration requires", list(
        sorted_targets(one.target for one in gpus)
    )


REPORT_DETECTORS: ReportDetectors = {required_gpus: (G601, G602, G603)}
