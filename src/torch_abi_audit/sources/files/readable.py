"""Positioned reads of files and buffers; the only module that opens audited files."""

from __future__ import annotations

import errno
import os
import stat

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_BOM = b"\xef\xbb\xbf"
OPEN_FLAGS = os.O_RDONLY
for _name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK"):  # the last so that a FIFO cannot block
    OPEN_FLAGS |= getattr(os, _name, 0)


class BytesReadable:
    """Positioned reads of a buffer in memory."""

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
    """Positioned reads of an open file.

    There is no memory map: a mapped file that shrinks would kill the process. Leaving the context
    closes the file.
    """

    __slots__ = ("_fd", "_status")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._status = os.fstat(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: object) -> None:
        os.close(self._fd)

    @property
    def is_regular(self) -> bool:
        """Whether this is a regular file, not a directory, FIFO or device."""
        return stat.S_ISREG(self._status.st_mode)

    @property
    def size(self) -> int:
        """Length of the file in bytes when it was opened."""
        return self._status.st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes of ``[offset, offset + length)``, fewer at the end of the file."""
        data = _pread(self._fd, length, offset)
        while 0 < len(data) < length:  # one call may return less, at 2 GiB or on a signal
            more = _pread(self._fd, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data


class PathReadable:
    """Positioned reads of a file that is open only while it is read: any number can exist.

    Raises:
        OSError: there is no such regular file, or it cannot be read.
    """

    __slots__ = ("_path", "_size")

    def __init__(self, path: str) -> None:
        with open_readable(path) as file:
            if not file.is_regular:
                raise FileNotFoundError(errno.ENOENT, "not a regular file", path)
            self._path, self._size = path, file.size

    @property
    def size(self) -> int:
        """Length of the file in bytes when it was first opened."""
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes of ``[offset, offset + length)``, fewer at the end of the file."""
        with open_readable(self._path) as file:
            return file.read_at(offset, length)


def _seek_and_read(fd: int, length: int, offset: int) -> bytes:
    os.lseek(fd, offset, os.SEEK_SET)
    return os.read(fd, length)


_pread = getattr(os, "pread", _seek_and_read)  # Windows has no os.pread


@dataclass(frozen=True, slots=True)
class FileOpener:
    """A ``Candidate.opener`` for a file on disk."""

    path: str

    def __call__(self) -> FileReadable:
        """``open_readable`` of the path."""
        return open_readable(self.path)


def open_readable(path: str | os.PathLike[str]) -> FileReadable:
    """Open ``path`` for positioned reads, while the context lasts.

    Raises:
        OSError: the file cannot be opened.
    """
    return FileReadable(os.open(path, OPEN_FLAGS))


def read_text(path: str, limit: int) -> str:
    """The first ``limit`` bytes of a metadata file as UTF-8; other bytes become surrogates.

    Raises:
        OSError: there is no such regular file, or it cannot be read.
    """
    with open_readable(path) as file:
        if not file.is_regular:
            raise FileNotFoundError(errno.ENOENT, "not a regular file", path)
        data = file.read_at(0, min(limit, file.size))
    return data.removeprefix(_BOM).decode("utf-8", "surrogateescape")
