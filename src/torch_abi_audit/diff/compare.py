"""Finds the differences between two reports on the same packages, and which are for the worse.

Pure. Compares the releases that a package loads on if both reports contain a load matrix.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from torch_abi_audit.diff import gpus
from torch_abi_audit.diff.difference import Changed, Difference, LibraryChange, Symbols
from torch_abi_audit.judges import JUDGES, TORCH
from torch_abi_audit.knowledge.names.identity import (
    library_key,
    library_keys,
    package_key,
    shared_keys,
    symbol_key,
)
from torch_abi_audit.knowledge.names.pairing import pair_packages, pair_renamed
from torch_abi_audit.knowledge.names.repair_mark import without_marks
from torch_abi_audit.model.loads import Loads
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.releases import release_key, release_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch_abi_audit.judges.interface import Judge
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport


_KINDS = tuple(kind for judge in JUDGES for kind in judge.comparison.kinds)
"""The kinds of ``Symbols``, in listing order."""
_GOOD = 1
"""The highest ``Judge.rank`` that does not count as a problem."""


def diff(old: tuple[PackageReport, ...], new: tuple[PackageReport, ...]) -> tuple[Difference, ...]:
    """Compare two sets of reports: packages on both sides, then added, then removed ones."""
    before = {package_key(one): one for one in old}
    after = {package_key(one): one for one in new}
    pairs = pair_packages(list(before), list(after))
    found = [_package(before[pairs[key]], after[key]) for key in after if key in pairs]
    found += [
        Difference(one.name, None, one, worse=tuple(_worse_alone(one)))
        for key, one in after.items()
        if key not in pairs
    ]
    gone = [one for key, one in before.items() if key not in pairs.values()]
    return (*found, *(Difference(one.name, one, None) for one in gone))


def _package(old: PackageReport, new: PackageReport) -> Difference:
    notes = tuple(gpus.not_compared(old, new))
    old, new = gpus.comparable(old, new)
    shared = {*shared_keys(old), *shared_keys(new)}
    before_keys, after_keys = library_keys(old, shared), library_keys(new, shared)
    before, after = _keyed(old, before_keys), _keyed(new, after_keys)
    pairs = pair_renamed(_used(before), _used(after))
    changed, same = [], 0
    for key in after:
        if key in pairs:
            one = _library(old, new, before[pairs[key]], after[key], moved=key != pairs[key])
            same += one is None
            changed += [] if one is None else [one]
    changed += [
        LibraryChange(None, _path(new, after[key]), tuple(_changes(None, after[key])))
        for key in after
        if key not in pairs
    ]
    changed += [
        LibraryChange(_path(old, one), None, tuple(_changes(one, None)))
        for key, one in before.items()
        if key not in pairs.values()
    ]
    gained, lost = _releases(old, new)
    symbols = tuple(_symbols(_all_names(old.libraries), _all_names(new.libraries)))
    found = _by_key(old, before_keys), _by_key(new, after_keys)
    came = _only_here(found[1], found[0], pairs)
    on_gpus = gpus.of_package(old, new)
    return Difference(
        name=new.name,
        old=old,
        new=new,
        changes=tuple(_of_package(old, new)),
        libraries=tuple(changed),
        unchanged=same,
        symbols=symbols,
        releases_gained=gained,
        releases_lost=lost,
        gpus=on_gpus,
        findings_gained=came,
        findings_lost=_only_here(found[0], found[1], {one: key for key, one in pairs.items()}),
        worse=(
            *_worse(old, new, symbols, lost),
            *gpus.worse(on_gpus, changed, new),
            *_errors(came),
        ),
        notes=notes,
    )


def _keyed(report: PackageReport, keys: Mapping[str, str]) -> dict[str, ExtensionReport]:
    """Map keys to libraries, in the order of their paths."""
    paths = {_path(report, one): one for one in report.libraries}
    return {keys[path]: paths[path] for path in sorted(paths)}


def _used(libraries: Mapping[str, ExtensionReport]) -> dict[str, frozenset[str]]:
    """The symbols that each library uses, of those that reports name."""
    return {
        key: frozenset(symbol_key(name) for _, names in _names(one) for name in names)
        for key, one in libraries.items()
    }


def _path(report: PackageReport, library: ExtensionReport) -> str:
    return relative_path(library, report)


def _library(
    old: PackageReport,
    new: PackageReport,
    before: ExtensionReport,
    after: ExtensionReport,
    *,
    moved: bool,
) -> LibraryChange | None:
    changes = tuple(_changes(before, after))
    symbols = tuple(_symbols(_all_names((before,)), _all_names((after,))))
    if not (changes or symbols or moved):
        return None
    first, second = _path(old, before), _path(new, after)
    on_gpus = gpus.of_library(before, after, boards=gpus.on_boards(old, new))
    return LibraryChange(first if moved else second, second, changes, symbols, on_gpus)


def _changes(old: ExtensionReport | None, new: ExtensionReport | None) -> Iterator[Changed]:
    before, after = _facts(old), _facts(new)
    for what in {**after, **before}:
        first, second = before.get(what), after.get(what)
        if first != second:
            yield Changed(what, first, second)
    if old is not None and new is not None:
        names = _versioned_name(old), _versioned_name(new)
        if names[0] != names[1]:
            yield Changed("file name", *names)
        if (kernels := gpus.sets(old.device_code, new.device_code)) is not None:
            yield kernels


def _facts(library: ExtensionReport | None) -> dict[str, str | None]:
    if library is None:
        return {}
    facts: dict[str, str | None] = {}
    for judge in JUDGES:
        verdict, compared = judge.verdict(library), judge.comparison
        facts[compared.label] = None if verdict is None else str(verdict.label)
        facts[f"{compared.product} floor"] = None if verdict is None else compared.floor(verdict)
    facts |= {TORCH.comparison.label: str(library.label), "error": library.error}
    return facts | gpus.facts(library.device_code)


def _versioned_name(library: ExtensionReport) -> str | None:
    """``libcudart.so.12``, without the hash of a wheel repair; None if the name has no version.

    A key leaves the version out, so that a library and its successor are a pair.
    """
    plain, _ = without_marks(library.name)
    return plain if ".so." in plain else None


def _of_package(old: PackageReport, new: PackageReport) -> Iterator[Changed]:
    before, after = gpus.package_facts(old), gpus.package_facts(new)
    for what, first, second in (
        ("version", old.version, new.version),
        *(row for judge in JUDGES for row in _of_judge(judge, old, new)),
        ("import names", " ".join(old.import_names), " ".join(new.import_names)),
        ("requires torch", old.requires_torch, new.requires_torch),
        ("should require", old.proposed_requires_torch, new.proposed_requires_torch),
        ("oldest python", old.min_python, new.min_python),
        ("oldest glibc", old.glibc, new.glibc),
        ("cuda", _cuda(old), _cuda(new)),
        *((what, before[what], after[what]) for what in before),
    ):
        if first != second:
            yield Changed(what, first or None, second or None)


def _cuda(report: PackageReport) -> str | None:
    return None if report.cuda is None else ", ".join(map(str, report.cuda.majors))


def _of_judge(
    judge: Judge, old: PackageReport, new: PackageReport
) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield the verdict and the floor of one judge: the name, the old and the new value."""
    yield f"{judge.key} verdict", judge.package_verdict(old), judge.package_verdict(new)
    floor = judge.comparison.package_floor
    yield f"{judge.comparison.product} floor", floor(old), floor(new)


def _all_names(libraries: Iterable[ExtensionReport]) -> Mapping[str, dict[str, str]]:
    """The symbols of all ``libraries`` by kind, as a mapping of symbol keys to names."""
    names: dict[str, dict[str, str]] = {}
    for library in libraries:
        for kind, symbols in _names(library):
            names.setdefault(kind, {}).update((symbol_key(one), one) for one in symbols)
    return names


def _names(library: ExtensionReport) -> Iterator[tuple[str, Iterable[str]]]:
    for judge in JUDGES:
        verdict = judge.verdict(library)
        if verdict is not None:
            yield from judge.comparison.symbols(verdict)


def _symbols(
    old: Mapping[str, dict[str, str]], new: Mapping[str, dict[str, str]]
) -> Iterator[Symbols]:
    for kind in _KINDS:
        before, after = old.get(kind, {}), new.get(kind, {})
        gained = tuple(sorted(name for key, name in after.items() if key not in before))
        lost = tuple(sorted(name for key, name in before.items() if key not in after))
        if gained or lost:
            yield Symbols(kind, gained, lost)


def _releases(old: PackageReport, new: PackageReport) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if old.loads is None or new.loads is None:
        return (), ()
    before, after = old.loads.loads_on, new.loads.loads_on
    asked = [one for one in after if one in before]
    came = tuple(one for one in asked if _good(after[one]) and not _good(before[one]))
    return came, tuple(one for one in asked if _good(before[one]) and not _good(after[one]))


def _good(answer: Loads) -> bool:
    return answer in (Loads.YES, Loads.NEEDS_CUDA)


def _by_key(report: PackageReport, keys: Mapping[str, str]) -> list[tuple[str, Finding]]:
    """The findings of a report with the keys of their libraries."""
    return [
        (keys.get(one.library or "") or library_key(report, one.library), one)
        for one in report.findings
    ]


def _only_here(
    these: list[tuple[str, Finding]], others: list[tuple[str, Finding]], pairs: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Findings whose rule has no finding for that library among the others.

    Args:
        these: The findings of one side.
        others: Those of the other side.
        pairs: Key of each library that is on both sides to its key on the other.
    """
    known = {(one.rule, key) for key, one in others}
    return tuple(one for key, one in these if (one.rule, pairs.get(key, key)) not in known)


def _worse(
    old: PackageReport,
    new: PackageReport,
    symbols: tuple[Symbols, ...],
    lost: tuple[str, ...],
) -> Iterator[str]:
    if old.libraries and not new.libraries:
        yield "no compiled library is left"
    for judge in JUDGES:
        (what, first, second), _ = _of_judge(judge, old, new)
        if judge.rank(new) > max(_GOOD, judge.rank(old)):
            yield f"{what}: {first} to {second}"
    worse_kinds = frozenset[str]().union(*(judge.comparison.worse_kinds for judge in JUDGES))
    for one in symbols:
        if one.kind in worse_kinds and one.gained:
            yield f"{len(one.gained)} new {one.kind} symbol{'' if len(one.gained) == 1 else 's'}"
    for judge in JUDGES:
        _, (what, first, second) = _of_judge(judge, old, new)
        if first is not None and second is not None and release_key(second) > release_key(first):
            yield f"{what}: {first} to {second}"
    if lost:
        known = tuple(new.loads.loads_on) if new.loads is not None else ()
        yield f"no longer loads on torch {release_runs(lost, known)}"


def _errors(came: tuple[Finding, ...]) -> Iterator[str]:
    """Yield the new findings that are errors."""
    errors = Counter((one.rule, one.message) for one in came if one.severity == "error")
    for (rule, message), count in errors.items():
        yield f"{rule}: {message}" + (f" ({count} libraries)" if count > 1 else "")


def _worse_alone(report: PackageReport) -> Iterator[str]:
    """Yield the problems of an added package."""
    # only the torch verdict: many packages are not built for abi3
    if TORCH.rank(report) > _GOOD:
        yield f"new package: {report.torch_verdict}"
