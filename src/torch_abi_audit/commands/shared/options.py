"""The table of all options, from which parsers, help, completion and docs/cli.md are built.

Each option of every verb is defined here once; the ``Syntax`` of a verb names the rows it takes.
This module imports nothing slow, so that ``--help`` stays fast.
"""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

INDEX = "pypi: targets (fetched from the index that pip is configured to use)"
OUTPUT = "output"
GATE = "gate"
CONFIGURATION = "configuration"
SOURCES = "sources"
PROJECT = "changes to the project in the current directory"

CHECKS = ("torch", "abi3", "both", "all")
"""The values of ``--check`` in an audit: ``gate.selection.checks``, without importing the judges.
"""


@dataclass(frozen=True, slots=True)
class Option:
    """A row of the table: an option, or a positional argument if it has no flags."""

    flags: tuple[str, ...]
    help: str
    metavar: str | None = None
    """The placeholder for its value; None for a switch or an option with ``choices``."""
    choices: tuple[str, ...] = ()
    default: str | None = None
    nargs: str | None = None
    """``*`` or ``+`` for a positional argument that takes several values."""
    repeated: bool = False
    """Whether it may be given more than once; all values are kept."""
    group: str | None = None
    """The heading in the help."""
    completes: str | None = None
    """How shells complete its value: ``file`` or ``directory``."""
    old: str | None = None
    """The row that this deprecated spelling stands for; help and docs do not list it."""

    @property
    def takes_value(self) -> bool:
        """Whether it takes a value."""
        return self.metavar is not None or bool(self.choices)


@dataclass(frozen=True, slots=True)
class Syntax:
    """The options and help of a verb."""

    verb: str
    description: str
    options: tuple[str, ...]
    """Names of rows of ``OPTIONS``, in the order of the help."""
    epilog: str = ""
    usage: str | None = None
    """The usage lines of the help; None to generate them."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Help texts of rows that differ for this verb."""

    @property
    def program(self) -> str:
        """The program and verb: ``torch-abi-audit compat``."""
        return "torch-abi-audit" if self.verb == "audit" else f"torch-abi-audit {self.verb}"

    def help(self, name: str) -> str:
        """The help text of a row."""
        text = self.words.get(name, OPTIONS[name].help)
        return text.replace("{formats}", self._formats()) if name == "format" else text

    def _formats(self) -> str:
        from torch_abi_audit.report.formats import FORMATS

        *most, last = FORMATS[self.verb]
        return f"{', '.join(most)} or {last}"


OPTIONS: dict[str, Option] = {
    # what a verb works on
    "targets": Option(
        (),
        "an import or distribution name, a package directory, a library file, a wheel or "
        "another archive, a directory of wheels, or pypi:NAME[==VERSION]",
        metavar="TARGET",
        nargs="*",
        completes="file",
    ),
    "old": Option(
        (), "the old side: any TARGET, or a saved report", metavar="OLD", completes="file"
    ),
    "new": Option((), "the new side", metavar="NEW", completes="file"),
    "text": Option(
        (),
        "an error message, a symbol (mangled or not), a name, a macro or a header of torch, a "
        "library, a GPU or its architecture, a row's label or a rule; - reads stdin",
        metavar="TEXT",
        nargs="+",
    ),
    "rules": Option(
        (),
        "an id (T101), an id prefix (T) or a name (second-libtorch); default: list all rules",
        metavar="ID",
        nargs="*",
    ),
    "names": Option(
        (),
        "an import or distribution name (default: every installed package that uses torch)",
        metavar="NAME",
        nargs="*",
    ),
    "shell": Option((), "bash, zsh or fish", metavar="SHELL", choices=("bash", "zsh", "fish")),
    "version": Option(("--version",), "show program's version number and exit"),
    "env": Option(("--env",), "inspect every package of the running interpreter"),
    "site_packages": Option(
        ("--site-packages",),
        "inspect every package in a site-packages directory",
        metavar="PATH",
        completes="directory",
    ),
    "python": Option(
        ("--python",),
        "look up names in the environment of this interpreter or directory; without a TARGET, "
        "inspect all of it",
        metavar="PATH",
        completes="file",
    ),
    "platform": Option(
        ("--platform",),
        "select wheels for this platform: manylinux_2_28_x86_64, linux_x86_64, macosx_arm64, "
        "win_amd64 … (default: this machine)",
        metavar="TAG",
        group=INDEX,
    ),
    "python_version": Option(
        ("--python-version",),
        "select wheels for this Python (default: the running one, else the newest available)",
        metavar="3.X",
        group=INDEX,
    ),
    "all_platforms": Option(("--all-platforms",), "select a wheel for every platform", group=INDEX),
    "history": Option(("--history",), "select a wheel of every release, oldest first", group=INDEX),
    "with_requirements": Option(
        ("--with-requirements",),
        "read the required distributions, too, where a library or a symbol may come from them",
        group=INDEX,
    ),
    # what a verb reports
    "torch": Option(("--torch",), "the torch to report on", metavar="TORCH", completes="file"),
    "target": Option(
        ("--target",), "deprecated spelling of --torch", metavar="RELEASE", old="torch"
    ),
    "with_target": Option(
        ("--with",),
        "the package or library that fails: also list the torch releases it loads on",
        metavar="TARGET",
        completes="file",
    ),
    "gpus": Option(
        ("--gpu",),
        "the GPU in question, by its name, compute capability or architecture: 'RTX 4090', 8.9, "
        "sm_89, gfx942 …; may be given more than once (default: all generations)",
        metavar="GPU",
        repeated=True,
    ),
    "gpu": Option(
        ("--gpu",),
        "the GPU in question, by its name, compute capability or architecture: 'RTX 4090', 8.9, "
        "sm_89, gfx942 …",
        metavar="GPU",
    ),
    "doctor": Option(
        ("--doctor",),
        "look for the error in the environment: simulate the loader there",
    ),
    "since": Option(
        ("--since",),
        "show what changed since a report saved with --json",
        metavar="REPORT.json",
        completes="file",
    ),
    "source": Option(
        ("--source",),
        "read the C++ and CUDA sources and the build files in this directory, or this source, "
        "beside or instead of a TARGET; may be given more than once",
        metavar="PATH",
        repeated=True,
        group=SOURCES,
        completes="directory",
    ),
    "changes": Option(
        ("--diff",),
        "show the mechanical changes to the sources as a patch, instead of a plan",
        group=SOURCES,
    ),
    "write_changes": Option(
        ("--write",), "make those changes, instead of showing a plan", group=SOURCES
    ),
    "wrappers": Option(
        ("--wrappers",),
        "also write a C++ header with typed helpers for the operators that the plan calls through "
        "the dispatcher",
        metavar="FILE.h",
        completes="file",
    ),
    "loads_on": Option(
        ("--loads-on",),
        "show which torch releases each package loads on (see also: torch-abi-audit compat -h)",
    ),
    # output: format, destination and detail
    "json": Option(("--json",), "short for --format json", group=OUTPUT),
    "markdown": Option(("--markdown",), "short for --format markdown", group=OUTPUT),
    "format": Option(
        ("--format",),
        "{formats}; written to FILE if given; may be given more than once",
        metavar="FORMAT[:FILE]",
        repeated=True,
        group=OUTPUT,
    ),
    "output": Option(
        ("-o", "--output"),
        "write to FILE instead of standard output",
        metavar="FILE",
        group=OUTPUT,
        completes="file",
    ),
    "step_summary": Option(
        ("--step-summary",),
        "append the markdown report to the file named by $GITHUB_STEP_SUMMARY",
        group=OUTPUT,
    ),
    "color": Option(
        ("--color",),
        "colour the text output (default: auto, only on a terminal)",
        choices=("auto", "always", "never"),
        default="auto",
        group=OUTPUT,
    ),
    "all": Option(
        ("--all",), "for an environment, also show packages that do not use torch", group=OUTPUT
    ),
    "verbose": Option(
        ("-v", "--verbose"), "list the symbols behind each verdict, and skipped files", group=OUTPUT
    ),
    "quiet": Option(
        ("-q", "--quiet"),
        "print only errors and failed checks to stderr: no notes, warnings or progress bar",
        group=OUTPUT,
    ),
    "no_progress": Option(("--no-progress",), "do not show a progress bar", group=OUTPUT),
    # changes to the project
    "fix": Option(
        ("--fix",),
        "show a patch that puts the right requirement on torch into the project's pyproject.toml, "
        "instead of a report",
        group=PROJECT,
    ),
    "write": Option(("--write",), "with --fix: apply the patch", group=PROJECT),
    # gates: an audit has several checks to choose from, compat and diff have one each
    "check": Option(
        ("--check",),
        "fail if a library leaves the torch stable ABI (torch); if its name or its wheel's tag "
        "claims the CPython stable ABI and it breaks the claim, or a module of a package that uses "
        "torch makes none (abi3); on either (both); on any rule (all)",
        choices=CHECKS,
        group=GATE,
    ),
    "gate": Option(("--check",), "exit with 1 on a bad result", group=GATE),
    "select": Option(
        ("--select",),
        "report only these rules: comma-separated ids or id prefixes",
        metavar="RULES",
        repeated=True,
        group=GATE,
    ),
    "ignore": Option(
        ("--ignore",),
        "do not report these rules",
        metavar="RULES",
        repeated=True,
        group=GATE,
    ),
    "fail_on": Option(
        ("--fail-on",),
        "lowest severity that fails the gate (default: error)",
        choices=("error", "warning"),
        group=GATE,
    ),
    "baseline": Option(
        ("--baseline",),
        "fail only on findings that are not in a baseline file, a saved JSON report or a TARGET",
        metavar="FILE|TARGET",
        group=GATE,
        completes="file",
    ),
    "write_baseline": Option(
        ("--write-baseline",),
        "write the findings to a baseline file",
        metavar="FILE",
        group=GATE,
        completes="file",
    ),
    "allow_empty": Option(
        ("--allow-empty",), "pass the gate if there is nothing to audit", group=GATE
    ),
    "exit_zero": Option(("--exit-zero",), "exit with 0 instead of 1 if the gate fails", group=GATE),
    "config": Option(
        ("--config",),
        "read this file instead of the nearest pyproject.toml with [tool.torch-abi-audit]",
        metavar="FILE",
        group=CONFIGURATION,
        completes="file",
    ),
    "isolated": Option(("--isolated",), "ignore all configuration files", group=CONFIGURATION),
}
"""Options by row name. The attribute of the parsed value has that name; ``check`` for ``gate``."""

DOCUMENT = ("format", "output")
"""How a report is written, and where: what every verb takes that writes one."""

INSPECTED = ("targets", "env", "site_packages", "python")
"""The rows that select the packages to inspect."""

WHEELS = ("platform", "python_version", "all_platforms", "history")
"""The rows that select the wheels of an index."""
