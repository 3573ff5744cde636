"""What device code is packed with: zstd, and the block format of LZ4.

The latter is described by https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md. Packages
for it are no requirement of this one, for the few kilobytes that are unpacked.
"""

from __future__ import annotations

import sys

from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Unpacker(Protocol):
        """What unpacks piece by piece."""

        def decompress(self, data: bytes, max_length: int) -> bytes:
            """At most ``max_length`` bytes of what was packed."""
            ...


_SHORTEST_MATCH, _LONG = 4, 15


def zstd() -> tuple[Unpacker, tuple[type[Exception], ...]]:
    """What unpacks zstd, and the errors that it raises.

    Raises:
        FormatError: no module for it is installed.
    """
    from importlib import import_module  # rarely needed

    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        module = import_module(name)
    except ImportError as error:
        raise FormatError("it is packed with zstd: install backports.zstd") from error
    return module.ZstdDecompressor(), (module.ZstdError, EOFError)


def unpacked_zstd(packed: bytes, size: int) -> bytes:
    """The first ``size`` bytes of what was packed.

    Raises:
        FormatError: the data is damaged, or no module for zstd is installed.
    """
    unpacker, broken = zstd()
    try:
        return unpacker.decompress(packed, size)
    except broken as error:
        raise FormatError(f"packed data is damaged: {error}") from error


def unpacked_lz4(packed: bytes, size: int) -> bytes:
    """The first ``size`` bytes of what was packed to one block.

    Raises:
        FormatError: the data is damaged.
    """
    out = bytearray()
    at = 0
    try:
        while len(out) < size:
            token = packed[at]
            literals, at = _length(packed, token >> 4, at + 1)
            out += packed[at : at + literals]
            at += literals
            if at >= len(packed) or len(out) >= size:
                break  # the last sequence has no match
            distance = packed[at] | packed[at + 1] << 8
            length, at = _length(packed, token & _LONG, at + 2)
            length = min(length + _SHORTEST_MATCH, size - len(out))
            if not 0 < distance <= len(out):
                raise FormatError("packed data is damaged: a match begins before the data")
            found = out[-distance:][:length]
            out += (found * (length // len(found) + 1))[:length]
    except IndexError as error:
        raise FormatError("packed data is cut short") from error
    return bytes(out[:size])


def _length(packed: bytes, first: int, at: int) -> tuple[int, int]:
    """A length that begins with four bits, and where its bytes end."""
    if first == _LONG:
        more = 255
        while more == 255:
            more = packed[at]
            first += more
            at += 1
    return first, at
