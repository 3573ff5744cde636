"""The export table of a DLL: names, ordinals, and functions that another DLL provides."""

from __future__ import annotations

import struct
import sys
from array import array
from typing import NamedTuple

from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.formats.pe.image import Image

_EXPORTS = 0
_MOST_NAMES = 1 << 20
"""Most names of exports: a DLL has at most 65,536 ordinals, but may have aliases."""
_MOST_FUNCTIONS = 1 << 16


class Exports(NamedTuple):
    """What other DLLs can import."""

    names: dict[bytes, int]
    """Each name to the index of its function."""
    base: int
    """The ordinal of the first function."""
    functions: array[int]
    """RVA of each function; 0 where an ordinal is not used."""
    forwarders: range
    """The RVAs of texts that name a function of another DLL, where a function would be."""


def export_table(image: Image) -> tuple[str | None, array[int]]:
    """The DLL's own name, and the RVA of each exported name.

    Raises:
        FormatError: the table is damaged.
    """
    rvas = array("I")
    rva = image.directory(_EXPORTS)
    if not rva:
        return None, rvas
    directory = image.take(rva, 40, "export directory")
    own, count, table = struct.unpack("<12xI8xI4xI4x", directory)
    if count > _MOST_NAMES:
        raise FormatError(f"{count} exported names: more than in any real library")
    if count:
        rvas.frombytes(image.take(table, 4 * count, "table of exported names"))
        if sys.byteorder == "big":
            rvas.byteswap()
    if not own:
        return None, rvas
    soname = image.names([own], "DLL's own name")[own]
    return soname.decode("utf-8", "surrogateescape"), rvas


def exports(image: Image) -> Exports:
    """All that a DLL exports.

    Raises:
        FormatError: the table is damaged.
    """
    rva = image.directory(_EXPORTS)
    if not rva:
        return Exports({}, 0, array("I"), range(0))
    directory = image.take(rva, 40, "export directory")
    base, count, addresses, indexes = struct.unpack("<16xII4xI4xI", directory)
    if count > _MOST_FUNCTIONS:
        raise FormatError(f"{count} exported functions: more than there are ordinals")
    _, rvas = export_table(image)
    functions = _numbers("I", image.take(addresses, 4 * count, "exported functions"))
    places = _numbers("H", image.take(indexes, 2 * len(rvas), "ordinals of exported names"))
    texts = image.names(rvas, "name of an export")
    names = {texts[rva]: index for rva, index in zip(rvas, places, strict=True)}
    return Exports(names, base, functions, range(rva, rva + image.sizes[_EXPORTS]))


def forwarded(image: Image, rva: int) -> bytes:
    """The text that stands for a function of another DLL: ``NTDLL.RtlAllocateHeap``, ``X.#12``.

    Raises:
        FormatError: it is not in the file.
    """
    return image.names([rva], "forwarder")[rva]


def _numbers(code: str, blob: bytes) -> array[int]:
    found = array(code, blob)
    if sys.byteorder == "big":
        found.byteswap()
    return found
