"""Which rules are reported, and which of them fail the gate.

``--check`` decides what fails; ``--select`` and ``--ignore`` decide what is reported.
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
    from torch_abi_audit.rules.definition import Rule


BOTH, ALL = "both", "all"


def checks() -> tuple[str, ...]:
    """The values of ``--check``.

    The check of one of ``JUDGES`` fails on every finding of a rule that names it: a library outside
    of torch's ABI; for CPython's ABI, a library that breaks a claim to it, and an extension module
    of a package that uses torch without such a claim. ``both`` fails on either. ``all`` adds every
    rule that is on, by its severity.
    """
    return (*(judge.check for judge in JUDGES), BOTH, ALL)


_WEIGHT = {Severity.NOTE: 0, Severity.WARNING: 1, Severity.ERROR: 2}


@dataclass(frozen=True, slots=True)
class Selection:
    """What is reported and what fails."""

    check: str | None = None
    """One of ``checks``."""
    select: tuple[str, ...] = ()
    """Ids and prefixes of ids; ``ALL`` means every rule, on by default or not."""
    ignore: tuple[str, ...] = ()
    """Ids and prefixes of ids that are not reported."""
    fail_on: Severity | None = None
    """Lowest severity that fails the gate, for rules that ``check`` does not cover."""
    only_required: bool = False
    """Whether only ``required`` rules fail if there is neither ``check`` nor ``select``."""

    def reports(self, rule_id: str) -> bool:
        """Whether findings of a rule are reported; a longer prefix beats a shorter one."""
        one = rule(rule_id)
        if one.unread:  # only an ignore that names the library can hide it
            return True
        ignored = _longest(rule_id, self.ignore)
        if self.select:
            chosen = _longest(rule_id, self.select)
            if chosen < 0 and not self._names(one) and one.about is not About.RUN:
                return False
            return ignored < 0 or chosen > ignored
        return ignored < 0 and (one.default or self._names(one))

    def fails(self, finding: Finding) -> bool:
        """Whether a finding that is reported and not hidden fails the gate."""
        one = rule(finding.rule)
        if one.unread:  # the run already ends with exit code 2
            return False
        if self._names(one):
            return True
        if one.about is About.RUN or one.required:  # independent of ``check`` and ``select``
            return self._weighs(finding, Severity.ERROR)
        if self.select and _longest(finding.rule, self.select) >= 0:
            return self._weighs(finding, Severity.NOTE)
        unsaid = self.check is None and not self.select
        whole = self.check == ALL or (unsaid and not self.only_required)
        return whole and self._weighs(finding, Severity.ERROR)

    def _weighs(self, finding: Finding, least: Severity) -> bool:
        return _WEIGHT[finding.severity] >= _WEIGHT[self.fail_on or least]

    def _names(self, one: Rule) -> bool:
        """Whether ``check`` covers the ABI that a rule belongs to."""
        return one.check is not None and self.check in (one.check, BOTH, ALL)


def unknown_rule(word: str) -> str | None:
    """An error message for a word that is neither a rule id nor a prefix of one; else None."""
    if word == "ALL" or any(known.startswith(word) for known in rules()):
        return None
    return f"no rule is called {word}{nearest(word, [*rules(), 'ALL'])}"


def nearest(word: str, known: list[str]) -> str:
    """A hint at the closest known word, ``; did you mean T101?``; empty if none is close."""
    from difflib import get_close_matches  # only for error messages

    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _longest(rule_id: str, words: tuple[str, ...]) -> int:
    """Length of the longest word that covers a rule; 0 for ``ALL``, -1 if none does."""
    covering = [0 if one == "ALL" else len(one) for one in words if _covers(one, rule_id)]
    return max(covering, default=-1)


def _covers(word: str, rule_id: str) -> bool:
    return word == "ALL" or (bool(word) and rule_id.startswith(word))
