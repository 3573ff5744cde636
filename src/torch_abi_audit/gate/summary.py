"""Why the gate fails: one line for each package and reason."""

from __future__ import annotations

from collections import Counter

from torch_abi_audit.judges import JUDGES, PYTHON
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.report.wording import plural
from torch_abi_audit.rules import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.judges.interface import Judge
    from torch_abi_audit.model.outcome import Result
    from torch_abi_audit.model.reports import PackageReport

SHOWN = 15
"""Number of symbols listed for one finding; the rest is given as a count."""


def failures(packages: tuple[PackageReport, ...], results: tuple[Result, ...]) -> Iterator[str]:
    """A line for each reason: the package's name, what failed, and how often."""
    for package in packages:
        mine = [one for one in results if one.fails and one.report is package]
        for judge in JUDGES:
            broken = [one for one in mine if _broken(one) == judge.check]
            if broken:
                count = plural(len(broken), _kind(broken, judge, package))
                yield f"{package.name}: {count} outside of the {judge.abi}{_partly(broken)}"
        rest = Counter(one.finding.rule for one in mine if _broken(one) is None)
        for rule_id, times in rest.items():
            what = f"{plural(times, 'finding')} of {rule_id} {rule(rule_id).name}"
            yield f"{package.name}: {what}{_required(rule_id, mine)}"
    yield from (one.finding.message for one in results if one.fails and one.report is None)


def standing_symbols(results: tuple[Result, ...]) -> Iterator[str]:
    """The symbols that remain of findings of which an ignore or a baseline hides the others."""
    for one in results:
        if one.fails and one.hidden:
            for symbol in one.finding.evidence[:SHOWN]:
                yield f"{one.where}: {symbol}"
            if len(one.finding.evidence) > SHOWN:
                yield f"{one.where}: ... {len(one.finding.evidence) - SHOWN} more"


def _broken(result: Result) -> str | None:
    """The check of the ABI that the library leaves, if that is what the finding reports."""
    one = rule(result.finding.rule)
    return one.check if one.row else None


def _required(rule_id: str, results: list[Result]) -> str:
    """What is required and not there, such as ``: V100 (7.0) and RTX 50 (12.0)``; else empty."""
    if not rule(rule_id).required:
        return ""
    from torch_abi_audit.rules.device_code import named  # only GPUs are required in this sense

    mine = [one.finding for one in results if one.finding.rule == rule_id]
    return f": {named(target for one in mine for target in one.evidence)}"


def _kind(broken: list[Result], judge: Judge, package: PackageReport) -> str:
    """``extension module`` if all findings about CPython's ABI are in these, else ``library``."""
    modules = {relative_path(one, package) for one in package.extensions}
    in_modules = judge is PYTHON and all(one.finding.library in modules for one in broken)
    return "extension module" if in_modules else "library"


def _partly(results: list[Result]) -> str:
    hidden = sum(len(one.hidden) for one in results)
    if not hidden:
        return ""
    left = sum(len(one.finding.evidence) for one in results)
    return f" ({plural(left, 'symbol')}; {hidden} more ignored or in the baseline)"
