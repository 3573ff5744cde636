"""Where an offset of a source is, as people count."""

from __future__ import annotations

_LONG = 4096
"""The length in bytes up to which the characters of a line are counted."""


class Lines:
    """Lines and columns of offsets that are asked for in ascending order, or nearly so."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._starts = [0]
        position = data.find(b"\n")
        while position >= 0:
            self._starts.append(position + 1)
            position = data.find(b"\n", position + 1)

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column, both from 1, the column in characters."""
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            if self._starts[middle] <= offset:
                low = middle
            else:
                high = middle
        before = self._data[self._starts[low] : offset]
        if len(before) > _LONG:
            return low + 1, len(before) + 1
        return low + 1, len(before.decode("utf-8", "replace")) + 1
