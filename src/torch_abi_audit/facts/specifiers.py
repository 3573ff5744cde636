"""Version specifiers on torch: narrowed to the releases that fit, and freed of an upper bound.

Only values: texts and lists of releases in, texts out. Whoever asks has imported ``packaging``.
"""

from __future__ import annotations

from itertools import groupby

from torch_abi_audit.model.releases import minor_of, next_minor, release_key, short
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from packaging.specifiers import Specifier

_FAR = "2.9999"
"""A release far beyond every existing one: a requirement that admits it has no upper bound."""
_RANK = ("===", "==", "~=", ">=", ">", "!=", "<=", "<")
"""The order in which clauses are written."""
_PINS = ("===", "==", "~=")


@dataclass(frozen=True, slots=True)
class Limits:
    """The releases to which a requirement is narrowed."""

    known: Sequence[str]
    """Every known release, oldest first."""
    sure: frozenset[str]
    """Those that are known to fit."""
    bad: frozenset[str]
    """Those that are known not to fit; nothing is known of the others."""
    bounded: bool
    """Whether releases after the known ones must be kept out: the binaries use unstable symbols."""


def is_open(text: str) -> bool:
    """Whether specifiers admit torch releases that do not exist yet."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(text).contains(_FAR)


def narrowed(text: str, limits: Limits, admitted: Sequence[str]) -> str | None:
    """Specifiers that admit only what ``text`` admits, and none of the releases that do not fit.

    Every fitting release stays. A clause is only replaced by one that is stricter; the others stay
    as they are written. None if no fitting release is admitted.

    Args:
        text: The specifiers, separated by commas; empty for any release.
        limits: The releases that fit and that do not.
        admitted: The known releases that ``text`` admits and that can be installed, oldest first.
    """
    kept = _kept(text, admitted, limits)
    if not kept:
        return None
    first, last = kept[0], kept[-1]
    lower = first if any(release_key(one) < release_key(first) for one in admitted) else None
    upper = None
    if any(release_key(one) > release_key(last) for one in admitted) or (
        limits.bounded and is_open(text)
    ):
        upper = _after(last, limits.known)
    if lower is None and upper is not None and not text.strip():
        lower = first  # a requirement without any bound gets both
    clauses = list(_standing(text, lower, upper))
    inside = [one for one in admitted if release_key(first) < release_key(one) < release_key(last)]
    gaps = list(_gaps([one for one in inside if one not in kept], kept))
    if not clauses and not gaps and limits.bounded and lower and upper:
        return _single(kept, limits.known, text) or f">={short(lower)},<{upper}"
    clauses += [f">={short(lower)}"] if lower else []
    clauses += gaps
    clauses += [f"<{upper}"] if upper else []
    return ",".join(sorted(clauses, key=_order))


def without_upper_bound(text: str) -> str | None:
    """The specifiers without what keeps newer releases out; lower bounds and exclusions stay.

    None if they name one build (``==2.9.0+cu128``, ``===2.9.0``), which is meant as it is.
    """
    clauses = []
    for clause in _parsed(text):
        if clause.operator == "===" or "+" in clause.version:
            return None
        if clause.operator in _PINS:
            clauses.append(f">={short(clause.version.removesuffix('.*'))}")
        elif clause.operator not in {"<", "<="}:
            clauses.append(str(clause))
    return ",".join(sorted(clauses, key=_order))


def in_order(text: str) -> str:
    """The same clauses, lower bounds first."""
    return ",".join(sorted(map(str, _parsed(text)), key=_order))


def _parsed(text: str) -> Iterator[Specifier]:
    from packaging.specifiers import Specifier

    for clause in text.split(","):
        if clause.strip():
            yield Specifier(clause.strip())


def _order(clause: str) -> tuple[int, str]:
    operator = next(one for one in _RANK if clause.startswith(one))
    return _RANK.index(operator), clause


def _kept(text: str, admitted: Sequence[str], limits: Limits) -> list[str]:
    """The admitted releases that stay: those that fit, and unknown ones that no bad one parts.

    Specifiers without any clause say nothing of old releases, and those without an upper bound say
    nothing of new ones: there, no unknown release is kept if the binaries use unstable symbols.
    """
    bounded_below = bool(text.strip())
    bounded_above = not (limits.bounded and is_open(text))
    fitting = [at for at, one in enumerate(admitted) if one in limits.sure]
    if not fitting:
        return []
    first, last = fitting[0], fitting[-1]
    while bounded_below and first > 0 and admitted[first - 1] not in limits.bad:
        first -= 1
    while bounded_above and last + 1 < len(admitted) and admitted[last + 1] not in limits.bad:
        last += 1
    return [one for one in admitted[first : last + 1] if one not in limits.bad]


def _after(last: str, known: Sequence[str]) -> str:
    """The upper bound after a release: the next patch release if there is one, or minor release."""
    later = known[known.index(last) + 1 :]
    return later[0] if later and minor_of(later[0]) == minor_of(last) else next_minor(last)


def _standing(text: str, lower: str | None, upper: str | None) -> Iterator[str]:
    """The clauses that the new bounds do not imply."""
    from packaging.version import Version

    for clause in _parsed(text):
        operator, version = clause.operator, clause.version
        if operator in {">=", ">", "!=", "<", "<="}:
            value = Version(version.removesuffix(".*"))
            above = upper is not None and value >= Version(upper)
            below = lower is not None and value <= Version(lower)
            if operator == "!=" and below and lower is not None:
                width = len(value.release)
                around = Version(lower).release[:width] == value.release and version.endswith(".*")
                below = value < Version(lower) and not around
            if (below and operator in {">=", ">", "!="}) or (
                above and operator in {"<", "<=", "!="}
            ):
                continue
        yield str(clause)


def _gaps(missing: Sequence[str], kept: Collection[str]) -> Iterator[str]:
    for minor, group in groupby(missing, key=minor_of):
        if any(minor_of(one) == minor for one in kept):
            yield from (f"!={one}" for one in group)
        else:
            yield f"!={minor}.*"


def _single(kept: Sequence[str], known: Sequence[str], text: str) -> str | None:
    """``==2.9.*`` for all releases of one minor release, ``==2.9.1`` for one release.

    The wildcard also means pre-releases, so it is not for a ``text`` that keeps one of them out.
    """
    from packaging.specifiers import SpecifierSet

    minor = minor_of(kept[0])
    if list(kept) == [one for one in known if minor_of(one) == minor]:
        whole = SpecifierSet(f"=={minor}.*")
        out = [one.version for one in _parsed(text) if one.operator == "!=" and "*" not in str(one)]
        return None if any(whole.contains(one, prereleases=True) for one in out) else f"=={minor}.*"
    return f"=={kept[0]}" if len(kept) == 1 else None
