"""Archives without a central directory: tar files, and the conda packages made of them.

The stream is read once. Members that begin like a library are copied into an unnamed temporary
file and read from there. A member's name is never used as a path on this machine.
"""

from __future__ import annotations

import json
import os
import tarfile
import weakref
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import cast

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass, field
from torch_abi_audit.sources.files.readable import FileReadable
from torch_abi_audit.sources.found import HEAD_LENGTH, Candidate, Found, Unread
from torch_abi_audit.sources.installed.distribution import import_names, parse_headers
from torch_abi_audit.sources.naming import (
    is_candidate,
    leads_out,
    worth_opening,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from torch_abi_audit.model.binary import Readable

ENTRIES_LIMIT = 500_000
TOTAL_LIMIT = 16 << 30
"""Bytes that one archive may unpack to, and so the most that the temporary file can hold."""
RATIO_LIMIT = 1000
_FREE = 64 << 20
"""Bytes that an archive may unpack to whatever its compression ratio."""

_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError, zlib.error),
    RuntimeError,  # an encrypted member, or a compression method that zipfile does not support
)
_PIECE = 1 << 20
_TEXT_LIMIT = 1 << 22
_TORCH = frozenset({"pytorch", "libtorch", "torch"})


class _Spill:
    """An unnamed temporary file, closed when nothing refers to this object any more."""

    def __init__(self) -> None:
        self.file: IO[bytes] = TemporaryFile(prefix="torch-abi-audit-")  # noqa: SIM115 - see below
        weakref.finalize(self, self.file.close)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What one pass over an archive collected."""

    spill: _Spill
    places: list[tuple[str, bytes, int, int]] = field(default_factory=list)
    """Name, first bytes, offset in the spill and size of each possible library."""
    errors: list[Unread] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)


class _Slice:
    """A range of the temporary file; it keeps the file open as long as it exists itself."""

    def __init__(self, spill: _Spill, start: int, size: int) -> None:
        self._spill, self._start, self._size = spill, start, size

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self._size - offset))
        return FileReadable(self._spill.file.fileno()).read_at(self._start + offset, length)


def archive(path: str) -> Found:
    """The package in a tar file, a conda package or a source distribution.

    Raises:
        TargetError: the archive cannot be read, is damaged, unpacks to an implausible size, or is
            a source distribution without compiled libraries.
    """
    name = os.path.basename(path)
    kept = _Kept(_Spill())
    try:
        if name.lower().endswith(".conda"):
            _conda(path, kept)
        else:
            with _decompressed(path, name.lower()) as stream:
                _through(path, stream, kept, os.path.getsize(path))
    except _DAMAGE as error:
        raise TargetError(
            f"{path} is damaged, or is not the kind of archive that its name says: {error}"
        ) from error
    except OSError as error:
        raise TargetError(f"cannot read {path}: {error.strerror or error}") from error
    kept.spill.file.flush()
    index = kept.texts.get("info/index.json")
    return _of_conda(path, kept, index) if index is not None else _of_tree(path, kept)


def _of_conda(path: str, kept: _Kept, index: str) -> Found:
    try:
        said = json.loads(index)
        name, version = str(said["name"]), str(said["version"])
        depends = [str(one) for one in said.get("depends", ())]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TargetError(
            f"{path}: info/index.json is not valid JSON, or lacks a name or version"
        ) from error
    on_torch = [one for one in depends if one.partition(" ")[0] in _TORCH]
    note = f"conda package {name} {version} for {said.get('subdir', 'an unknown platform')}"
    if on_torch:
        note += f"; it depends on {' and '.join(on_torch)}"
    return Found(
        name,
        path,
        _candidates(path, kept),
        version=version,
        import_names=import_names(
            one.partition("site-packages/")[2] for one in kept.names if "site-packages/" in one
        ),
        is_torch=name in _TORCH,
        notes=(note,),
        errors=tuple(kept.errors),
        from_archive=True,
    )


def _of_tree(path: str, kept: _Kept) -> Found:
    candidates = _candidates(path, kept)
    said = next((text for name, text in kept.texts.items() if name.endswith("/PKG-INFO")), None)
    filename = os.path.basename(path)
    if said is None:
        return Found(filename, path, candidates, errors=tuple(kept.errors), from_archive=True)
    headers = parse_headers(said)
    if not candidates:
        raise TargetError(
            f"{path} is a source distribution without compiled libraries: build a wheel from it "
            "and audit that"
        )
    return Found(
        headers.name or filename,
        path,
        candidates,
        version=headers.version,
        notes=("a source distribution: these libraries are shipped in it, not built from it",),
        errors=tuple(kept.errors),
        from_archive=True,
    )


def _candidates(path: str, kept: _Kept) -> tuple[Candidate, ...]:
    spill = kept.spill

    def opener(start: int, size: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
        @contextmanager
        def opened() -> Iterator[Readable]:
            yield _Slice(spill, start, size)

        return opened

    return tuple(
        Candidate(f"{path}/{name}", name, head, size, opener(start, size))
        for name, head, start, size in sorted(kept.places)
    )


def _conda(path: str, kept: _Kept) -> None:
    """Read both parts of a ``.conda`` file: a stored zip of ``info-*`` and ``pkg-*`` tar files."""
    with zipfile.ZipFile(path) as outer:
        parts = [one for one in outer.infolist() if one.filename.endswith(".tar.zst")]
        if not parts:
            raise TargetError(f"{path} is not a conda package: it contains no *.tar.zst file")
        for part in parts:
            with outer.open(part) as packed, _zstd(packed) as stream:
                _through(path, stream, kept, part.compress_size)


@contextmanager
def _decompressed(path: str, name: str) -> Iterator[IO[bytes]]:
    import bz2
    import gzip
    import lzma

    with open(path, "rb") as file:
        head = file.read(6)
        file.seek(0)
        if name.endswith(".zst") or head.startswith(b"\x28\xb5\x2f\xfd"):
            with _zstd(file) as stream:
                yield stream
        elif head.startswith(b"\x1f\x8b"):
            with gzip.open(file) as stream:
                yield cast("IO[bytes]", stream)
        elif head.startswith(b"BZh"):
            with bz2.open(file) as stream:
                yield stream
        elif head.startswith(b"\xfd7zXZ"):
            try:
                with lzma.open(file) as stream:
                    yield stream
            except lzma.LZMAError as error:
                raise ValueError(str(error)) from error
        else:
            yield file


@contextmanager
def _zstd(packed: IO[bytes]) -> Iterator[IO[bytes]]:
    import sys
    from importlib import import_module

    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        zstd = import_module(name)
    except ImportError as error:
        raise TargetError("zstd archives need the backports.zstd package: install it") from error
    try:
        with zstd.open(packed) as stream:
            yield stream
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error


def _through(path: str, stream: IO[bytes], kept: _Kept, packed: int) -> None:
    """Read a tar stream once, and keep the members that may be libraries."""
    seen: Counter[str] = Counter()
    total = 0
    with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as tar:
        for count, member in enumerate(tar):
            total += max(0, member.size)
            if count >= ENTRIES_LIMIT:
                raise TargetError(f"{path} has more than {ENTRIES_LIMIT} entries, the limit")
            if total > TOTAL_LIMIT or total > max(_FREE, RATIO_LIMIT * max(packed, 1)):
                raise TargetError(
                    f"{path} unpacks to an implausible size: more than {RATIO_LIMIT} times its "
                    f"own, or more than {TOTAL_LIMIT >> 30} GiB"
                )
            if not member.isreg() or member.issparse():
                continue
            name = member.name.removeprefix("./")
            kept.names.append(name)
            seen[name] += 1
            source = tar.extractfile(member)
            if source is not None:
                _keep(path, name, member.size, source, kept, again=seen[name] > 1)


def _keep(path: str, name: str, size: int, source: IO[bytes], kept: _Kept, *, again: bool) -> None:
    if name == "info/index.json" or (name.count("/") == 1 and name.endswith("/PKG-INFO")):
        kept.texts[name] = source.read(_TEXT_LIMIT).decode("utf-8", "replace")
        return
    if not worth_opening(name):
        return
    head = source.read(min(size, HEAD_LENGTH))
    if not is_candidate(name, head):
        return
    place = f"{path}/{name}"
    if leads_out(name):
        kept.errors.append(Unread(place, name, "the member's name points outside the archive"))
        return
    if again:
        kept.errors.append(Unread(place, name, "the archive has several members with this name"))
        kept.places[:] = [one for one in kept.places if one[0] != name]
        return
    start = kept.spill.file.tell()
    kept.spill.file.write(head)
    while piece := source.read(_PIECE):
        kept.spill.file.write(piece)
    kept.places.append((name, head, start, kept.spill.file.tell() - start))
