"""``torch-abi-audit diff OLD NEW``: compares two targets or saved reports."""

from __future__ import annotations

from torch_abi_audit.commands import ERROR, FAILED, OK
from torch_abi_audit.commands.shared.options import DOCUMENT, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.commands.shared.targets import Search
    from torch_abi_audit.model.reports import PackageReport

_EPILOG = """\
exit codes:
  0  success; with --check, nothing got worse
  1  --check was given, and something got worse
  2  operational error: a target that was not found or could not be read, wrong usage
"""


def syntax() -> Syntax:
    """The options and help of the verb."""
    return Syntax(
        verb="diff",
        description="Compare two targets: wheels, releases, directories, names, or reports saved "
        "with --json (FILE.json).",
        epilog=_EPILOG,
        # each side is one build, so --all-platforms and --history do not apply
        options=(
            *("old", "new", "python", "platform", "python_version"),
            *("json", "markdown", *DOCUMENT, "color", "verbose", "quiet", "no_progress"),
            "gate",
        ),
        words={
            "python": "look up names in the environment of this interpreter or directory",
            "gate": "exit with 1 if something got worse",
        },
    )


def run(words: list[str]) -> int:
    """Run the verb with the arguments ``words`` and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import modes, output, targets
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.diff.compare import diff
    from torch_abi_audit.model.errors import AuditError

    sides = (options.old, options.new)
    modes.refuse_idle_index_options(syntax(), options, sides)
    try:
        chosen = output.destinations("diff", options)
        looking = None if all(map(_is_saved, sides)) else targets.search(options, sides)
        old, new = (_side(one, looking) for one in sides)
    except AuditError as error:
        complain(str(error))
        return ERROR
    troubles = list(_troubles((*old, *new)))
    if any(one.error is not None for one in (*old, *new)):
        for message in troubles:
            complain(message)
        return ERROR
    found = diff(old, new)
    written = output.write("diff", found, chosen, options)
    for message in troubles:
        complain(message)
    if troubles or not written:
        return ERROR
    return FAILED if options.check and any(one.worse for one in found) else OK


def _is_saved(side: str) -> bool:
    return side.endswith(".json")


def _side(side: str, looking: Search | None) -> tuple[PackageReport, ...]:
    """The reports of one side, with their load matrices.

    Raises:
        AuditError: a saved report cannot be read.
    """
    from torch_abi_audit.commands.shared import targets
    from torch_abi_audit.judges.loads import compat
    from torch_abi_audit.runtime.records import replace

    if looking is None or _is_saved(side):
        packages = targets.saved_reports(side)
    else:
        packages = targets.audited((side,), looking)
    return tuple(
        one if one.error is not None else replace(one, loads=compat(one)) for one in packages
    )


def _troubles(reports: Iterable[PackageReport]) -> Iterator[str]:
    """The errors of targets and libraries that could not be found or read."""
    for one in reports:
        if one.error is not None:
            yield one.error
        yield from (f"{lib.path}: {lib.error}" for lib in one.libraries if lib.error)
