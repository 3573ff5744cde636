"""``torch-abi-audit TARGET…``: read, judge, show; with ``--check``, also decide."""

from __future__ import annotations

import argparse
import sys

from torch_abi_audit import __version__
from torch_abi_audit.commands import ERROR, FAILED, OK
from torch_abi_audit.commands.options import add_target_options, refuse_mixed_modes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.commands.loading import Loaded

_USAGE = """\
torch-abi-audit [-h] [--version] [--env | --site-packages PATH]
                       [--json] [--all] [-v]
                       [TARGET ...]
       torch-abi-audit [--check {torch,abi3,both}] [--no-progress] ... [TARGET ...]"""

_EPILOG = """\
exit codes:
  0  inspected, whatever the verdicts
  1  --check was given, and a package breaks it
  2  operational error: unknown name, unreadable path, damaged library, wrong usage
"""


def run(words: list[str]) -> int:
    """Audit what ``words`` name and return the exit code."""
    parser = _parser()
    options = parser.parse_args(words)
    refuse_mixed_modes(parser, options)
    from torch_abi_audit.commands import loading
    from torch_abi_audit.commands.terminal import complain
    from torch_abi_audit.errors import TargetError

    try:
        loaded = loading.load(options)
    except TargetError as error:
        complain(str(error))
        return ERROR
    _show(loaded, options)
    broken = _gate(loaded, options.check)
    if any(one.torch_verdict == "error" for one in loaded.packages):
        return ERROR
    return FAILED if broken else OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="torch-abi-audit",
        usage=_USAGE,
        description="Say which compiled libraries keep to the LibTorch Stable ABI and the CPython "
        "Stable ABI.\nNothing that is audited is imported or executed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    add_target_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--all", action="store_true", help="show packages without torch, too (environments)"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="list offending symbols and skipped files"
    )
    parser.add_argument(
        "--check",
        choices=("torch", "abi3", "both"),
        help="exit with 1 where a package leaves the torch or the CPython stable ABI",
    )
    return parser


def _show(loaded: Loaded, options: argparse.Namespace) -> None:
    from pathlib import PurePath

    from torch_abi_audit import report
    from torch_abi_audit.commands.terminal import complain, style
    from torch_abi_audit.model import EnvironmentReport

    packages = loaded.packages
    if loaded.directory is not None:
        held = tuple(one for one in packages if one.libraries or one.error or options.all)
        environment = EnvironmentReport(PurePath(loaded.directory), held)
        if options.json:
            print(report.format_json(environment))
        else:
            text = report.format_environment_table(
                environment, verbose=options.verbose, show_all=options.all, style=style()
            )
            print(text)
    elif options.json:
        whole = packages[0] if len(packages) == 1 else EnvironmentReport(None, packages)
        print(report.format_json(whole))
    else:
        blocks = [
            report.format_package_table(one, verbose=options.verbose, style=style())
            for one in packages
            if one.error is None
        ]
        if blocks:
            print("\n\n".join(blocks))
    for one in packages:
        if one.error is not None:
            complain(one.error)


def _gate(loaded: Loaded, check: str | None) -> bool:
    if check is None:
        return False
    from torch_abi_audit.policy import Check, failures

    broken = list(failures(loaded.packages, Check(check)))
    if broken:
        print("FAIL:", *(f"\n  {line}" for line in broken), sep="", file=sys.stderr)
    return bool(broken)
