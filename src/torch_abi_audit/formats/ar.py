"""Static archives: the members of ``ar`` files in the GNU, BSD and Microsoft forms.

Layout: ``ar(5)`` of System V and BSD; the archive chapter of the PE/COFF specification.
"""

from __future__ import annotations

from typing import NamedTuple

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.formats.macho.slices import Slice
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.binary import Readable

MAGIC, THIN = b"!<arch>\n", b"!<thin>\n"
_HEADER = 60
_TABLES = frozenset({b"/", b"/SYM64/", b"/<ECSYMBOLS>/", b"/<HYBRIDMAP>/"})
_BSD_TABLES = (b"__.SYMDEF",)
_LONGEST_NAME = 1 << 16


class Member(NamedTuple):
    """One file in an archive."""

    name: str
    content: Slice


def members(source: Readable) -> Iterator[Member]:
    """Every file in an archive, except its symbol and name tables.

    Raises:
        FormatError: the archive is damaged, cut short, or thin, which means without the files.
    """
    magic = window(source, 0, 8, "archive header")
    if magic == THIN:
        raise FormatError(
            "a thin archive has only the names of its object files: audit those files instead"
        )
    if magic != MAGIC:
        raise FormatError(f"not a static archive: it begins with {magic.hex()}")
    names, pos = b"", 8
    while pos < source.size:
        header = window(source, pos, _HEADER, "archive member header")
        if header[58:60] != b"`\n" or not header[48:58].strip().isdigit():
            raise FormatError(f"archive member at byte {pos} has a malformed header")
        raw, size = header[:16].rstrip(b" "), int(header[48:58])
        start = pos + _HEADER
        if start + size > source.size:
            raise FormatError(f"archive member at byte {pos} runs past the end of the file")
        pos = start + size + (size & 1)
        if raw == b"//":
            names = window(source, start, size, "table of long member names")
        elif raw not in _TABLES:
            name, skipped = _name(source, raw, names, start, size)
            if not name.startswith(_BSD_TABLES):
                shown = name.decode("utf-8", "backslashreplace")
                yield Member(shown, Slice(source, start + skipped, size - skipped))


def _name(source: Readable, raw: bytes, names: bytes, start: int, size: int) -> tuple[bytes, int]:
    """A member's name, and the number of content bytes that the name takes."""
    if raw.startswith(b"#1/") and raw[3:].isdigit():
        length = int(raw[3:])
        if length > min(size, _LONGEST_NAME):
            raise FormatError(
                f"archive member of {size} bytes has a name of {length} bytes: too long"
            )
        return window(source, start, length, "archive member name").rstrip(b"\0"), length
    if raw.startswith(b"/") and raw[1:].isdigit():
        at = int(raw[1:])
        if at >= len(names):
            raise FormatError(
                f"archive member name at offset {at} lies outside the name table of "
                f"{len(names)} bytes"
            )
        ends = [end for end in (names.find(b"/\n", at), names.find(b"\0", at)) if end >= 0]
        return names[at : min(ends, default=len(names))], 0
    return raw.removesuffix(b"/"), 0
