"""The order in which libraries are relocated: glibc's ``elf/dl-sort-maps.c``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.doctor.elf.objects import Object

_DEPTH_FIRST = (2, 35)
"""The release since which libraries are sorted by a search in depth."""


def in_order(root: Object, objects: Sequence[Object], release: tuple[int, int]) -> list[Object]:
    """Sort what was opened together: each library before those that it needs.

    Args:
        root: The library that is opened, which stays first whatever cycles it is in.
        objects: It and all that it needs, breadth first; its filters come before it.
        release: The release of glibc.
    """
    others = [each for each in objects if each is not root]
    if release < _DEPTH_FIRST:
        return [root, *_by_moving(others)]
    return [root, *(each for each in _by_depth([root, *others]) if each is not root)]


def _by_depth(objects: Sequence[Object]) -> list[Object]:
    """The reverse postorder of searches that begin at the last library."""
    visited: set[int] = set()
    found: list[Object] = []
    members = {id(each) for each in objects}
    for root in reversed(objects):
        if id(root) in visited:
            continue
        visited.add(id(root))
        pending = [(root, iter(root.dependencies or ()))]
        while pending:
            current, rest = pending[-1]
            following = next((each for each in rest if id(each) not in visited), None)
            if following is not None:
                visited.add(id(following))
                pending.append((following, iter(following.dependencies or ())))
            else:
                pending.pop()
                if id(current) in members:
                    found.append(current)
    return found[::-1]


def _by_moving(objects: list[Object]) -> list[Object]:
    """The older sorting: a library moves behind the last one that needs it."""
    count = len(objects)
    seen = [0] * count
    at = 0
    while at < count:
        seen[at] += 1
        this = objects[at]
        last = next(
            (
                place
                for place in range(count - 1, at, -1)
                if any(each is this for each in objects[place].dependencies or ())
            ),
            None,
        )
        if last is not None:
            objects.insert(last, objects.pop(at))
            if seen[at + 1] <= count - at:
                seen.insert(last, seen.pop(at))
                continue
        at += 1
        seen[at:] = [0] * (count - at)
    return objects
