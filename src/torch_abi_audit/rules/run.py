"""E, N, I: what a run could not read, did not find, or was told to leave out."""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.wording import plural
from torch_abi_audit.rules.definition import About, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.rules import ReportDetectors, RunDetectors
    from torch_abi_audit.rules.reported import Reported, Upkeep


E001 = Rule(
    "E001",
    "unreadable-library",
    "A library could not be read",
    "Nothing is known about it, and what is not known is not clean: the run ends with exit "
    "code 2, whatever the gate says.",
    "Build or download the file again; where it is damaged on purpose, such as test data, "
    "ignore E001 for that library with a reason.",
    Severity.ERROR,
    example="lib/_C.so: cut short: the dynamic section ends at 4096 of 912 bytes",
    baseline=False,
    row=True,
    unread=True,
)


def unread(reported: Reported) -> Iterator[Finding]:
    """The package that could not be found or opened, or each library that could not be read."""
    if reported.package.error is not None:
        yield E001.finding(reported.package.error)
    for path, library in reported.libraries:
        if library.torch is None or library.cpython is None or library.error is not None:
            yield E001.finding(library.error or "it could not be read", library=path)


N001 = Rule(
    "N001",
    "nothing-audited",
    "A target holds no compiled library",
    "A gate that looks at nothing passes for ever: a moved build directory or a renamed wheel "
    "would go unseen. Where no target holds a library, the gate ends with exit code 3.",
    "Name the target that holds the libraries, or give `--allow-empty`.",
    Severity.WARNING,
    example="mypkg: no compiled libraries found",
    about=About.PACKAGE,
    baseline=False,
    row=True,
)


def empty(reported: Reported) -> Iterator[Finding]:
    """A package that was read and holds no library."""
    package = reported.package
    if not reported.may_be_empty and package.error is None and not package.libraries:
        yield N001.finding(f"no compiled libraries found in {package.root}")


I001 = Rule(
    "I001",
    "expired-ignore",
    "An ignore of the configuration is past its date",
    "It no longer hides anything: what it covered is reported again.",
    "Fix what it covered and remove it, or give it a new date with a new reason.",
    Severity.ERROR,
    example="pyproject.toml:12: the ignore of T101 in lib/*core* expired on 2026-01-31",
    about=About.RUN,
    baseline=False,
)

I002 = Rule(
    "I002",
    "unused-ignore",
    "An ignore of the configuration matches nothing",
    "It waits for the next finding that happens to match, and hides that.",
    "Remove it, or correct its globs.",
    Severity.WARNING,
    example="pyproject.toml:12: the ignore of T101 in lib/*core* matches nothing",
    about=About.RUN,
    baseline=False,
)


def idle_ignores(upkeep: Upkeep) -> Iterator[Finding]:
    """Each ignore that hides nothing, in the order of the configuration."""
    for one in upkeep.ignores:
        if one.expired is not None:
            yield I001.finding(f"{one.text} expired on {one.expired}")
        else:
            yield I002.finding(f"{one.text} matches nothing")


I003 = Rule(
    "I003",
    "stale-baseline-entry",
    "An entry of the baseline is no longer found",
    "It has been fixed, and as long as it stays in the file it can come back unseen.",
    "Write the baseline again (`--write-baseline`), and commit the shorter file.",
    Severity.ERROR,
    itemized=True,
    example="abi-baseline.json: T101 in lib/_C: 2 symbols are fixed and must leave the file",
    about=About.RUN,
    baseline=False,
)


def stale_entries(upkeep: Upkeep) -> Iterator[Finding]:
    """Each entry of the baseline, or the part of one, that is fixed."""
    for one in upkeep.fixed:
        where = one.key.library or one.key.package
        verb = "are" if len(one.symbols) > 1 else "is"
        what = f": {plural(len(one.symbols), 'symbol')}" if one.symbols else ""
        yield I003.finding(
            f"{upkeep.baseline}: {one.key.rule} in {where}{what} {verb} fixed and must leave the "
            "file",
            evidence=one.symbols,
        )


REPORT_DETECTORS: ReportDetectors = {unread: (E001,), empty: (N001,)}
RUN_DETECTORS: RunDetectors = {idle_ignores: (I001, I002), stale_entries: (I003,)}
