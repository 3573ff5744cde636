"""``torch-abi-audit compat TARGET…``: which torch releases each library finds its names in."""

from __future__ import annotations

import argparse
import sys

from torch_abi_audit.commands import EMPTY, ERROR, FAILED, OK
from torch_abi_audit.commands.shared.options import add_target_options, refuse_mixed_modes
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.commands.shared.targets import Loaded
    from torch_abi_audit.commands.shared.torch_choice import Asked
    from torch_abi_audit.model.reports import PackageReport

_EPILOG = """\
exit codes:
  0  answered, whatever the answers
  1  --check was given, and not every release that was asked for is known to load it
  2  operational error: unknown name, unreadable path, damaged library, wrong usage
  3  --check was given, and no target holds a compiled library
"""


def run(words: list[str]) -> int:
    """Answer for what ``words`` name and return the exit code."""
    options_parser = parser()
    options = options_parser.parse_args(words)
    refuse_mixed_modes(lambda: options_parser, options)
    from torch_abi_audit.commands.shared import targets
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.commands.shared.torch_choice import asked
    from torch_abi_audit.model.errors import AuditError

    try:
        question = asked(options.torch)
        loaded = targets.load(options)
        packages = answered(loaded.packages, question, explain="all" if options.verbose else "some")
    except AuditError as error:
        complain(str(error))
        return ERROR
    loaded = replace(loaded, packages=packages)
    _show(loaded, question, options)
    broken = options.check and _gate(packages)
    if any(one.torch_verdict == "error" for one in packages):
        return ERROR
    if options.check and not any(one.libraries for one in packages):
        complain("nothing was asked about: no target holds a compiled library")
        return EMPTY
    return FAILED if broken else OK


def answered(
    packages: Iterable[PackageReport], question: Asked, *, explain: str = "none"
) -> tuple[PackageReport, ...]:
    """Reports with their load matrix.

    Args:
        packages: What was audited.
        question: What ``--torch`` asks for.
        explain: Which missing names to say of what is exported instead: ``all``, ``some``, or
            ``none``.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    from torch_abi_audit.judges.loads import compat, explained

    done = []
    for package in packages:
        matrix = compat(package, question.builds, within=question.within, beyond=question.beyond)
        if explain != "none":
            matrix = explained(matrix, question.builds, every=explain == "all")
        done.append(replace(package, loads=matrix))
    return tuple(done)


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    made = argparse.ArgumentParser(
        prog="torch-abi-audit compat",
        description="Say which torch releases compiled libraries load on, by the names that they "
        "need\nand that torch's libraries export. Nothing that is asked about is imported or "
        "executed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_target_options(made)
    made.add_argument(
        "--torch",
        metavar="SPEC",
        help="only these releases ('>=2.10,<2.13'), or this very torch: the path of an installed "
        "torch directory or of a torch wheel",
    )
    made.add_argument(
        "--check",
        action="store_true",
        help="exit with 1 unless every release that is asked for loads every package",
    )
    made.add_argument("--json", action="store_true", help="print JSON instead of the matrix")
    made.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours in the text (default: auto, on a terminal)",
    )
    made.add_argument("-v", "--verbose", action="store_true", help="list every missing name")
    made.add_argument(
        "--all", action="store_true", help="show packages without torch, too (environments)"
    )
    return made


def _show(loaded: Loaded, question: Asked, options: argparse.Namespace) -> None:
    from pathlib import PurePath

    from torch_abi_audit import report
    from torch_abi_audit.commands.shared.terminal import complain, style
    from torch_abi_audit.mangling import escape
    from torch_abi_audit.model.reports import EnvironmentReport
    from torch_abi_audit.report.loads.text import CAVEAT

    packages = loaded.packages
    if loaded.directory is not None and not options.all:
        packages = tuple(
            one for one in packages if one.error or (one.loads and one.loads.uses_torch)
        )
    if options.json:
        directory = None if loaded.directory is None else PurePath(loaded.directory)
        single = len(packages) == 1 and loaded.directory is None
        whole = packages[0] if single else EnvironmentReport(directory, packages)
        print(report.format_json(whole))
    else:
        if question.given is not None:
            print(f"Asked of torch {escape(question.given)}\n")
        blocks = [
            report.format_load_matrix(one, verbose=options.verbose, style=style(options.color))
            for one in packages
            if one.error is None
        ]
        if blocks:
            print("\n\n".join(blocks), CAVEAT, sep="\n\n")
        elif loaded.directory is not None:
            print(f"no package that uses torch found in {loaded.directory}")
    for one in packages:
        if one.error is not None:
            complain(one.error)


def _gate(packages: Iterable[PackageReport]) -> bool:
    from torch_abi_audit.model.loads import Loads
    from torch_abi_audit.report.loads.text import loads_on, release_runs

    broken = []
    for package in packages:
        matrix = package.loads
        if matrix is None:
            continue
        for state, words in ((Loads.NO, "does not load on"), (Loads.UNKNOWN, "is not known for")):
            releases = [
                one
                for one, each in matrix.loads_on.items()
                if each is state and not (state is Loads.UNKNOWN and _promised(package, one))
            ]
            if releases:
                runs = release_runs(releases, matrix.releases)
                broken.append(
                    f"{package.name}: {words} torch {runs} (loads on: {loads_on(matrix)})"
                )
    if broken:
        print("FAIL:", *(f"\n  {line}" for line in broken), sep="", file=sys.stderr)
    return bool(broken)


def _promised(package: PackageReport, release: str) -> bool:
    """Whether the stable ABI promises a release that is newer than the index."""
    from torch_abi_audit.model.releases import release_key

    matrix = package.loads
    return (
        matrix is not None
        and matrix.open_upwards
        and matrix.known_to is not None
        and release_key(release) > release_key(matrix.known_to)
    )
