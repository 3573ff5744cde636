"""``torch-abi-audit explain TEXT``: what an error, a symbol, a label or a rule means."""

from __future__ import annotations

import sys

from torch_abi_audit.commands import ERROR, OK
from torch_abi_audit.commands.shared.options import DOCUMENT, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from torch_abi_audit.explain.explanation import Explanation, Installed
    from torch_abi_audit.sources.installed.torch_version import TorchVersion


def syntax() -> Syntax:
    """What the verb takes."""
    return Syntax(
        verb="explain",
        description="Say what an ImportError means, where a symbol went, what a label or a rule "
        "is, and what\nto do. Nothing is imported or executed.",
        epilog="exit codes: 0 answered, 2 operational error",
        options=(
            *("text", "with_target", "torch", "python", "platform", "python_version"),
            *("json", "markdown", *DOCUMENT, "quiet", "no_progress"),
        ),
        words={
            "torch": "the torch at hand: a release such as 2.13.0 or 2.13.0+cu126, or the path of "
            "a torch directory or wheel; that of the environment where not given",
            "python": "look torch and TARGET up in the environment of this interpreter or "
            "directory",
        },
    )


def run(words: list[str]) -> int:
    """Explain what ``words`` say and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import fail, parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import modes, output
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.model.errors import AuditError

    modes.refuse_idle_index_options(syntax(), options, (options.with_target,))
    text = " ".join(options.text)
    if text == "-":
        text = sys.stdin.read()
    if not text.strip():
        fail(syntax(), "nothing to explain: give an error's text, a symbol, a label or a rule")
    try:
        chosen = output.destinations("explain", options)
        answer = _explanation(text, options)
    except AuditError as error:
        complain(str(error))
        return ERROR
    return OK if output.write("explain", answer, chosen, options) else ERROR


def _explanation(text: str, options: argparse.Namespace) -> Explanation:
    """The answer, in view of the environment that is meant and of the package that fails.

    Raises:
        AuditError: ``--python``, ``--torch`` or ``--with`` names nothing.
    """
    from torch_abi_audit.commands.shared import targets
    from torch_abi_audit.commands.shared.torch_choice import at_hand
    from torch_abi_audit.explain.question import explain
    from torch_abi_audit.explain.target import beside
    from torch_abi_audit.model.errors import TargetError

    looking = targets.search(options, (options.with_target,))
    installed = _installed(at_hand(options.torch, looking.environment.path))
    answer = explain(text, installed, looking.environment.python)
    if options.with_target:
        for report in targets.audited((options.with_target,), looking):
            if report.error is not None:
                raise TargetError(report.error)
            answer = beside(answer, report, installed)
    return answer


def _installed(torch: TorchVersion | None) -> Installed | None:
    from torch_abi_audit.explain.explanation import Installed

    return None if torch is None else Installed(torch.text, torch.cuda, stated=torch.known_build)
