r"""The file format of the export index: the libraries and releases that export each name.

There is one file per platform. Numbers are little-endian; every stream is xz with a CRC32::

    8 bytes   magic  89 54 4F 52 43 48 45 58  ("\x89TORCHEX")
    u16       format version: 1
    u32       length of the header stream
    ...       header: JSON in UTF-8
    ...       blocks, one after another

The header has the keys

    platform   wheel platform without its version: ``linux_x86_64``
    releases   oldest first: {version, wheel, cuda, cuda_packages, cxx11_abi, libraries, needed};
               ``needed`` only for ELF
    libraries  file names; patterns index this list
    patterns   each a list of [library, bitmap] pairs; bit i of a bitmap is release i
    blocks     [first name as Latin-1, length of its stream], in order of names

A block is u32 *n*, then *n* times u16, the pattern of each name, then the *n* names in byte order,
joined by NUL. A new block starts at each name that would take the previous one past 256 KiB of
text, so a lookup only reads the few blocks that contain its names. Names have the form of
``Binary.imports``: without the underscore that Mach-O puts before each.

Equal contents only have equal bytes with the same liblzma: compare contents to compare indexes.
"""

from __future__ import annotations

import json
import lzma
import struct
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from torch_abi_audit.model.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAGIC = b"\x89TORCHEX"
VERSION = 1

_START = struct.Struct("<8sHI")
_BLOCK_TEXT = 256 << 10
_BLOCKS_HELD = 4  # unpacked blocks kept for the next lookup
_FILTER = {
    "id": lzma.FILTER_LZMA2,
    "preset": 9 | lzma.PRESET_EXTREME,
    "lc": 4,
    "lp": 0,
    "pb": 0,
    "dict_size": 1 << 20,  # no stream is longer, and unpacking takes this much memory
}


class IndexFileError(AuditError):
    """An export index is damaged, or of a format version that this program cannot read."""


class Exports(NamedTuple):
    """The libraries that export one name, and the releases in which they do."""

    by_library: tuple[tuple[str, int], ...] = ()
    """File name of each library, and a bitmap: bit *i* is release *i* of the platform."""

    @property
    def releases(self) -> int:
        """Bitmap of the releases in which any library exports the name."""
        bitmap = 0
        for _, each in self.by_library:
            bitmap |= each
        return bitmap

    def libraries(self, release: int) -> tuple[str, ...]:
        """File names of the libraries that export the name in the release at this position."""
        return tuple(library for library, bitmap in self.by_library if bitmap >> release & 1)


NOWHERE = Exports()
"""The value for a name that no release exports."""


@dataclass(frozen=True, slots=True)
class IndexedRelease:
    """One torch release on one platform."""

    version: str
    """Such as ``2.9.1``."""
    wheel: str
    """File name of the wheel that was read."""
    cuda: str | None
    """The CUDA version of the build, such as ``12.8``; None for a build without CUDA."""
    cuda_packages: tuple[str, ...]
    """The wheel's requirements on packages with CUDA libraries, as its metadata states them."""
    cxx11_abi: bool | None
    """Whether the build uses the C++11 ABI of libstdc++; None on platforms without libstdc++."""
    libraries: tuple[str, ...]
    """File names of all shared libraries in the wheel, including third-party ones; sorted."""
    needed: Mapping[str, tuple[str, ...]] | None = None
    """For ELF: each of torch's libraries, to those of torch that its DT_NEEDED names."""

    def brought_in(self, libraries: Iterable[str]) -> frozenset[str]:
        """Return torch's libraries that the loader opens together with ``libraries``.

        Those are ``libraries`` themselves, as far as the release ships them, and all that they
        need, directly or not. If the needs are not recorded, it is every library.
        """
        if self.needed is None:
            return frozenset(self.libraries)
        found: set[str] = set()
        pending = [one for one in libraries if one in self.needed]
        while pending:
            one = pending.pop()
            if one not in found:
                found.add(one)
                pending.extend(self.needed.get(one, ()))
        return frozenset(found)

    @property
    def cuda_major(self) -> int | None:
        """``12`` for CUDA 12.8; None for a build without CUDA."""
        return None if self.cuda is None else int(self.cuda.partition(".")[0])


class ExportFile:
    """One index file, kept compressed; a lookup unpacks only the blocks that it needs."""

    __slots__ = ("_data", "_firsts", "_held", "_patterns", "_streams", "platform", "releases")

    def __init__(self, data: bytes) -> None:
        """Read the header of an index file.

        Raises:
            IndexFileError: the data is not an index file, is damaged, or is of an unknown version.
        """
        if len(data) < _START.size or not data.startswith(MAGIC):
            raise IndexFileError("not an export index: it does not begin with the magic bytes")
        _, version, length = _START.unpack_from(data)
        if version != VERSION:
            raise IndexFileError(
                f"the export index has format {version}; this version reads format {VERSION}"
            )
        start = _START.size + length
        header = _header(data[_START.size : start])
        try:
            self.platform: str = header["platform"]
            self.releases: tuple[IndexedRelease, ...] = tuple(map(_release, header["releases"]))
            libraries: list[str] = header["libraries"]
            self._patterns = tuple(
                Exports(tuple((libraries[library], bitmap) for library, bitmap in pattern))
                for pattern in header["patterns"]
            )
            self._firsts = [first.encode("latin-1") for first, _ in header["blocks"]]
            sizes = [int(size) for _, size in header["blocks"]]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise IndexFileError(f"damaged export index: {error!r} in its header") from error
        self._streams: list[tuple[int, int]] = []
        for size in sizes:
            self._streams.append((start, start + size))
            start += size
        if start != len(data):
            raise IndexFileError(f"damaged export index: {len(data)} bytes instead of {start}")
        self._data = data
        self._held: OrderedDict[int, _Block] = OrderedDict()

    def lookup(self, names: Iterable[bytes]) -> dict[bytes, Exports]:
        """The exporters of each of ``names``; names that no release exports are left out.

        Raises:
            IndexFileError: the file is damaged.
        """
        found: dict[bytes, Exports] = {}
        for number, group in groupby(sorted(set(names)), self._block_of):
            if number < 0:
                continue
            block = self._block(number)
            for name in group:
                at = bisect_left(block.names, name)
                if at < len(block.names) and block.names[at] == name:
                    found[name] = self._patterns[block.patterns[at]]
        return found

    def names(self) -> Iterator[tuple[bytes, Exports]]:
        """Every name in byte order, with its exporters.

        Raises:
            IndexFileError: the file is damaged.
        """
        return self.starting_with(b"")

    def starting_with(self, prefix: bytes) -> Iterator[tuple[bytes, Exports]]:
        """Every name that begins with ``prefix`` in byte order, with its exporters.

        Raises:
            IndexFileError: the file is damaged.
        """
        for number in range(max(self._block_of(prefix), 0), len(self._streams)):
            block = self._block(number)
            for at in range(bisect_left(block.names, prefix), len(block.names)):
                name = block.names[at]
                if not name.startswith(prefix):
                    return
                yield name, self._patterns[block.patterns[at]]

    def _block_of(self, name: bytes) -> int:
        return bisect_right(self._firsts, name) - 1

    def _block(self, number: int) -> _Block:
        block = self._held.pop(number, None)
        if block is None:
            start, stop = self._streams[number]
            block = _unpack(self._data[start:stop], len(self._patterns))
            while len(self._held) >= _BLOCKS_HELD:
                self._held.popitem(last=False)
        self._held[number] = block
        return block


class _Block(NamedTuple):
    names: list[bytes]
    patterns: tuple[int, ...]


def _header(stream: bytes) -> Mapping[str, Any]:
    try:
        header: Mapping[str, Any] = json.loads(lzma.decompress(stream))
    except (lzma.LZMAError, EOFError, ValueError) as error:
        raise IndexFileError(
            f"damaged export index: its header does not unpack: {error}"
        ) from error
    return header


def _release(facts: Mapping[str, Any]) -> IndexedRelease:
    return IndexedRelease(
        version=facts["version"],
        wheel=facts["wheel"],
        cuda=facts["cuda"],
        cuda_packages=tuple(facts["cuda_packages"]),
        cxx11_abi=facts["cxx11_abi"],
        libraries=tuple(facts["libraries"]),
        needed=_needed(facts.get("needed")),
    )


def _needed(recorded: Mapping[str, list[str]] | None) -> Mapping[str, tuple[str, ...]] | None:
    if recorded is None:
        return None
    return {library: tuple(names) for library, names in recorded.items()}


def _unpack(stream: bytes, pattern_count: int) -> _Block:
    try:
        block = lzma.decompress(stream, lzma.FORMAT_XZ)
        (count,) = struct.unpack_from("<I", block)
        patterns = struct.unpack_from(f"<{count}H", block, 4)
    except (lzma.LZMAError, EOFError, struct.error) as error:
        raise IndexFileError(f"damaged export index: a block does not unpack: {error}") from error
    names = block[4 + 2 * count :].split(b"\0")
    if len(names) != count or max(patterns, default=-1) >= pattern_count:
        raise IndexFileError("damaged export index: a block does not match its own counts")
    return _Block(names, patterns)


# --- writing -------------------------------------------------------------------------------------


def pack(
    platform: str,
    releases: Sequence[IndexedRelease],
    exports: Mapping[bytes, Mapping[str, int]],
) -> bytes:
    """The index file of one platform.

    Args:
        platform: Such as ``linux_x86_64``.
        releases: Oldest first.
        exports: Name, to library, to the bitmap of the releases in which the library exports it.
    """
    libraries = sorted({library for by_library in exports.values() for library in by_library})
    place = {library: at for at, library in enumerate(libraries)}
    keyed = {
        name: tuple(sorted((place[library], bitmap) for library, bitmap in by_library.items()))
        for name, by_library in exports.items()
    }
    patterns = sorted(set(keyed.values()))
    number = {pattern: at for at, pattern in enumerate(patterns)}
    blocks = [
        (names[0], _pack_block(names, [number[keyed[name]] for name in names]))
        for names in _blocks(sorted(keyed))
    ]
    header = {
        "platform": platform,
        "releases": [
            {
                name: value
                for name in IndexedRelease.__slots__
                if (value := getattr(release, name)) is not None or name != "needed"
            }
            for release in releases
        ],
        "libraries": libraries,
        "patterns": patterns,
        "blocks": [(first.decode("latin-1"), len(stream)) for first, stream in blocks],
    }
    stream = _compress(json.dumps(header, separators=(",", ":")).encode())
    start = _START.pack(MAGIC, VERSION, len(stream))
    return b"".join([start, stream, *(stream for _, stream in blocks)])


def _blocks(names: list[bytes]) -> Iterator[list[bytes]]:
    first = text = 0
    for at, name in enumerate(names):
        text += len(name) + 1
        if text > _BLOCK_TEXT and at > first:
            yield names[first:at]
            first, text = at, len(name) + 1
    if names:
        yield names[first:]


def _pack_block(names: list[bytes], patterns: list[int]) -> bytes:
    count = len(names)
    return _compress(struct.pack(f"<I{count}H", count, *patterns) + b"\0".join(names))


def _compress(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=[_FILTER])
