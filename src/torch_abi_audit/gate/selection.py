"""Which rules are reported, and which of them fail the gate.

``--check`` says what fails, ``--select`` and ``--ignore`` say what is reported.
"""

from __future__ import annotations

from torch_abi_audit.judges import JUDGES
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules import rule, rules
from torch_abi_audit.rules.definition import About
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.rules.definition import Rule


BOTH, ALL = "both", "all"


def checks() -> tuple[str, ...]:
    """What ``--check`` may demand.

    The check of one of ``JUDGES``: no library (of CPython's ABI: no extension module of a package
    that uses torch) leaves that ABI. ``both``: none leaves any ABI. ``all``: that, and every rule
    that is on, by its severity.
    """
    return (*(judge.check for judge in JUDGES), BOTH, ALL)


_WEIGHT = {Severity.NOTE: 0, Severity.WARNING: 1, Severity.ERROR: 2}


@dataclass(frozen=True, slots=True)
class Selection:
    """What is reported and what fails."""

    check: str | None = None
    """One of ``checks``."""
    select: tuple[str, ...] = ()
    """Ids and prefixes of ids; ``ALL`` is every rule, on by default or not."""
    ignore: tuple[str, ...] = ()
    fail_on: Severity | None = None
    """Least severity that fails the gate, for rules that a named ``check`` does not hold."""

    def reports(self, rule_id: str) -> bool:
        """Whether findings of a rule are shown; a longer prefix beats a shorter one."""
        one = rule(rule_id)
        if one.unread:  # what could not be read is left out for one library, never for all
            return True
        ignored = _longest(rule_id, self.ignore)
        if self.select:
            chosen = _longest(rule_id, self.select)
            if chosen < 0 and not self._names(one) and one.about is not About.RUN:
                return False
            return ignored < 0 or chosen > ignored
        return ignored < 0 and (one.default or self._names(one))

    def fails(self, finding: Finding, package: PackageReport | None) -> bool:
        """Whether a finding that is reported and stands fails the gate."""
        one = rule(finding.rule)
        if one.unread:  # exit code 2 says it already
            return False
        if self._names(one):
            return not one.modules_only or self._of_module(finding, package)
        if one.about is About.RUN:  # whatever else is checked
            return self._weighs(finding, Severity.ERROR)
        if self.select and _longest(finding.rule, self.select) >= 0:
            return self._weighs(finding, Severity.NOTE)
        whole = self.check == ALL or (self.check is None and not self.select)
        return whole and self._weighs(finding, Severity.ERROR)

    def _weighs(self, finding: Finding, least: Severity) -> bool:
        return _WEIGHT[finding.severity] >= _WEIGHT[self.fail_on or least]

    def _names(self, one: Rule) -> bool:
        """Whether the check is for the ABI that a rule belongs to."""
        return one.check is not None and self.check in (one.check, BOTH, ALL)

    def _of_module(self, finding: Finding, package: PackageReport | None) -> bool:
        """A broken claim elsewhere fails ``all`` by its severity, and no named check."""
        if package is not None and package.uses_torch:
            from torch_abi_audit.model.paths import relative_path  # a gate's need

            modules = {relative_path(one, package) for one in package.extensions}
            if finding.library in modules:
                return True
        return self.check == ALL and self._weighs(finding, Severity.ERROR)


def unknown_rule(word: str) -> str | None:
    """Why a word is neither a rule's id nor the beginning of some, with the nearest; else None."""
    if word == "ALL" or any(known.startswith(word) for known in rules()):
        return None
    return f"no rule is called {word}{nearest(word, [*rules(), 'ALL'])}"


def nearest(word: str, known: list[str]) -> str:
    """A hint that names what was likely meant: ``; did you mean T101?``, or nothing."""
    from difflib import get_close_matches  # for mistakes alone

    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _longest(rule_id: str, words: tuple[str, ...]) -> int:
    """Length of the longest word that covers a rule; 0 for ``ALL``, -1 where none does."""
    covering = [0 if one == "ALL" else len(one) for one in words if _covers(one, rule_id)]
    return max(covering, default=-1)


def _covers(word: str, rule_id: str) -> bool:
    return word == "ALL" or (bool(word) and rule_id.startswith(word))
