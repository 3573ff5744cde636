"""``torch-abi-audit diff OLD NEW``: what changed between two targets or saved reports."""

from __future__ import annotations

import argparse

from torch_abi_audit.commands import ERROR, FAILED, OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.reports import PackageReport

_EPILOG = """\
exit codes:
  0  compared; with --check, nothing got worse
  1  --check was given, and something got worse
  2  operational error: a side that could not be found or read, wrong usage
"""


def run(words: list[str]) -> int:
    """Compare what ``words`` name and return the exit code."""
    options = parser().parse_args(words)
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.diff.compare import diff
    from torch_abi_audit.model.errors import AuditError
    from torch_abi_audit.report.diff import changes

    try:
        old, new = (_side(one, options) for one in (options.old, options.new))
    except AuditError as error:
        complain(str(error))
        return ERROR
    troubles = [
        message
        for one in (*old, *new)
        for message in (
            one.error,
            *(f"{lib.path}: {lib.error}" for lib in one.libraries if lib.error),
        )
        if message is not None
    ]
    if any(one.error is not None for one in (*old, *new)):
        for message in troubles:
            complain(message)
        return ERROR
    found = diff(old, new)
    if options.format == "json":
        print(changes.as_json(found))
    elif options.format == "markdown":
        print(changes.as_markdown(found, verbose=options.verbose))
    else:
        print(changes.as_text(found, verbose=options.verbose))
    for message in troubles:
        complain(message)
    if troubles:
        return ERROR
    return FAILED if options.check and any(one.worse for one in found) else OK


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    made = argparse.ArgumentParser(
        prog="torch-abi-audit diff",
        description="Compare two targets: wheels, releases, directories, names, or reports that "
        "--json wrote (FILE.json).",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("old", metavar="OLD", help="what it was: any TARGET, or a saved report")
    made.add_argument("new", metavar="NEW", help="what it is now")
    made.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="what to print (default: text)",
    )
    made.add_argument(
        "--json", action="store_const", const="json", dest="format", help="--format json"
    )
    made.add_argument("--check", action="store_true", help="exit with 1 where something got worse")
    made.add_argument("-v", "--verbose", action="store_true", help="list every symbol")
    made.add_argument(
        "--no-progress", action="store_true", help="never draw a progress bar on the terminal"
    )
    return made


def _side(target: str, options: argparse.Namespace) -> tuple[PackageReport, ...]:
    """The reports of one side, with the torch releases that they load on.

    Raises:
        AuditError: a saved report cannot be read.
    """
    from dataclasses import replace

    from torch_abi_audit.commands.shared import targets
    from torch_abi_audit.judges.loads import compat

    if target.endswith(".json"):
        packages = targets.saved_reports(target)
    else:
        packages = targets.audited((target,), bar=not options.no_progress)
    return tuple(
        one if one.error is not None else replace(one, loads=compat(one)) for one in packages
    )
