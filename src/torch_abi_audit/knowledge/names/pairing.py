"""Pairs the packages and the libraries of one report with those of another, by key."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import product

from torch_abi_audit.knowledge.names.identity import library_stem, plain_keys
from torch_abi_audit.knowledge.names.library_file import named_as_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_HOW_BUILT = frozenset({"abi", "aoti", "libtorch", "limited", "shim", "stable", "torch"})
"""Words in the name of a library that say what it is built against."""
_HALF, _MOST = 0.5, 0.8
"""Parts of the symbols that must be the same."""
_FEW = 5
"""Number of symbols from which their likeness says something."""


def pair_packages(old: Collection[str], new: Collection[str]) -> Mapping[str, str]:
    """New package keys to old ones: equal keys, then the last pair if one of each is left."""
    paired = {key: key for key in new if key in old}
    left_new = [key for key in new if key not in paired]
    left_old = [key for key in old if key not in paired.values()]
    if len(left_new) == len(left_old) == 1:
        paired[left_new[0]] = left_old[0]
    return paired


def pair_known(old: Collection[str], new: Collection[str]) -> Mapping[str, str]:
    """New library keys to those of a baseline, which an earlier program may have written.

    After the pairs of ``pair_libraries``, those of one plain key are paired in their order. An old
    key that has not got the file name stands for all libraries of its plain key.
    """
    paired = dict(pair_libraries(old, new))
    for left_old, left_new, plain in _alike(old, new, paired):
        whole = [key for key in left_old if not named_as_library(key)]
        if whole:
            paired |= dict.fromkeys(left_new, plain if plain in whole else whole[0])
        else:
            paired |= zip(left_new[::-1], left_old[::-1], strict=False)
    return paired


def _alike(
    old: Iterable[str], new: Iterable[str], paired: Mapping[str, str]
) -> Iterator[tuple[list[str], list[str], str]]:
    """Yield the old and the new keys of one plain key that are not ``paired`` when it is asked for.

    Sorted; only where there are both.
    """
    found: dict[str, tuple[list[str], list[str]]] = {}
    for side, keys in enumerate((sorted(old), sorted(new))):
        for key in keys:
            for plain in sorted(plain_keys(key)):
                found.setdefault(plain, ([], []))[side].append(key)
    for plain, (before, after) in found.items():
        left_old = [key for key in before if key not in paired.values()]
        left_new = [key for key in after if key not in paired]
        if left_old and left_new:
            yield left_old, left_new, plain


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


def pair_renamed(
    old: Mapping[str, frozenset[str]], new: Mapping[str, frozenset[str]]
) -> Mapping[str, str]:
    """New library keys to old ones, including renamed ones: ``_C`` may become ``_C_stable``.

    What ``pair_libraries`` leaves over is paired, the most alike first, if one of these holds:

    - the names are equal but for the directory and words that say how a library is built:
      ``_C`` and ``_C_stable``, but not ``_C`` and ``_C_mxfp8``;
    - the names have two telling words in common. A word tells nothing if a library that is already
      in a pair has it; ``ops4`` is two words, ``ops`` and ``4``;
    - they have one telling word in common, and half of the symbols that either uses are the same;
    - four fifths of the symbols are the same.

    If nothing pairs and each side has one library, they are a pair.

    Args:
        old: The keys of one side, with the symbols that each library uses.
        new: Those of the other.
    """
    paired = dict(pair_libraries(old, new))
    for left_old, left_new, _ in _alike(old, new, paired):
        paired |= zip(left_new[::-1], left_old[::-1], strict=False)
    while True:
        left_old = [key for key in old if key not in paired.values()]
        left_new = [key for key in new if key not in paired]
        spent = {word for pair in paired.items() for key in pair for word in _words(key)}
        likely = [
            (_likeness(first, second, spent, _share(old[first], new[second])), first, second)
            for first, second in product(left_old, left_new)
        ]
        best = max(likely, key=lambda one: one[0], default=((0.0, 0.0), "", ""))
        if best[0][0] <= 0:
            break
        paired[best[2]] = best[1]
    if not paired and len(old) == len(new) == 1:
        paired = dict(zip(new, old, strict=True))
    return paired


def _likeness(
    old: str, new: str, spent: Collection[str], same_symbols: float
) -> tuple[float, float]:
    """How alike two libraries are, 0 if they are no pair; then the similarity of their paths."""
    first, second = _words(old), _words(new)
    paths = SequenceMatcher(None, old, new).ratio()
    if first and first - _HOW_BUILT == second - _HOW_BUILT:
        return 2 + same_symbols, paths
    telling = {one for one in first & second if one not in spent}
    needed = {0: _MOST, 1: _HALF}.get(len(telling), 0.0)
    if same_symbols < needed:
        return 0, paths
    return len(telling) / len(first | second) + same_symbols, paths


def _share(old: frozenset[str], new: frozenset[str]) -> float:
    """The part of the symbols of two libraries that both use; 0 if they use only a few."""
    union = old | new
    return len(old & new) / len(union) if len(union) >= _FEW else 0.0


def _words(key: str) -> frozenset[str]:
    name = library_stem(key.rpartition("/")[2]).lower().removeprefix("lib")
    return frozenset(re.findall(r"[a-z]+|\d+", name))


def _ends(path: str, tail: str) -> bool:
    return bool(tail) and path.endswith("/" + tail)
