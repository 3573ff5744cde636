"""Tells each fact once: findings of one rule that say the same of several libraries are one fact.

What a rule says is the same where the messages are equal, or where they differ only in the names
that they list and have one of these in common: if the first library lacks ``a``, the second ``a``
and ``b``, and the third ``b``, one fact names ``a`` and ``b``, and the three libraries.

Of a rule that ``unites``, findings need no name in common. Of a rule with ``one_floor``, they may
differ in their numbers: ``needs glibc 2.14 to 2.17, …``.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

from torch_abi_audit.report.wording import NOUNS, plural, several
from torch_abi_audit.rules import rule
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.model.findings import Finding

SHOWN = 3
"""Maximum number of libraries that the short form of a fact names."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a rule says, of a package or of some of its libraries."""

    message: str
    evidence: tuple[str, ...]
    """The evidence of all its findings: what most of them have first."""
    members: tuple[int, ...]
    """The positions of its findings, in their order; those with the highest numbers first, where
    the numbers differ."""


def facts(findings: Sequence[Finding]) -> tuple[Fact, ...]:
    """The facts in findings on one package.

    Rules are in the order of their first findings; of one rule, the fact about the most libraries
    comes first.
    """
    rules: dict[tuple[str, str], list[int]] = {}
    for at, one in enumerate(findings):
        rules.setdefault((one.severity, one.rule), []).append(at)
    return tuple(fact for members in rules.values() for fact in _of_rule(findings, members))


def places(paths: Sequence[str], *, most: int | None = SHOWN) -> str:
    """Where a fact holds: the library, or ``3 libraries (a, b and c)``.

    Args:
        paths: The paths of the libraries, or of the package.
        most: How many to name; all if None.
    """
    if len(paths) == 1:
        return paths[0]
    return f"{plural(len(paths), 'library')} ({several(paths, most=most)})"


def _of_rule(findings: Sequence[Finding], members: Sequence[int]) -> list[Fact]:
    kind = rule(findings[members[0]].rule)
    equal: dict[object, list[int]] = {}
    for at in members:
        one = findings[at]
        equal.setdefault(at if one.library is None else (one.message, one.fix), []).append(at)
    alike: dict[object, list[list[int]]] = {}
    for key, group in equal.items():
        listings = {_listing(findings[at])[0] for at in group}
        shared = listings.pop() if len(listings) == 1 else None
        alike.setdefault(key if shared is None else shared, []).append(group)
    if kind.one_floor:
        found = [_floor(findings, part) for part in _by_template(findings, members)]
    elif kind.unites:
        found = [_fact(findings, sorted(chain(*groups))) for groups in alike.values()]
    else:
        parts = [part for groups in alike.values() for part in _connected(findings, groups)]
        found = [_fact(findings, part) for part in parts]
    found.sort(key=lambda one: (-len(one.members), one.members[0]))
    return found


def _by_template(findings: Sequence[Finding], members: Iterable[int]) -> list[list[int]]:
    """Findings with equal fixes, and messages that are equal but for their numbers."""
    found: dict[object, list[int]] = {}
    for at in members:
        one = findings[at]
        words = tuple(_split(word)[0] for word in one.message.split(" "))
        found.setdefault((words, one.fix), []).append(at)
    return list(found.values())


def _floor(findings: Sequence[Finding], members: Sequence[int]) -> Fact:
    """Findings of one template as a fact, with the least and the greatest of their numbers."""
    columns = zip(*(findings[at].message.split(" ") for at in members), strict=True)
    words = []
    for column in columns:
        most, least = max(column, key=_number), min(column, key=_number)
        words.append(most if least == most else f"{least.rstrip(',')} to {_split(most)[1]}")
    ordered = sorted(members, key=lambda at: _numbers(findings[at]), reverse=True)
    one = _fact(findings, ordered)
    return Fact(" ".join(words), one.evidence, one.members)


def _numbers(one: Finding) -> list[tuple[int, ...]]:
    return [_number(word) for word in one.message.split(" ")]


def _number(word: str) -> tuple[int, ...]:
    parts = _split(word)[1].rstrip(",").split(".")
    return tuple(int(part) for part in parts if part)


def _split(word: str) -> tuple[str, str]:
    """A word and the number at its end, with a comma after it: ``GLIBC_``, ``2.17,``."""
    stem = word.rstrip(",").rstrip(".0123456789")
    return stem, word[len(stem) :]


@dataclass(frozen=True, slots=True)
class _Listing:
    """A message with a list of names in it, and the fix; equal if only the names differ."""

    before: str
    after: str
    fix: str


def _listing(one: Finding) -> tuple[_Listing | None, str]:
    """The message around the names of its evidence that it lists as ``some`` does; their noun.

    None if it lists none, or says how many there are.
    """
    if not one.evidence or one.library is None:
        return None, ""
    before, found, after = one.message.partition(one.evidence[0])
    if not found or _goes_on(after) or any(word.isdecimal() for word in before.split()):
        return None, ""
    others = len(one.evidence) - 1
    noun = ""
    if others and after.startswith(f" and {others} more"):
        counted = (f" and {plural(others, f'more {noun}')}" for noun in NOUNS)
        named = zip(NOUNS, counted, strict=True)
        noun = next((noun for noun, words in named if after.startswith(words)), "")
        words = plural(others, f"more {noun}") if noun else f"{others} more"
        after = after.removeprefix(f" and {words}")
    return _Listing(before, after, one.fix), noun


def _goes_on(after: str) -> bool:
    """Whether a name before ``after`` was only the beginning of a longer one."""
    return after[:1].isalnum() or (after[:1] in tuple("._-") and after[1:2].isalnum())


def _connected(findings: Sequence[Finding], groups: Iterable[list[int]]) -> Iterator[list[int]]:
    """Join groups of findings that share evidence, directly or through others."""
    parts: list[tuple[set[str], list[int]]] = []
    for group in groups:
        names = {name for at in group for name in findings[at].evidence}
        members = list(group)
        apart = []
        for part in parts:
            if names.isdisjoint(part[0]):
                apart.append(part)
            else:
                names |= part[0]
                members += part[1]
        parts = [*apart, (names, members)]
    yield from (sorted(members) for _, members in parts)


def _fact(findings: Sequence[Finding], members: Sequence[int]) -> Fact:
    given = [findings[at] for at in members]
    first = given[0]
    if all(one.evidence == first.evidence and one.message == first.message for one in given):
        return Fact(first.message, first.evidence, tuple(members))
    times = Counter(name for one in given for name in dict.fromkeys(one.evidence))
    evidence = tuple(sorted(times, key=lambda name: (-times[name], name)))
    message = first.message
    listing, *others = {part: None for part, _ in map(_listing, given)}
    if listing is not None and not others:
        noun = max(noun for _, noun in map(_listing, given))
        message = listing.before + several(evidence, noun) + listing.after
    return Fact(message, evidence, tuple(members))
