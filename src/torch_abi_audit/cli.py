"""The command line: the only module that prints or decides an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from torch_abi_audit import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.model import PackageReport
    from torch_abi_audit.report.text import Style
    from torch_abi_audit.sources import Found

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

OK, FAILED, ERROR, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: The words after the program's name; those of the process where not given.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _audit(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read us has gone: give the interpreter something to flush into
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="torch-abi-audit",
        usage=_USAGE,
        description="Say which compiled libraries keep to the LibTorch Stable ABI and the CPython "
        "Stable ABI. Nothing that is audited is imported or executed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "targets",
        metavar="TARGET",
        nargs="*",
        help="an import or distribution name, a package directory, a library file or a wheel",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument(
        "--env", action="store_true", help="every package of the running interpreter"
    )
    parser.add_argument(
        "--site-packages", metavar="PATH", help="every package of a site-packages directory"
    )
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
    parser.add_argument(
        "--no-progress", action="store_true", help="never draw a progress bar on the terminal"
    )
    return parser


def _audit(words: list[str]) -> int:
    parser = _parser()
    options = parser.parse_args(words)
    _refuse_mixed_modes(parser, options)
    from torch_abi_audit import sources
    from torch_abi_audit.audit import failed
    from torch_abi_audit.errors import TargetError

    found: list[Found | PackageReport] = []
    directory: str | None = None
    if options.targets:
        for target in options.targets:
            try:
                found.append(sources.resolve(target))
            except TargetError as error:
                found.append(failed(target, error))
    else:
        try:
            inventory = (
                sources.environment()
                if options.env
                else sources.site_packages(options.site_packages)
            )
        except TargetError as error:
            _complain(str(error))
            return ERROR
        found.extend(inventory.packages)
        directory = inventory.directories[0] if inventory.directories else ""
    packages = _read(found, enabled=not options.no_progress)
    _show(packages, directory, options)
    return _exit_code(packages, options.check)


def _refuse_mixed_modes(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    modes = [
        name
        for name, given in (
            ("TARGET", bool(options.targets)),
            ("--env", options.env),
            ("--site-packages", options.site_packages is not None),
        )
        if given
    ]
    if not modes:
        parser.error("nothing to inspect: give a TARGET, --env or --site-packages PATH")
    if len(modes) > 1:
        parser.error(f"{' and '.join(modes)} exclude each other: give one of them")


def _read(found: list[Found | PackageReport], *, enabled: bool) -> list[PackageReport]:
    from torch_abi_audit.audit import audit
    from torch_abi_audit.model import PackageReport
    from torch_abi_audit.progress import progress

    total = sum(0 if isinstance(one, PackageReport) else len(one.candidates) for one in found)
    with progress(total, enabled=enabled) as step:
        return [one if isinstance(one, PackageReport) else audit(one, step) for one in found]


def _show(
    packages: list[PackageReport], directory: str | None, options: argparse.Namespace
) -> None:
    from pathlib import PurePath

    from torch_abi_audit import report
    from torch_abi_audit.model import EnvironmentReport

    if directory is not None:
        held = tuple(one for one in packages if one.libraries or one.error or options.all)
        environment = EnvironmentReport(PurePath(directory), held)
        if options.json:
            print(report.format_json(environment))
        else:
            print(
                report.format_environment_table(
                    environment, verbose=options.verbose, show_all=options.all, style=_style()
                )
            )
    elif options.json:
        whole = packages[0] if len(packages) == 1 else EnvironmentReport(None, tuple(packages))
        print(report.format_json(whole))
    else:
        blocks = [
            report.format_package_table(one, verbose=options.verbose, style=_style())
            for one in packages
            if one.error is None
        ]
        if blocks:
            print("\n\n".join(blocks))
    for one in packages:
        if one.error is not None:
            _complain(one.error)


def _exit_code(packages: list[PackageReport], check: str | None) -> int:
    broken: list[str] = []
    if check is not None:
        from torch_abi_audit.policy import Check, failures

        broken = list(failures(packages, Check(check)))
        if broken:
            print("FAIL:", file=sys.stderr)
            for line in broken:
                print(f"  {line}", file=sys.stderr)
    if any(one.torch_verdict == "error" for one in packages):
        return ERROR
    return FAILED if broken else OK


def _style() -> Style:
    from torch_abi_audit.report.text import COLOUR, PLAIN

    if os.environ.get("NO_COLOR"):
        return PLAIN
    if os.environ.get("FORCE_COLOR") or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb"):
        return COLOUR
    return PLAIN


def _complain(message: str) -> None:
    from torch_abi_audit.report.text import escape

    print(f"torch-abi-audit: error: {escape(message)}", file=sys.stderr)
