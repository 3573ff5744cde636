"""``ld.so.cache``: the libraries that ldconfig has found in the configured directories, by name.

Layout: glibc's ``sysdeps/generic/dl-cache.h``; the choice among entries of one name: its
``elf/dl-cache.c``.
"""

from __future__ import annotations

import os
from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_OLD = b"ld.so-1.7.0"
_NEW = b"glibc-ld.so.cache1.1"
_LONGEST = 1 << 12
"""Most bytes of a path."""
_MOST_DIRECTORIES = 1 << 10
_ENTRY = {"<": Struct("<iII4xQ"), ">": Struct(">iII4xQ")}
_OLD_HEAD, _OLD_ENTRY = 16, 12
_HEAD = 48
_LITTLE, _BIG = 2, 3
_EXTENSIONS = 0xEAA42174
"""The magic number of the directory of extensions."""
_HWCAPS = 1
"""The extension with the names of ``glibc-hwcaps`` directories."""
_NAMED = 1 << 30
"""In the upper half of an entry's hwcap: the lower half is an index of such a name."""
_LEVELS = (1 << 10) - 1
"""In the same half: the level of the instruction set, which the name implies."""
_FLAGS = {
    "aarch64": 0xA03,
    "armv7l": 0x903,
    "i686": 0x003,
    "loongarch64": 0x1203,
    "ppc64le": 0x503,
    "riscv64": 0x1003,
    "s390x": 0x403,
    "x86_64": 0x303,
}
"""The flags of a library, from ``dl-cache.h`` and ``ldconfig.h`` of each architecture."""


class Cache:
    """The entries of a cache that the loader of one architecture would use."""

    __slots__ = ("_entries",)

    def __init__(self, data: bytes, architecture: str) -> None:
        self._entries: dict[str, list[tuple[str, str]]] = {}
        """Name to pairs of directory below ``glibc-hwcaps`` (empty for none) and path."""
        order, start = _found(data)
        wanted = _FLAGS.get(architecture)
        if start is None:
            return
        (count,) = Struct(order + "I").unpack_from(data, start + len(_NEW))
        if _HEAD + 24 * count > len(data) - start:
            return
        names = _subdirectories(data, start, order)
        entries = memoryview(data)[start + _HEAD : start + _HEAD + 24 * count]
        for flags, key, value, hwcap in _ENTRY[order].iter_unpack(entries):
            directory = ""
            if hwcap >> 32 & ~_LEVELS == _NAMED:
                index = hwcap & 0xFFFFFFFF
                directory = names[index] if index < len(names) else "unknown"
            elif hwcap:
                continue  # of the mechanism that glibc 2.37 removed
            name, path = _text(data, start + key), _text(data, start + value)
            if flags == wanted and name is not None and path is not None:
                self._entries.setdefault(name, []).append((directory, path))

    def find(self, name: str, subdirectories: Sequence[str]) -> str | None:
        """The path of a library; of several, the one for the best processor.

        Args:
            name: The name that is searched.
            subdirectories: The directories below ``glibc-hwcaps`` that the processor can use, the
                best first.
        """
        entries = self._entries.get(name, ())
        for wanted in (*subdirectories, ""):
            for directory, path in entries:
                if directory == wanted:
                    return path
        return None


def _found(data: bytes) -> tuple[str, int | None]:
    """The byte order of the cache, and where its new format begins; None if it has none."""
    start = 0
    if data.startswith(_OLD):  # the new format follows it, aligned to 8 bytes
        if len(data) < _OLD_HEAD:
            return "<", None
        (count,) = Struct("<I").unpack_from(data, 12)
        start = _OLD_HEAD + _OLD_ENTRY * count
        start += -start % 8
    if not data.startswith(_NEW, start) or len(data) < start + _HEAD:
        return "<", None
    mark = data[start + len(_NEW) + 8]
    if mark and mark & 3 not in (_LITTLE, _BIG):
        return "<", None
    return (">" if mark & 3 == _BIG else "<"), start


def _subdirectories(data: bytes, start: int, order: str) -> list[str]:
    """The names of the ``glibc-hwcaps`` directories that entries refer to by index."""
    (at,) = Struct(order + "I").unpack_from(data, start + len(_NEW) + 12)
    if not at or at + 8 > len(data):
        return []
    magic, count = Struct(order + "2I").unpack_from(data, at)
    section = Struct(order + "4I")
    if magic != _EXTENSIONS or at + 8 + section.size * count > len(data):
        return []
    for each in range(count):
        tag, _, offset, size = section.unpack_from(data, at + 8 + section.size * each)
        if tag == _HWCAPS and offset + size <= len(data):
            words = Struct(f"{order}{min(size // 4, _MOST_DIRECTORIES)}I").unpack_from(data, offset)
            return [_text(data, word) or "unknown" for word in words]
    return []


def _text(data: bytes, at: int) -> str | None:
    end = data.find(0, at, at + _LONGEST)
    return os.fsdecode(data[at:end]) if end >= 0 else None
