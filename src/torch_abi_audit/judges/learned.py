"""Learns which torch release each library is for, where names have only a number.

``pg_2_11_0.cpython-312-….so`` beside ``pg_2_12_0…`` may be for torch 2.11.0 and 2.12.0, or may be
releases of something else. It is taken for a torch release only on this evidence:

- the names (file or directory) are equal but for the number, and every number is a known release of
  torch;
- at least two of the libraries use torch, and each of them loads on its own release (on one of its
  patch releases), as far as the index knows it;
- at least one of them does not load on the release of another.

A version that follows the suffix (``libx.so.2.10``, ``libx.2.10.dylib``) is the library's own.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.alternatives import Stated
from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.knowledge.names.variants import mark, readings
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.loads import Loads
from torch_abi_audit.model.releases import minor_of
from torch_abi_audit.runtime.once import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch_abi_audit.knowledge.names.variants import Release

    Number = tuple[tuple[str, ...], str, int, int]
    """The parts or the digits of a number, and where it is in the path."""

_SERVED = (Loads.YES, Loads.NEEDS_CUDA)


def learned(
    paths: Iterable[str], loads_on: Callable[[Sequence[str]], Mapping[str, Mapping[str, Loads]]]
) -> dict[str, Stated]:
    """Return the torch release of each library whose number was found to be one.

    Args:
        paths: The paths of the libraries below the root of the package.
        loads_on: Returns the answers of libraries for every known release; omits libraries that do
            not use torch or cannot be judged. Called only if some names have such numbers.
    """
    groups: dict[str, dict[str, Number]] = {}
    for path in paths:
        for stem, number in _numbers(path):
            groups.setdefault(stem, {})[path] = number
    groups = {stem: each for stem, each in groups.items() if len(each) > 1}
    if not groups:
        return {}
    answers = loads_on(sorted({path for each in groups.values() for path in each}))
    found: dict[str, Stated] = {}
    for numbers in groups.values():
        for patches in (False, True) if any(one[1] for one in numbers.values()) else (None,):
            read = readings({at: one[:2] for at, one in numbers.items()}, patches=patches)
            if _proven(read, answers):
                found |= {
                    path: Stated(release, *numbers[path][2:])
                    for path, release in read.items()
                    if release is not None
                }
                break
    return found


def _proven(read: Mapping[str, Release | None], answers: Mapping[str, Mapping[str, Loads]]) -> bool:
    """Whether numbers are torch releases, by what the libraries load on."""
    known = _known()
    if any(one is None or one.text not in known for one in read.values()):
        return False
    if len(set(read.values())) < 2:
        return False
    own = {
        path: [release for release in answers[path] if one is not None and one.serves(release)]
        for path, one in read.items()
        if path in answers
    }
    own = {path: releases for path, releases in own.items() if releases}
    if len({read[path] for path in own}) < 2:
        return False
    if not all(
        any(answers[path][each] in _SERVED for each in releases) for path, releases in own.items()
    ):
        return False
    return any(
        answers[path][each] is Loads.NO
        for path in own
        for other, releases in own.items()
        if other != path
        for each in releases
    )


def _numbers(path: str) -> Iterable[tuple[str, Number]]:
    """The numbers in a path that may be releases of torch; each with the path without it."""
    if not any(each in path for each in ("1", "2")) or mark(path) is not None:
        return
    head, slash, file = path.rpartition("/")
    known = len(head) + len(slash) + len(split_version(file)[0])
    for match in _number().finditer(path):
        if match.end() <= known:
            parts = tuple(each for each in match.group("major", "minor", "patch") if each)
            stem = f"{path[: match.start()]}*{path[match.end() :]}"
            yield stem, (parts, match["packed"] or "", match.start(), match.end())


@once
def _number() -> re.Pattern[str]:
    import re  # rarely needed

    return re.compile(
        r"(?<![\d.])(?:(?P<major>[12])(?P<by>[-._p])(?P<minor>\d{1,2})(?:(?P=by)(?P<patch>\d))?"
        r"|(?P<packed>[12]\d{1,3}))(?=[-_./+]|cu\d|cpu|$)"
    )


@once
def _known() -> frozenset[str]:
    every = [one.version for one in torch_releases()]
    return frozenset(every).union(map(minor_of, every))
