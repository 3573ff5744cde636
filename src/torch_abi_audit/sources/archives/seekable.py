"""Positioned reads as a stream, for code that only accepts streams: ``zipfile``, decompressors."""

from __future__ import annotations

import errno
import io
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Readable


class Seekable(io.RawIOBase):
    """A source of positioned reads, with a stream position."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._at = 0

    def seekable(self) -> bool:
        """True."""
        return True

    def readable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The stream position, in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the stream position, and return it.

        Raises:
            OSError: the new position is before the start of the stream, as of a file.
        """
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "the new position is before the start of the stream")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """The next ``size`` bytes, fewer at the end; all remaining ones if ``size`` is negative."""
        left = max(0, self._source.size - self._at)
        length = left if size is None or size < 0 else min(size, left)
        data = self._source.read_at(self._at, length)
        self._at += len(data)
        return data
