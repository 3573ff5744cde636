"""E001, N001, I001 to I003: unreadable libraries, empty targets, stale ignores and baselines."""

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
    "Nothing is known about the library, so it does not count as clean: the run ends with exit "
    "code 2, whatever the gate says.",
    "Build or download the file again; if it is damaged on purpose, as test data may be, ignore "
    "E001 for that library and give a reason.",
    Severity.ERROR,
    example="lib/_C.so: cut short: the dynamic section ends at 4096 of 912 bytes",
    baseline=False,
    row=True,
    unread=True,
)


def unread(reported: Reported) -> Iterator[Finding]:
    """A package that could not be found or opened, and each library that could not be read."""
    if reported.package.error is not None:
        yield E001.finding(reported.package.error)
    for path, library in reported.libraries:
        if library.torch is None or library.cpython is None or library.error is not None:
            yield E001.finding(library.error or "could not be read", library=path)


N001 = Rule(
    "N001",
    "nothing-audited",
    "A target contains no compiled library",
    "A gate that looks at nothing always passes, so a moved build directory or a renamed wheel "
    "would go unnoticed. If no target contains a library, the gate ends with exit code 3.",
    "Name the target that contains the libraries, or pass `--allow-empty`.",
    Severity.WARNING,
    example="mypkg: no compiled libraries found in build/mypkg",
    about=About.PACKAGE,
    baseline=False,
    row=True,
)


def empty(reported: Reported) -> Iterator[Finding]:
    """A package that was read and contains no library, where that is not allowed."""
    package = reported.package
    if not reported.may_be_empty and package.error is None and not package.libraries:
        yield N001.finding(f"no compiled libraries found in {package.root}")


I001 = Rule(
    "I001",
    "expired-ignore",
    "An ignore in the configuration has expired",
    "An expired ignore hides nothing: the findings that it covered are reported again.",
    "Fix the findings and remove the ignore, or give it a new date and a new reason.",
    Severity.ERROR,
    example="pyproject.toml:12: the ignore of T101 in lib/*core* expired on 2026-01-31",
    about=About.RUN,
    baseline=False,
)

I002 = Rule(
    "I002",
    "unused-ignore",
    "An ignore in the configuration matches nothing",
    "The ignore will hide the next finding that happens to match it.",
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
    "A finding in the baseline no longer occurs",
    "The finding is fixed; as long as its entry stays in the file, it can come back unnoticed.",
    "Write the baseline again (`--write-baseline`), and commit the shorter file.",
    Severity.ERROR,
    itemized=True,
    example="abi-baseline.json: T101 in lib/_C: 2 symbols are fixed and must be removed from the "
    "file",
    about=About.RUN,
    baseline=False,
)


def stale_entries(upkeep: Upkeep) -> Iterator[Finding]:
    """Each baseline entry, or part of one, that this run no longer finds."""
    for one in upkeep.fixed:
        where = one.key.library or one.key.package
        verb = "are" if len(one.symbols) > 1 else "is"
        what = f": {plural(len(one.symbols), 'symbol')}" if one.symbols else ""
        yield I003.finding(
            f"{upkeep.baseline}: {one.key.rule} in {where}{what} {verb} fixed and must be removed "
            "from the file",
            evidence=one.symbols,
        )


REPORT_DETECTORS: ReportDetectors = {unread: (E001,), empty: (N001,)}
RUN_DETECTORS: RunDetectors = {idle_ignores: (I001, I002), stale_entries: (I003,)}
