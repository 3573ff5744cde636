"""Options that verbs share. Nothing is imported here, so that ``--help`` answers at once."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what is inspected, and ``--no-progress``."""
    parser.add_argument(
        "targets",
        metavar="TARGET",
        nargs="*",
        help="an import or distribution name, a package directory, a library file, a wheel or "
        "another archive, a directory of wheels, or pypi:NAME[==VERSION]",
    )
    parser.add_argument(
        "--env", action="store_true", help="every package of the running interpreter"
    )
    parser.add_argument(
        "--site-packages", metavar="PATH", help="every package of a site-packages directory"
    )
    parser.add_argument(
        "--python",
        metavar="PATH",
        help="look in the environment of this interpreter or directory; alone: all of it",
    )
    index = parser.add_argument_group("pypi: targets (pip's own configuration says from where)")
    index.add_argument(
        "--platform",
        metavar="TAG",
        help="take wheels for this platform: manylinux_2_28_x86_64, linux_x86_64, macosx_arm64, "
        "win_amd64 … (default: this machine)",
    )
    index.add_argument(
        "--python-version",
        metavar="3.X",
        help="take wheels for this Python (default: the running one, or the newest there is)",
    )
    index.add_argument(
        "--all-platforms", action="store_true", help="take a wheel for every platform"
    )
    index.add_argument(
        "--history", action="store_true", help="take a wheel of every release, oldest first"
    )
    parser.add_argument(
        "--no-progress", action="store_true", help="never draw a progress bar on the terminal"
    )


def help_format(prog: str) -> argparse.HelpFormatter:
    """A formatter that keeps the line breaks of descriptions.

    Given a width, ``argparse`` need not import ``shutil`` and all its archivers to ask for one.
    """
    import argparse
    import os

    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns
    except (OSError, ValueError):
        columns = 80
    return argparse.RawDescriptionHelpFormatter(prog, width=columns - 2)


def refuse_mixed_modes(
    parser: Callable[[], argparse.ArgumentParser], options: argparse.Namespace
) -> None:
    """End with a usage error, of the parser that is made for it, unless one mode was chosen."""
    modes = [
        name
        for name, given in (
            ("TARGET", bool(options.targets)),
            ("--env", options.env),
            ("--site-packages", options.site_packages is not None),
        )
        if given
    ]
    if options.python is not None and options.site_packages is not None:
        parser().error("--python and --site-packages exclude each other: give one of them")
    if options.python is not None and not options.targets:
        options.env = True
        return
    _refuse_idle_index_options(parser, options)
    if not modes:
        parser().error("nothing to inspect: give a TARGET, --env or --site-packages PATH")
    if len(modes) > 1:
        parser().error(f"{' and '.join(modes)} exclude each other: give one of them")


def _refuse_idle_index_options(
    parser: Callable[[], argparse.ArgumentParser], options: argparse.Namespace
) -> None:
    asked = [
        name
        for name, given in (
            ("--platform", options.platform is not None),
            ("--python-version", options.python_version is not None),
            ("--all-platforms", options.all_platforms),
            ("--history", options.history),
        )
        if given
    ]
    if asked and not any(target.startswith("pypi:") for target in options.targets):
        parser().error(f"{asked[0]} is for pypi: targets")
    if options.all_platforms and options.platform is not None:
        parser().error("--all-platforms and --platform exclude each other: give one of them")
    version = options.python_version
    if version is not None and not version.removeprefix("3.").removesuffix("t").isdecimal():
        parser().error("--python-version takes a release such as 3.12")


def add_gate_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what fails, what is reported, and where the configuration is."""
    gate = parser.add_argument_group("gate")
    gate.add_argument(
        "--check",
        choices=("torch", "abi3", "both", "all"),
        help="fail where a package leaves the torch or the CPython stable ABI; all: by any rule",
    )
    gate.add_argument(
        "--select",
        metavar="RULES",
        action="append",
        help="report these rules alone: ids or beginnings of ids, with commas between",
    )
    gate.add_argument(
        "--ignore", metavar="RULES", action="append", help="leave these rules out of the report"
    )
    gate.add_argument(
        "--fail-on",
        choices=("error", "warning"),
        help="least severity that fails the gate (default: error)",
    )
    gate.add_argument(
        "--baseline",
        metavar="FILE|TARGET",
        help="fail only on what is new beside a baseline file, a saved JSON report or a TARGET",
    )
    gate.add_argument(
        "--write-baseline", metavar="FILE", help="write what is found to a baseline file"
    )
    gate.add_argument(
        "--allow-empty", action="store_true", help="pass where nothing could be audited"
    )
    gate.add_argument(
        "--exit-zero", action="store_true", help="exit with 0 where the gate fails (1)"
    )
    add_configuration_options(parser)


def add_configuration_options(parser: argparse.ArgumentParser) -> None:
    """``--config`` and ``--isolated``."""
    group = parser.add_argument_group("configuration")
    group.add_argument(
        "--config",
        metavar="FILE",
        help="read this file instead of the nearest pyproject.toml with [tool.torch-abi-audit]",
    )
    group.add_argument("--isolated", action="store_true", help="read no configuration at all")


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what is written, where, and how much."""
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print JSON instead of the table")
    output.add_argument(
        "--format",
        metavar="FORMAT[:FILE]",
        action="append",
        help="text, json, sarif, junit, github, markdown or gitlab; to a file where one is named; "
        "may be given more than once",
    )
    output.add_argument(
        "--step-summary",
        action="store_true",
        help="append the markdown report to the file that $GITHUB_STEP_SUMMARY names",
    )
    output.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours in the text (default: auto, on a terminal)",
    )
    output.add_argument(
        "--loads-on",
        action="store_true",
        help="say which torch releases each package loads on (more: torch-abi-audit compat -h)",
    )
    output.add_argument(
        "--all", action="store_true", help="show packages without torch, too (environments)"
    )
    output.add_argument(
        "-v", "--verbose", action="store_true", help="list offending symbols and skipped files"
    )
