"""``torch-abi-audit explain TEXT``: explains an error, a symbol, a label or a rule."""

from __future__ import annotations

import sys

from torch_abi_audit.commands import ERROR, OK
from torch_abi_audit.commands.shared.options import DOCUMENT, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from torch_abi_audit.explain.explanation import Explanation, Installed
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.sources.installed.torch_version import TorchVersion


def syntax() -> Syntax:
    """The options and help of the verb."""
    return Syntax(
        verb="explain",
        description="Explain an ImportError, a missing symbol, a label or a rule, and say what to "
        "do.\nNothing is imported or executed.",
        epilog="exit codes: 0 success, 2 operational error",
        options=(
            *(
                "text",
                "with_target",
                "gpu",
                "doctor",
                "torch",
                "python",
                "platform",
                "python_version",
            ),
            *("json", "markdown", *DOCUMENT, "quiet", "no_progress"),
        ),
        words={
            "torch": "the installed torch: a release such as 2.13.0 or 2.13.0+cu126, or the path "
            "of a torch directory or wheel (default: the torch of the environment)",
            "python": "look up torch and TARGET in the environment of this interpreter or "
            "directory",
        },
    )


def run(words: list[str]) -> int:
    """Run the verb with the arguments ``words`` and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import fail, parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import modes, output
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.model.errors import AuditError

    modes.refuse_idle_index_options(syntax(), options, (options.with_target,))
    text = " ".join(options.text)
    if text == "-":
        text = "" if sys.stdin is None else sys.stdin.read()
    if not text.strip():
        fail(syntax(), "nothing to explain: give an error message, a symbol, a label or a rule")
    try:
        chosen = output.destinations("explain", options)
        answer = _explanation(text, options)
    except AuditError as error:
        complain(str(error))
        return ERROR
    return OK if output.write("explain", answer, chosen, options) else ERROR


def _explanation(text: str, options: argparse.Namespace) -> Explanation:
    """The answer for the selected environment and, with ``--with``, for the failing package.

    Raises:
        AuditError: what ``--python``, ``--torch`` or ``--with`` names was not found.
    """
    from torch_abi_audit.commands.shared import targets
    from torch_abi_audit.commands.shared.environment import meant
    from torch_abi_audit.commands.shared.torch_choice import installed_torch
    from torch_abi_audit.explain.question import explain
    from torch_abi_audit.explain.target import beside
    from torch_abi_audit.model.errors import TargetError

    if options.doctor and not options.with_target:
        return _here(text, options)
    if options.doctor and options.python is None:
        options.python = meant(quiet=bool(options.quiet))  # named once for both
    looking = targets.search(options, (options.with_target,))
    installed = _installed(installed_torch(options.torch, looking.environment.path))
    if options.doctor:
        answer = _here(text, options)
    else:
        answer = explain(
            text, installed, looking.environment.python, _platform(options), _gpu(options)
        )
    if options.with_target:
        for report in targets.audited((options.with_target,), looking):
            if report.error is not None:
                raise TargetError(report.error)
            if report.libraries and all(one.error is not None for one in report.libraries):
                raise TargetError(f"{report.name}: {report.libraries[0].error}")
            answer = beside(answer, report, installed)
    return answer


def _platform(options: argparse.Namespace) -> str | None:
    """The platform that ``--platform`` or a wheel given by its path names; None for others."""
    from torch_abi_audit.explain.reading.place import platform_of_tag

    given = (options.torch or "", options.with_target or "")
    wheels = [one.removesuffix(".whl").rpartition("-")[2] for one in given if one.endswith(".whl")]
    tags = [options.platform or "", *(tag for one in wheels for tag in one.split("."))]
    return next((known for tag in tags if (known := platform_of_tag(tag))), None)


def _gpu(options: argparse.Namespace) -> Gpu | None:
    """The GPU that ``--gpu`` names.

    Raises:
        UnknownGpuError: no known GPU has that name.
    """
    if options.gpu is None:
        return None
    from torch_abi_audit.knowledge.gpus import gpu

    return gpu(options.gpu)


def _here(text: str, options: argparse.Namespace) -> Explanation:
    """The answer, with what the simulated environment says of the error.

    Raises:
        TargetError: there is no torch in the environment.
    """
    from torch_abi_audit.commands.shared.diagnosing import Patient
    from torch_abi_audit.commands.shared.torch_choice import installed_torch
    from torch_abi_audit.doctor.comparison import compared, names_in
    from torch_abi_audit.explain.question import explain

    patient = Patient(options)
    installed = patient.installed
    if options.torch is not None:
        installed = _installed(installed_torch(options.torch, patient.python.path))
    answer = explain(text, installed, patient.python.release, _platform(options), _gpu(options))
    names = [name for name in names_in(text) if patient.finds(name)]
    return compared(answer, text, patient.examination.imported, patient.examined(names))


def _installed(torch: TorchVersion | None) -> Installed | None:
    from torch_abi_audit.explain.explanation import Installed

    return None if torch is None else Installed(torch.text, torch.cuda, stated=torch.known_build)
