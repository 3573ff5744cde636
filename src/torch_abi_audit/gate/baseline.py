"""Baselines: known findings pass, new findings fail, and fixed findings must leave the file."""

from __future__ import annotations

from collections import defaultdict

from torch_abi_audit.gate.ignores import narrowed
from torch_abi_audit.knowledge.names.identity import library_keys, symbol_key
from torch_abi_audit.knowledge.names.pairing import pair_known, pair_packages
from torch_abi_audit.model.outcome import Entry, Key, Result, Status
from torch_abi_audit.rules import detect_in_run, rule, rules
from torch_abi_audit.rules.reported import Upkeep
from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from torch_abi_audit.gate.selection import Selection
    from torch_abi_audit.model.findings import Finding


@dataclass(frozen=True, slots=True)
class Baseline:
    """The findings of an earlier run."""

    entries: tuple[Entry, ...]
    name: str
    """What the baseline was read from, for messages."""
    is_file: bool = True
    """Whether it is a baseline file, whose entries must be removed once they are fixed."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The results of a run, compared with a baseline."""

    results: tuple[Result, ...]
    fixed: tuple[Entry, ...]
    """Baseline entries, or parts of them, that the run no longer finds."""
    stale: tuple[Finding, ...]
    """A finding for each of ``fixed`` if the baseline is a file; else empty."""


def held(results: Iterable[Result]) -> tuple[Result, ...]:
    """The results that go into a baseline: all but ignored ones and rules that are never in one."""
    return tuple(
        one for one in results if one.status is not Status.IGNORED and rule(one.key.rule).baseline
    )


def entries(results: Iterable[Result]) -> tuple[Entry, ...]:
    """The entries of a baseline file: one for each rule and library, with each symbol once."""
    found: dict[Key, dict[str, str]] = defaultdict(dict)
    for one in held(results):
        found[one.key].update(_symbols(one))
    ordered = sorted(found, key=lambda key: (key.package, key.library, key.rule))
    return tuple(Entry(key, tuple(sorted(found[key].values()))) for key in ordered)


def compare(
    baseline: Baseline,
    audited: Collection[str],
    results: tuple[Result, ...],
    selection: Selection,
) -> Compared:
    """Mark the results that the baseline holds as known, and find its entries that are fixed.

    Args:
        baseline: The earlier findings.
        audited: Keys of the packages of this run; entries of other packages are left alone.
        results: The findings of this run, with ignores applied.
        selection: Entries of rules that it does not report are left alone.
    """
    keys = _old_keys(baseline, audited, results)
    known = {one.key: {symbol_key(each) for each in one.symbols} for one in baseline.entries}
    fixed = tuple(_fixed(baseline, audited, results, keys, selection))
    stale = Upkeep(baseline=baseline.name, fixed=fixed if baseline.is_file else ())
    return Compared(
        results=tuple(_let_pass(one, known.get(keys[one.key]), baseline) for one in results),
        fixed=fixed,
        stale=tuple(detect_in_run(stale)),
    )


def _old_keys(
    baseline: Baseline, audited: Collection[str], results: Iterable[Result]
) -> Mapping[Key, Key]:
    """Each key of this run to the key under which the baseline would hold it."""
    old: dict[str, set[str]] = defaultdict(set)
    for entry in baseline.entries:
        old[entry.key.package].add(entry.key.library)
    new: dict[str, dict[str, None]] = {package: {} for package in sorted(audited)}
    present = list(results)
    reports = {id(one.report): one for one in present if one.report is not None}
    for one in reports.values():  # an entry stays with its library, even if that is fixed
        if one.report is not None:
            libraries = library_keys(one.report).values()
            new.setdefault(one.key.package, {}).update(dict.fromkeys(libraries))
    for one in present:
        new.setdefault(one.key.package, {})[one.key.library] = None
    packages = pair_packages(sorted(old), list(new))
    paired = {
        package: pair_known(sorted(old[packages[package]]), list(new[package]))
        for package in new
        if package in packages
    }
    keys = {}
    for key in {one.key for one in present}:
        package = packages.get(key.package, key.package)
        library = paired.get(key.package, {}).get(key.library, key.library)
        keys[key] = Key(package, library, key.rule)
    return keys


def _let_pass(result: Result, held: set[str] | None, baseline: Baseline) -> Result:
    if held is None or result.status is not Status.OPEN or not rule(result.key.rule).baseline:
        return result
    known = replace(result, status=Status.KNOWN, reason=baseline.name)
    if not rule(result.key.rule).itemized:
        return known
    evidence = result.finding.evidence
    standing = tuple(one for one in evidence if symbol_key(one) not in held)
    if not standing:
        return known
    gone = tuple(one for one in evidence if one not in standing)
    return narrowed(result, standing, gone) if gone else result


def _fixed(
    baseline: Baseline,
    audited: Collection[str],
    results: tuple[Result, ...],
    keys: Mapping[Key, Key],
    selection: Selection,
) -> Iterator[Entry]:
    paired = pair_packages(sorted({one.key.package for one in baseline.entries}), sorted(audited))
    looked_at = set(paired.values())
    seen: dict[Key, set[str]] = defaultdict(set)
    unread: set[tuple[str, str]] = set()
    for one in results:
        key = keys[one.key]
        seen[key].update(_symbols(one))
        if rule(key.rule).unread:
            unread.add((key.package, key.library))
    for entry in baseline.entries:
        package, library = entry.key.package, entry.key.library
        if (
            package not in looked_at
            or entry.key.rule not in rules()
            or not selection.reports(entry.key.rule)
            or not unread.isdisjoint({(package, library), (package, "")})
        ):
            continue
        if entry.key not in seen:
            yield entry
        elif entry.symbols:
            left = seen[entry.key]
            gone = tuple(one for one in entry.symbols if symbol_key(one) not in left)
            if gone:
                yield Entry(entry.key, gone)


def _symbols(result: Result) -> dict[str, str]:
    """Symbol keys to symbols; empty unless the rule's evidence is itemized."""
    if not rule(result.key.rule).itemized:
        return {}
    return {symbol_key(one): one for one in result.finding.evidence + result.hidden}
