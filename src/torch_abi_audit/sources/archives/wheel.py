"""A wheel as a package to audit; its members are read in place, not unpacked to disk."""

from __future__ import annotations

import os
import stat
import zipfile
from collections import Counter
from collections.abc import Sequence
from functools import partial

from torch_abi_audit.knowledge.names.distribution import canonical, is_torch
from torch_abi_audit.model.errors import FormatError, TargetError
from torch_abi_audit.sources.archives.seekable import Seekable
from torch_abi_audit.sources.archives.zip_member import Member, head, open_member
from torch_abi_audit.sources.files.readable import open_readable
from torch_abi_audit.sources.files.tree import reason
from torch_abi_audit.sources.found import HEAD_LENGTH, Candidate, Found, Unread
from torch_abi_audit.sources.installed.distribution import (
    import_names,
    parse_headers,
)
from torch_abi_audit.sources.installed.distribution import tags as stated_tags
from torch_abi_audit.sources.naming import (
    INDEX_PREFIX,
    is_candidate,
    leads_out,
    worth_opening,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Readable
    from torch_abi_audit.sources.archives.zip_member import Opener

TOTAL_LIMIT = 64 << 30
"""Unpacked bytes that are read of one wheel: several times the size of the largest known one."""

_METADATA_LIMIT = 1 << 20
_ENCRYPTED = 0x1 | 0x40  # by password, or strongly
_UTF8 = 0x800
_UNIX = 3


def wheel(path: str, opener: Opener | None = None) -> Found:
    """The package in a wheel.

    Args:
        path: Path of the wheel, or ``pypi:`` and its file name.
        opener: Opens the wheel for positioned reads; needed if it is not a file on disk.

    Raises:
        TargetError: the wheel cannot be read, is empty, or is not a zip archive.
    """
    opener = opener or partial(open_readable, path)
    try:
        with opener() as archive:
            members = _members(path, archive)
            candidates, errors, notes = _libraries(path, opener, archive, members)
            texts, unread = _metadata(path, archive, members)
    except OSError as error:
        raise TargetError(f"cannot read {path}: {reason(error)}") from error
    filename = os.path.basename(path).removeprefix(INDEX_PREFIX)
    if not texts and not filename.lower().endswith(".whl"):
        return Found(
            filename,
            path,
            candidates,
            import_names=import_names(entry.filename for entry, _ in members),
            notes=("a zip archive without a *.dist-info directory: not a wheel", *notes),
            errors=errors,
            from_archive=True,
        )
    parts = filename.rpartition(".")[0].split("-")
    said = parse_headers(texts.get("METADATA", ""))
    name = said.name or parts[0]
    return Found(
        name,
        path,
        candidates,
        distribution=name,
        version=said.version or (parts[1] if len(parts) > 1 else None),
        import_names=import_names(_installed_as(entry.filename) for entry, _ in members),
        tags=_tags(parts) or stated_tags(texts.get("WHEEL", "")),
        requires=said.requires,
        is_torch=is_torch(name),
        notes=notes,
        errors=(*errors, *unread),
        requires_python=said.requires_python,
        from_archive=True,
    )


Entries = Sequence[tuple[zipfile.ZipInfo, Member]]


def _members(path: str, opened: Readable) -> list[tuple[zipfile.ZipInfo, Member]]:
    """The archive's central directory: each entry, and where its data is."""
    if opened.size == 0:
        raise TargetError(f"{path} is an empty file: download or build it again")
    try:
        with zipfile.ZipFile(Seekable(opened)) as archive:
            entries, directory_at = archive.infolist(), archive.start_dir
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise TargetError(
            f"{path} is not a zip archive, or it is cut short or damaged: {error}"
        ) from error
    if not entries:
        raise TargetError(f"{path} is a zip archive without a file in it: build it again")
    starts = sorted({entry.header_offset for entry in entries})
    ends = dict(zip(starts, [*starts[1:], directory_at], strict=True))
    return [
        (
            entry,
            Member(
                raw_name=entry.orig_filename.encode(
                    "utf-8" if entry.flag_bits & _UTF8 else "cp437", "replace"
                ),
                header_offset=entry.header_offset,
                end=ends[entry.header_offset],
                method=entry.compress_type,
                packed=entry.compress_size,
                size=entry.file_size,
                crc=entry.CRC,
            ),
        )
        for entry in entries
    ]


def _libraries(
    path: str, opener: Opener, archive: Readable, entries: Entries
) -> tuple[tuple[Candidate, ...], tuple[Unread, ...], tuple[str, ...]]:
    """The members that may be libraries, those that cannot be read, and notes."""
    names = Counter(entry.orig_filename for entry, _ in entries)
    offsets = Counter(member.header_offset for _, member in entries)
    candidates = []
    errors = set()
    links = total = 0
    for entry, member in entries:
        name = entry.orig_filename
        place = f"{path}/{name}"
        if stat.S_ISLNK(entry.external_attr >> 16) and entry.create_system == _UNIX:
            links += 1
            continue
        if leads_out(name):
            errors.add(Unread(place, name, "the member's name points outside the archive"))
            continue
        if entry.is_dir() or not worth_opening(name):
            continue
        if names[name] > 1:
            errors.add(Unread(place, name, "the archive has several members with this name"))
        elif offsets[member.header_offset] > 1:
            errors.add(Unread(place, name, "the member overlaps another member"))
        elif entry.flag_bits & _ENCRYPTED:
            errors.add(Unread(place, name, "the member is encrypted"))
        else:
            try:
                first = head(archive, member, HEAD_LENGTH)
            except FormatError as error:
                errors.add(Unread(place, name, str(error)))
                continue
            if not is_candidate(name, first):
                continue
            total += member.size
            if total > TOTAL_LIMIT:
                message = f"the archive unpacks to more than {TOTAL_LIMIT >> 30} GiB, the limit"
                errors.add(Unread(place, name, message))
                continue
            within = partial(open_member, opener, member)
            candidates.append(Candidate(place, name, first, member.size, within))
    return (
        tuple(sorted(candidates, key=lambda each: each.relative)),
        tuple(sorted(errors, key=lambda each: (each.relative, each.message))),
        (f"symbolic links in the archive, not followed: {links}",) if links else (),
    )


def _metadata(
    path: str, archive: Readable, entries: Entries
) -> tuple[dict[str, str], tuple[Unread, ...]]:
    """The texts of METADATA and WHEEL by file name; RECORD is listed with an empty text."""
    own = canonical(os.path.basename(path).removeprefix(INDEX_PREFIX).partition("-")[0])
    texts: dict[str, str] = {}
    unread = []
    for entry, member in sorted(entries, key=lambda each: each[0].filename):
        folder, _, name = entry.filename.partition("/")
        if not folder.endswith(".dist-info") or name not in {"METADATA", "WHEEL", "RECORD"}:
            continue
        if name in texts and canonical(folder.partition("-")[0]) != own:
            continue
        texts[name] = ""
        if name != "RECORD" and not entry.flag_bits & _ENCRYPTED:
            try:
                data = head(archive, member, min(member.size, _METADATA_LIMIT))
            except FormatError as error:
                unread.append(Unread(f"{path}/{entry.filename}", entry.filename, str(error)))
            else:
                texts[name] = data.decode("utf-8", "surrogateescape")
    return texts, tuple(unread)


def _installed_as(name: str) -> str:
    """The path of an installed member relative to site-packages; empty if it goes elsewhere."""
    top, _, rest = name.partition("/")
    if top.endswith(".data"):
        scheme, _, inner = rest.partition("/")
        return inner if scheme in {"purelib", "platlib"} else ""
    return name


def _tags(parts: Sequence[str]) -> tuple[str, ...]:
    """The tags in a wheel's file name, expanded; empty if the name has none."""
    if len(parts) < 5:
        return ()
    pythons, abis, platforms = (part.split(".") for part in parts[-3:])
    return tuple(f"{p}-{a}-{where}" for p in pythons for a in abis for where in platforms)
