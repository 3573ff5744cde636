"""Release numbers: their order, how lists of them are written, and specifiers for them."""

from __future__ import annotations

from itertools import groupby

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


def short(release: str) -> str:
    """``2.11.0`` as ``2.11``; a patch release unchanged."""
    return release.removesuffix(".0") if release.count(".") == 2 else release


def minor_of(release: str) -> str:
    """``2.11.1`` as ``2.11``."""
    return ".".join(release.split(".")[:2])


def next_minor(release: str) -> str:
    """``2.11.1`` as ``2.12``."""
    major, minor = release.split(".")[:2]
    return f"{major}.{int(minor) + 1}"


def release_runs(some: Collection[str], known: Sequence[str]) -> str:
    """``some`` of the ``known`` releases as text, oldest first: ``2.4.1, 2.5.0, 2.8.0 to 2.10.0``.

    Three or more neighbouring releases are written as a range. Every text that lists releases uses
    this form.
    """
    ordered = sorted(set(known).union(some), key=release_key)
    spans = []
    for chosen, group in groupby(ordered, key=lambda each: each in some):
        run = list(group)
        if chosen:
            spans += run if len(run) < 3 else [f"{run[0]} to {run[-1]}"]
    return ", ".join(spans)


def exact(loads_on: Mapping[str, str], good: Collection[str]) -> str | None:
    """A requirement on torch that admits exactly the known releases with a ``good`` answer.

    It has an upper bound, so it admits no later release. None if no release has a good answer.
    """
    known = sorted(loads_on, key=release_key)
    loading = [each for each in known if loads_on[each] in good]
    if not loading:
        return None
    first, last = loading[0], loading[-1]
    inside = known[known.index(first) : known.index(last) + 1]
    minors = {minor: list(group) for minor, group in groupby(known, key=minor_of)}
    if minor_of(first) == minor_of(last) and loading == minors[minor_of(first)]:
        return f"torch=={minor_of(first)}.*"
    if first == last:
        return f"torch=={first}"
    after = known[known.index(last) + 1 :]
    upper = after[0] if after and minor_of(after[0]) == minor_of(last) else next_minor(last)
    gaps = _gaps([each for each in inside if each not in loading], minors)
    return ",".join([f"torch>={short(first)}", *gaps, f"<{upper}"])


def _gaps(missing: Iterable[str], minors: Mapping[str, Sequence[str]]) -> list[str]:
    gaps = []
    for minor, group in groupby(missing, key=minor_of):
        run = list(group)
        whole = run == list(minors[minor])
        gaps += [f"!={minor}.*"] if whole else [f"!={each}" for each in run]
    return gaps


def release_key(version: str) -> tuple[int, ...]:
    """Order of final releases: ``2.9.1`` before ``2.10.0``, and ``2.10`` equal to ``2.10.0``.

    Raises:
        ValueError: a part is not a number.
    """
    key = [int(part) for part in version.split(".")]
    while key and key[-1] == 0:
        key.pop()
    return tuple(key)
