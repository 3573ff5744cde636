"""Finds names by prefix in a bytewise sorted sequence."""

from __future__ import annotations

from bisect import bisect_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def beginning(ordered: Sequence[bytes], prefix: bytes) -> Sequence[bytes]:
    """Return the names in ``ordered`` with a prefix, which must not be empty or end in 0xff.

    Uses bisection: to test each of ten thousand names would take longer than the rest of a verdict.
    """
    after = prefix[:-1] + bytes((prefix[-1] + 1,))
    start = bisect_left(ordered, prefix)
    return ordered[start : bisect_left(ordered, after, start)]
