"""The functions that torch releases before the export index exported: a table in ``data/``.

It answers for old torches, as people still paste errors of theirs. The program
``tools/generate_old_exports.py`` makes it from the wheels for macOS, which are small and contain
CPU builds only: a function that only CUDA builds have is unknown to it. Functions are told apart by
their demangled text, since the mangled names of libc++ and libstdc++ differ; ``spelt`` removes the
differences that remain. The file holds one line of provenance, one of releases, and, compressed,
the CRC-32 of each text with a bitmap of the releases that export the function.
"""

from __future__ import annotations

import zlib
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FILE = Path(__file__).parents[1] / "data" / "old_exports.idx"

_SPELLINGS = (
    ("std::__1::", "std::"),
    ("std::__cxx11::", "std::"),
    ("long long", "long"),  # int64_t of macOS and Windows
    (" ", ""),
    ("std::basic_string<char,std::char_traits<char>,std::allocator<char>>", "std::string"),
    ("std::basic_ostream<char,std::char_traits<char>>", "std::ostream"),
    ("std::basic_istream<char,std::char_traits<char>>", "std::istream"),
)
_MORE = 0x80


def old_releases() -> tuple[str, ...]:
    """The releases of the table, oldest first.

    Raises:
        OSError: the file cannot be read.
    """
    return _table()[0]


def exported_before(shown: str) -> tuple[str, ...]:
    """The releases of the table that export a function, given by its demangled text.

    Raises:
        OSError: the file cannot be read.
    """
    releases, rows = _table()
    bitmap = rows.get(zlib.crc32(spelt(shown).encode("utf-8", "surrogateescape")), 0)
    return tuple(one for at, one in enumerate(releases) if bitmap >> at & 1)


def spelt(shown: str) -> str:
    """A demangled text as all compilers' names give it."""
    for written, plain in _SPELLINGS:
        shown = shown.replace(written, plain)
    return shown


def pack(source: str, releases: tuple[str, ...], functions: Mapping[str, int]) -> bytes:
    """The bytes of the file.

    Args:
        source: One line on where the facts come from.
        releases: Oldest first.
        functions: Demangled text to the bitmap of releases.
    """
    rows: dict[int, int] = {}
    for shown, bitmap in functions.items():
        key = zlib.crc32(spelt(shown).encode())
        rows[key] = rows.get(key, 0) | bitmap
    keys = sorted(rows)
    steps = (key - before for before, key in zip([0, *keys], keys, strict=False))
    numbers = [len(keys), *steps, *(rows[key] for key in keys)]
    body = zlib.compress(b"".join(map(_packed, numbers)), 9)
    return f"{source}\n{' '.join(releases)}\n".encode() + body


@cache
def _table() -> tuple[tuple[str, ...], dict[int, int]]:
    _, releases, body = FILE.read_bytes().split(b"\n", 2)
    count, *numbers = _unpacked(zlib.decompress(body))
    keys = accumulate(numbers[:count])
    return tuple(releases.decode().split()), dict(zip(keys, numbers[count:], strict=True))


def _packed(number: int) -> bytes:
    """A number, seven bits a byte, the lowest first."""
    found = bytearray()
    while number >= _MORE:
        found.append(number & _MORE - 1 | _MORE)
        number >>= 7
    found.append(number)
    return bytes(found)


def _unpacked(data: Iterable[int]) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & _MORE - 1) << shift
        if byte & _MORE:
            shift += 7
        else:
            yield number
            number = shift = 0
