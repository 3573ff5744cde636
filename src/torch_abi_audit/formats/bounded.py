"""Bounded reads: every count and offset in a file is checked against the size of the file."""

from __future__ import annotations

from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Readable


LARGEST = 512 << 20
"""Most bytes read at once, more than any known table takes: a sparse file may claim 3 GB."""


def window(source: Readable, offset: int, length: int, what: str) -> bytes:
    """Exactly ``length`` bytes at ``offset``.

    Raises:
        FormatError: the range lies outside the file, or is larger than any table; the message
            names ``what``, the range and the size.
    """
    if offset < 0 or length < 0 or offset + length > source.size:
        raise FormatError(outside(offset, length, source.size, what))
    if length > LARGEST:
        raise FormatError(f"{what} of {length} bytes: larger than in any real library")
    data = source.read_at(offset, length)
    if len(data) != length:
        raise FormatError(f"the file shrank while the {what} at byte {offset} was being read")
    return data


def outside(offset: int, length: int, size: int, what: str) -> str:
    """The message for a range that is not within a file, or an image in one, of ``size`` bytes."""
    return (
        f"the file is cut short or damaged: it has {size} bytes, but the {what} should be at "
        f"bytes {offset} to {offset + length}"
    )


def c_string(blob: bytes, offset: int, what: str) -> bytes:
    """The NUL-terminated string at ``offset`` of ``blob``, without the NUL.

    Raises:
        FormatError: the offset lies outside the blob, or no NUL follows it.
    """
    if not 0 <= offset < len(blob):
        raise FormatError(
            f"{what}: string offset {offset} lies outside its table of {len(blob)} bytes"
        )
    end = blob.find(0, offset)
    if end < 0:
        raise FormatError(f"{what}: unterminated string at offset {offset}")
    return blob[offset:end]


class Budget:
    """A limit on the total size of some tables in one file: real tables do not overlap."""

    __slots__ = ("_left", "_what")

    def __init__(self, source: Readable, what: str) -> None:
        self._left, self._what = 2 * source.size + (1 << 16), what

    def spend(self, size: int) -> None:
        """Count ``size`` more bytes.

        Raises:
            FormatError: the tables overlap so much that reading them could take very long.
        """
        self._left -= size
        if self._left < 0:
            raise FormatError(f"the {self._what} overlap: together they exceed the file's size")
