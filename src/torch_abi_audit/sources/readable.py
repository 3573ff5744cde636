"""Positioned reads over files and buffers; the only place that opens what is audited."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class BytesReadable:
    """A buffer in memory, read by position."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """Length of the buffer in bytes."""
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes of ``[offset, offset + length)``, fewer at the end of the buffer."""
        return self._data[offset : offset + length]


class FileReadable:
    """An open file, read by position: no memory map, so a file that shrinks cannot kill us."""

    __slots__ = ("_fd", "_size")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._size = os.fstat(fd).st_size

    @property
    def size(self) -> int:
        """Length of the file in bytes when it was opened."""
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes of ``[offset, offset + length)``, fewer where the file ends before that."""
        if hasattr(os, "pread"):
            data = os.pread(self._fd, length, offset)
        else:
            os.lseek(self._fd, offset, os.SEEK_SET)
            data = os.read(self._fd, length)
        while (
            0 < len(data) < length
        ):  # one call may return less than asked, at 2 GiB or on a signal
            more = (
                os.pread(self._fd, length - len(data), offset + len(data))
                if hasattr(os, "pread")
                else os.read(self._fd, length - len(data))
            )
            if not more:
                break
            data += more
        return data


@contextmanager
def open_readable(path: str | os.PathLike[str]) -> Iterator[FileReadable]:
    """Open ``path`` for positioned reads.

    Raises:
        OSError: the file cannot be opened.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        yield FileReadable(fd)
    finally:
        os.close(fd)
