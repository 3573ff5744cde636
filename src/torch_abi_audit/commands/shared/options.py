"""Every option of every verb, once: the table that parsers, help, completion and docs/cli.md read.

A verb's ``Syntax`` names the rows that it takes. Nothing is imported here that costs time, so that
``--help`` answers at once.
"""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

INDEX = "pypi: targets (pip's own configuration says from where)"
OUTPUT = "output"
GATE = "gate"
CONFIGURATION = "configuration"

CHECKS = ("torch", "abi3", "both", "all")
"""What ``--check`` of an audit takes: ``gate.selection.checks``, without importing the judges."""


@dataclass(frozen=True, slots=True)
class Option:
    """A row: one option, or one kind of positional argument where it has no flag."""

    flags: tuple[str, ...]
    help: str
    metavar: str | None = None
    """What its value is called; None for a switch, or where ``choices`` say it."""
    choices: tuple[str, ...] = ()
    default: str | None = None
    nargs: str | None = None
    """Of a positional argument: ``*`` or ``+``."""
    repeated: bool = False
    """Whether it may be given more than once, all values being kept."""
    group: str | None = None
    """The heading that it stands under."""
    completes: str | None = None
    """What shells complete its value with: ``file`` or ``directory``."""
    old: str | None = None
    """Of an old spelling: the row whose value it gives. Help and docs leave it out."""

    @property
    def takes_value(self) -> bool:
        """Whether a value follows it."""
        return self.metavar is not None or bool(self.choices)


@dataclass(frozen=True, slots=True)
class Syntax:
    """What a verb takes."""

    verb: str
    description: str
    options: tuple[str, ...]
    """Rows of ``OPTIONS``, in the order of the help."""
    epilog: str = ""
    usage: str | None = None
    """The first lines of the help; made from the rows where not given."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Row to what its help says here, where the verb makes more of it."""

    @property
    def program(self) -> str:
        """What the user typed: ``torch-abi-audit compat``."""
        return "torch-abi-audit" if self.verb == "audit" else f"torch-abi-audit {self.verb}"

    def help(self, name: str) -> str:
        """What the help says of a row."""
        text = self.words.get(name, OPTIONS[name].help)
        return text.replace("{formats}", self._formats()) if name == "format" else text

    def _formats(self) -> str:
        from torch_abi_audit.report.formats import FORMATS

        *most, last = FORMATS[self.verb]
        return f"{', '.join(most)} or {last}"


OPTIONS: dict[str, Option] = {
    # what a verb is about
    "targets": Option(
        (),
        "an import or distribution name, a package directory, a library file, a wheel or "
        "another archive, a directory of wheels, or pypi:NAME[==VERSION]",
        metavar="TARGET",
        nargs="*",
        completes="file",
    ),
    "old": Option(
        (), "what it was: any TARGET, or a saved report", metavar="OLD", completes="file"
    ),
    "new": Option((), "what it is now", metavar="NEW", completes="file"),
    "text": Option(
        (),
        "an error's text, a symbol (mangled or not), a row's label, a rule; - reads stdin",
        metavar="TEXT",
        nargs="+",
    ),
    "rules": Option(
        (),
        "an id (T101), the beginning of some (T), or a name (second-libtorch); all if absent",
        metavar="ID",
        nargs="*",
    ),
    "shell": Option((), "bash, zsh or fish", metavar="SHELL", choices=("bash", "zsh", "fish")),
    "version": Option(("--version",), "show program's version number and exit"),
    "env": Option(("--env",), "every package of the running interpreter"),
    "site_packages": Option(
        ("--site-packages",),
        "every package of a site-packages directory",
        metavar="PATH",
        completes="directory",
    ),
    "python": Option(
        ("--python",),
        "look in the environment of this interpreter or directory; alone: all of it",
        metavar="PATH",
        completes="file",
    ),
    "platform": Option(
        ("--platform",),
        "take wheels for this platform: manylinux_2_28_x86_64, linux_x86_64, macosx_arm64, "
        "win_amd64 … (default: this machine)",
        metavar="TAG",
        group=INDEX,
    ),
    "python_version": Option(
        ("--python-version",),
        "take wheels for this Python (default: the running one, or the newest there is)",
        metavar="3.X",
        group=INDEX,
    ),
    "all_platforms": Option(("--all-platforms",), "take a wheel for every platform", group=INDEX),
    "history": Option(("--history",), "take a wheel of every release, oldest first", group=INDEX),
    # what is asked
    "torch": Option(("--torch",), "which torch is meant", metavar="TORCH", completes="file"),
    "target": Option(("--target",), "the old spelling of --torch", metavar="RELEASE", old="torch"),
    "with_target": Option(
        ("--with",),
        "the package or library that fails: which torch releases it finds its names in",
        metavar="TARGET",
        completes="file",
    ),
    "since": Option(
        ("--since",),
        "say what went away since a report saved as JSON",
        metavar="REPORT.json",
        completes="file",
    ),
    "loads_on": Option(
        ("--loads-on",),
        "say which torch releases each package loads on (more: torch-abi-audit compat -h)",
    ),
    # what is written, where, and how much
    "json": Option(("--json",), "short for --format json", group=OUTPUT),
    "markdown": Option(("--markdown",), "short for --format markdown", group=OUTPUT),
    "format": Option(
        ("--format",),
        "{formats}; to a file where one is named; may be given more than once",
        metavar="FORMAT[:FILE]",
        repeated=True,
        group=OUTPUT,
    ),
    "output": Option(
        ("-o", "--output"),
        "write to a file what would go to standard output",
        metavar="FILE",
        group=OUTPUT,
        completes="file",
    ),
    "step_summary": Option(
        ("--step-summary",),
        "append the markdown report to the file that $GITHUB_STEP_SUMMARY names",
        group=OUTPUT,
    ),
    "color": Option(
        ("--color",),
        "colours in the text (default: auto, on a terminal)",
        choices=("auto", "always", "never"),
        default="auto",
        group=OUTPUT,
    ),
    "all": Option(("--all",), "show packages without torch, too (environments)", group=OUTPUT),
    "verbose": Option(
        ("-v", "--verbose"), "list the symbols behind the answer, and skipped files", group=OUTPUT
    ),
    "quiet": Option(
        ("-q", "--quiet"),
        "nothing on stderr but errors and what fails a check: no notes, warnings or progress bar",
        group=OUTPUT,
    ),
    "no_progress": Option(
        ("--no-progress",), "never draw a progress bar on the terminal", group=OUTPUT
    ),
    # what fails; an audit is asked for one of several checks, compat and diff have one each
    "check": Option(
        ("--check",),
        "fail where a package leaves the torch or the CPython stable ABI; all: by any rule",
        choices=CHECKS,
        group=GATE,
    ),
    "gate": Option(("--check",), "exit with 1 where the answer is not a good one", group=GATE),
    "select": Option(
        ("--select",),
        "report these rules alone: ids or beginnings of ids, with commas between",
        metavar="RULES",
        repeated=True,
        group=GATE,
    ),
    "ignore": Option(
        ("--ignore",),
        "leave these rules out of the report",
        metavar="RULES",
        repeated=True,
        group=GATE,
    ),
    "fail_on": Option(
        ("--fail-on",),
        "least severity that fails the gate (default: error)",
        choices=("error", "warning"),
        group=GATE,
    ),
    "baseline": Option(
        ("--baseline",),
        "fail only on what is new beside a baseline file, a saved JSON report or a TARGET",
        metavar="FILE|TARGET",
        group=GATE,
        completes="file",
    ),
    "write_baseline": Option(
        ("--write-baseline",),
        "write what is found to a baseline file",
        metavar="FILE",
        group=GATE,
        completes="file",
    ),
    "allow_empty": Option(("--allow-empty",), "pass where nothing could be audited", group=GATE),
    "exit_zero": Option(("--exit-zero",), "exit with 0 where the gate fails (1)", group=GATE),
    "config": Option(
        ("--config",),
        "read this file instead of the nearest pyproject.toml with [tool.torch-abi-audit]",
        metavar="FILE",
        group=CONFIGURATION,
        completes="file",
    ),
    "isolated": Option(("--isolated",), "read no configuration at all", group=CONFIGURATION),
}
"""Row to option. A row's name is the attribute that holds its value; of ``gate``, ``check``."""

DOCUMENT = ("format", "output")
"""How a report is written, and where: what every verb takes that writes one."""

INSPECTED = ("targets", "env", "site_packages", "python")
"""What says which packages are inspected."""

WHEELS = ("platform", "python_version", "all_platforms", "history")
"""What says which wheels of an index are taken."""
