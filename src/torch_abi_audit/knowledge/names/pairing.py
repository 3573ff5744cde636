"""Pairs the packages and the libraries of one report with those of another, by key."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import product

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def pair_packages(old: Collection[str], new: Collection[str]) -> Mapping[str, str]:
    """New package keys to old ones: equal keys, then the last pair if one of each is left."""
    paired = {key: key for key in new if key in old}
    left_new = [key for key in new if key not in paired]
    left_old = [key for key in old if key not in paired.values()]
    if len(left_new) == len(left_old) == 1:
        paired[left_new[0]] = left_old[0]
    return paired


def pair_libraries(old: Collection[str], new: Collection[str]) -> Mapping[str, str]:
    """New library keys to old ones: equal paths, then a path that is the only one to end another.

    ``torchaudio/lib/_torchaudio`` in a wheel is ``lib/_torchaudio`` in a plain directory.
    """
    paired = {key: key for key in new if key in old}
    left_new = [key for key in new if key not in paired]
    left_old = [key for key in old if key not in paired.values()]
    for key in left_new:
        ends = [each for each in left_old if _ends(key, each) or _ends(each, key)]
        if len(ends) == 1:
            rivals = [each for each in left_new if _ends(each, ends[0]) or _ends(ends[0], each)]
            if len(rivals) == 1:
                paired[key] = ends[0]
    return paired


def pair_renamed(old: Collection[str], new: Collection[str]) -> Mapping[str, str]:
    """New library keys to old ones, including renamed ones: ``_C`` may become ``_C_stable``.

    Keys that ``pair_libraries`` leaves over are paired by the words in their names, the most
    similar first. Words that are already in a pair do not count: ``_C`` is not ``_C_mxfp8`` if
    ``_C_cutlass`` stayed. If nothing pairs and each side has one library left, they are a pair.
    """
    paired = dict(pair_libraries(old, new))
    while True:
        left_old = [key for key in old if key not in paired.values()]
        left_new = [key for key in new if key not in paired]
        spent = {word for pair in paired.items() for key in pair for word in _words(key)}
        likely = [
            (_likeness(first, second, spent), first, second)
            for first, second in product(left_old, left_new)
        ]
        best = max(likely, key=lambda one: one[0], default=((0.0, 0.0), "", ""))
        if best[0][0] <= 0:
            break
        paired[best[2]] = best[1]
    if not paired and len(left_old) == len(left_new) == 1:
        paired[left_new[0]] = left_old[0]
    return paired


def _likeness(old: str, new: str, spent: Collection[str]) -> tuple[float, float]:
    """The share of common words that are not ``spent``; then the similarity of the paths."""
    first, second = _words(old), _words(new)
    telling = {one for one in first & second if one not in spent}
    return len(telling) / len(first | second), SequenceMatcher(None, old, new).ratio()


def _words(key: str) -> set[str]:
    name = key.rpartition("/")[2].lower().removeprefix("lib")
    return set(re.findall(r"[a-z]+\d*[a-z]*|\d+", name))


def _ends(path: str, tail: str) -> bool:
    return bool(tail) and path.endswith("/" + tail)
