"""The images inside a Mach-O file: one of a thin file, each slice of a universal one.

Layout: Apple's ``<mach-o/fat.h>``; the header of a universal file is big-endian everywhere.
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Readable

THIN = {  # magic as it stands in the file: byte order, 64-bit
    b"\xfe\xed\xfa\xce": (">", False),
    b"\xfe\xed\xfa\xcf": (">", True),
    b"\xce\xfa\xed\xfe": ("<", False),
    b"\xcf\xfa\xed\xfe": ("<", True),
}
_FAT = {b"\xca\xfe\xba\xbe": Struct(">8xII4x"), b"\xca\xfe\xba\xbf": Struct(">8xQQ8x")}

_JAVA_MAGIC, _OLDEST_JAVA = b"\xca\xfe\xba\xbe", 43  # its class version, where nfat_arch would be


@dataclass(frozen=True, slots=True)
class Slice:
    """One image of a file as a source of its own: each offset in it counts from its start."""

    source: Readable
    offset: int
    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes of ``[offset, offset + length)``, fewer at the end of the slice."""
        length = max(0, min(length, self.size - offset))
        return self.source.read_at(self.offset + offset, length)


def slices(source: Readable) -> tuple[Slice, ...] | NotALibrary:
    """The images of a file: one of a thin file, each of a universal one.

    Raises:
        FormatError: it is no Mach-O file, or its slices leave the file or overlap.
    """
    magic = window(source, 0, 4, "Mach-O magic")
    if magic in THIN:
        return (Slice(source, 0, source.size),)
    if magic not in _FAT:
        raise FormatError(f"not a Mach-O file: it begins with {magic.hex()}")
    count = int.from_bytes(window(source, 4, 4, "universal header"), "big")
    if magic == _JAVA_MAGIC and count >= _OLDEST_JAVA:
        return NotALibrary("Java class file")
    if count == 0:
        raise FormatError("universal file without slices")
    shape = _FAT[magic]
    table = window(source, 8, count * shape.size, "table of slices")
    found = tuple(Slice(source, offset, size) for offset, size in shape.iter_unpack(table))
    end = 8 + len(table)
    for one in sorted(found, key=lambda one: one.offset):
        if one.offset < end:
            raise FormatError(f"slice at byte {one.offset} overlaps what lies before byte {end}")
        end = one.offset + one.size
    if end > source.size:
        raise FormatError(f"slices end at byte {end} of a file of {source.size}: cut short")
    return found
