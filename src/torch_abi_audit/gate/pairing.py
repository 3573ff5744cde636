"""Which package and which library of one report is meant by a key of another."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def pair_packages(old: Collection[str], new: Collection[str]) -> Mapping[str, str]:
    """New package keys to old ones: equal names; what is left over, where it is one of each."""
    paired = {key: key for key in new if key in old}
    left_new = [key for key in new if key not in paired]
    left_old = [key for key in old if key not in paired.values()]
    if len(left_new) == len(left_old) == 1:
        paired[left_new[0]] = left_old[0]
    return paired


def pair_libraries(old: Collection[str], new: Collection[str]) -> Mapping[str, str]:
    """New library keys to old ones: equal paths, then a path that ends another, if only one does.

    ``torchaudio/lib/_torchaudio`` of a wheel is ``lib/_torchaudio`` of a plain directory.
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


def _ends(path: str, tail: str) -> bool:
    return bool(tail) and path.endswith("/" + tail)
