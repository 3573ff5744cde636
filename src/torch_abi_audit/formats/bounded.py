"""Bounded reading: every count and offset that a file states is checked against the file."""

from __future__ import annotations

from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Readable


LARGEST = 512 << 20
"""Bytes that are read at once: more than any known table. A sparse file can claim 3 GB."""


def window(source: Readable, offset: int, length: int, what: str) -> bytes:
    """Exactly ``length`` bytes at ``offset``.

    Raises:
        FormatError: the range leaves the file, or is larger than any table; the message names
            ``what``, the range and the size.
    """
    if offset < 0 or length < 0 or offset + length > source.size:
        raise FormatError(
            f"{what} at bytes {offset}..{offset + length} lies outside the file "
            f"of {source.size} bytes: cut short or damaged"
        )
    if length > LARGEST:
        raise FormatError(f"{what} of {length} bytes: larger than that of any library")
    data = source.read_at(offset, length)
    if len(data) != length:
        raise FormatError(f"{what} at byte {offset} could not be read in full: the file shrank")
    return data


def c_string(blob: bytes, offset: int, what: str) -> bytes:
    """The NUL-terminated string at ``offset`` of ``blob``, without the NUL.

    Raises:
        FormatError: the offset lies outside the blob, or no NUL follows it.
    """
    if not 0 <= offset < len(blob):
        raise FormatError(f"{what}: string offset {offset} outside its table of {len(blob)} bytes")
    end = blob.find(0, offset)
    if end < 0:
        raise FormatError(f"{what}: unterminated string at offset {offset}")
    return blob[offset:end]


class Budget:
    """How many bytes the tables of one file may take together: honest ones do not overlap."""

    __slots__ = ("_left", "_what")

    def __init__(self, source: Readable, what: str) -> None:
        self._left, self._what = 2 * source.size + (1 << 16), what

    def spend(self, size: int) -> None:
        """Count ``size`` bytes more.

        Raises:
            FormatError: the tables overlap, so that reading them could take without end.
        """
        self._left -= size
        if self._left < 0:
            raise FormatError(f"{self._what} overlap beyond what a file can mean")
