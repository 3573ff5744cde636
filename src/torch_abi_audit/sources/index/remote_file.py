"""A file at a URL: read in ranges if the server supports them, else downloaded into a cache."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.files.readable import open_readable
from torch_abi_audit.sources.index.web import bare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from torch_abi_audit.model.binary import Readable
    from torch_abi_audit.sources.index.web import Web

CACHE_LIMIT = 4 << 30
"""Most bytes in the cache; the least recently used files are deleted first."""

WHOLE = 16 << 20
"""A file of up to this many bytes is downloaded whole: range requests would take longer."""

_TAIL = 1 << 17
_BLOCK = 1 << 18
_LARGEST_STEP = 16  # blocks
_KEPT = 128  # blocks: 32 MiB


class _Parts:
    """A file on a server, read by range requests in blocks; the last used blocks are kept."""

    def __init__(self, web: Web, url: str, tail: bytes, size: int) -> None:
        self._web, self._url, self._size = web, url, size
        self._tail = tail
        self._blocks: dict[int, bytes] = {}
        self._next, self._ahead = -1, 1
        self._fetched = len(tail)

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self._size - offset))
        start = self._size - len(self._tail)
        if length and offset >= start:
            return self._tail[offset - start : offset - start + length]
        first, last = offset // _BLOCK, (offset + length - 1) // _BLOCK
        data = b"".join(self._block(number, last) for number in range(first, last + 1))
        skipped = offset - first * _BLOCK
        return data[skipped : skipped + length]

    def _block(self, number: int, last: int) -> bytes:
        if number not in self._blocks:
            # sequential reads fetch ahead, in growing steps
            self._ahead = min(self._ahead * 2, _LARGEST_STEP) if number == self._next else 1
            wanted = max(last + 1, number + self._ahead)
            end = next((n for n in range(number, wanted) if n in self._blocks), wanted)
            self._fetch(number, min(end, -(-self._size // _BLOCK)))
        block = self._blocks.pop(number)
        self._blocks[number] = block  # now the most recently used
        return block

    def _fetch(self, first: int, end: int) -> None:
        begin, stop = first * _BLOCK, min(end * _BLOCK, self._size)
        got = self._web.part(self._url, begin, stop - 1)
        if got is None or got[1] != self._size or len(got[0]) != stop - begin:
            raise OSError(
                f"{bare(self._url)} changed, or the connection broke, while it was being read"
            )
        for number in range(first, end):
            at = (number - first) * _BLOCK
            self._blocks[number] = got[0][at : at + _BLOCK]
        while len(self._blocks) > _KEPT + end - first:
            del self._blocks[next(iter(self._blocks))]
        self._next = end
        self._fetched += stop - begin
        self._web.watch(self._url, self._fetched, self._size)


def opener(
    web: Web, url: str, size: int | None, sha256: str | None
) -> Callable[[], AbstractContextManager[Readable]]:
    """A function that opens the file at ``url`` for positioned reads.

    Raises:
        TargetError: the file cannot be downloaded, or does not match the index's ``sha256``.
    """
    place = _cache() / _key(url, sha256)
    if not place.exists() and (size is None or size > WHOLE):
        try:
            got = web.part(url, -_TAIL, 0)
        except OSError as error:
            raise TargetError(str(error)) from error
        if got is not None and got[1] > WHOLE and len(got[0]) == min(_TAIL, got[1]):
            parts = _Parts(web, url, *got)

            @contextmanager
            def by_parts() -> Iterator[Readable]:
                yield parts

            return by_parts
    path = _kept_file(web, url, place, sha256)

    @contextmanager
    def whole() -> Iterator[Readable]:
        # another run may have deleted the file in the meantime
        with open_readable(path if path.exists() else _kept_file(web, url, place, sha256)) as file:
            yield file

    return whole


def _kept_file(web: Web, url: str, place: Path, sha256: str | None) -> Path:
    """The file's path in the cache; downloads the file if it is not there yet.

    The file gets its final name once it is complete and its hash is checked, so two concurrent
    runs do not disturb each other: at worst both download it.
    """
    if place.exists():
        with suppress(OSError):
            os.utime(place)
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".part-", delete=False) as part:
            try:
                _fetch(web, url, part.write, sha256)
                part.close()
                Path(part.name).replace(place)
            except BaseException:
                part.close()
                Path(part.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise TargetError(f"cannot cache {bare(url)} in {place.parent}: {error}") from error
    _make_room(place)
    return place


def _fetch(web: Web, url: str, write: Callable[[bytes], object], sha256: str | None) -> None:
    digest = hashlib.sha256()
    done = 0
    with web.stream(url) as (pieces, size):
        for piece in pieces:
            digest.update(piece)
            write(piece)
            done += len(piece)
            web.watch(url, done, size)
    if size and done != size:
        raise TargetError(f"the download of {bare(url)} broke off after {done} of {size} bytes")
    if sha256 is not None and digest.hexdigest() != sha256:
        raise TargetError(f"the sha256 of {bare(url)} is not the one that the index lists")


def _make_room(newest: Path) -> None:
    """Delete the least recently used files until the rest fits; never the newest file."""
    kept = []
    for path in newest.parent.iterdir():
        with suppress(OSError):
            status = path.stat()
            kept.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in kept)
    for _, size, path in sorted(kept):
        if total <= CACHE_LIMIT:
            return
        if path != newest and not path.name.startswith(".part-"):
            with suppress(OSError):
                path.unlink()
                total -= size


def _cache() -> Path:
    given = os.environ.get("TORCH_ABI_AUDIT_CACHE")
    if given:
        return Path(given) / "wheels"
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "torch-abi-audit" / "wheels"


def _key(url: str, sha256: str | None) -> str:
    return sha256 or hashlib.sha256(bare(url).encode()).hexdigest()
