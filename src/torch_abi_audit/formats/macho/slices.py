"""The images in a Mach-O file: one in a thin file, each slice of a universal one.

Layout: Apple's ``<mach-o/fat.h>``; the header of a universal file is always big-endian.
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

THIN = {  # magic bytes in the file: byte order, 64-bit
    b"\xfe\xed\xfa\xce": (">", False),
    b"\xfe\xed\xfa\xcf": (">", True),
    b"\xce\xfa\xed\xfe": ("<", False),
    b"\xcf\xfa\xed\xfe": ("<", True),
}
_FAT = {b"\xca\xfe\xba\xbe": Struct(">8xII4x"), b"\xca\xfe\xba\xbf": Struct(">8xQQ8x")}

_JAVA_MAGIC, _OLDEST_JAVA = b"\xca\xfe\xba\xbe", 43  # its class version, where nfat_arch would be


@dataclass(frozen=True, slots=True)
class Slice:
    """One image in a file as a source of its own; offsets count from the start of the slice."""

    source: Readable
    offset: int
    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes of ``[offset, offset + length)``, fewer at the end of the slice."""
        length = max(0, min(length, self.size - offset))
        return self.source.read_at(self.offset + offset, length)


def slices(source: Readable) -> tuple[Slice, ...] | NotALibrary:
    """The images in a file: one in a thin file, each slice of a universal one.

    Raises:
        FormatError: the file is not Mach-O, or its slices overlap or lie outside the file.
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
        raise FormatError("the universal file has no slices")
    shape = _FAT[magic]
    table = window(source, 8, count * shape.size, "table of slices")
    found = tuple(Slice(source, offset, size) for offset, size in shape.iter_unpack(table))
    end = 8 + len(table)
    for one in sorted(found, key=lambda one: one.offset):
        if one.offset < end:
            raise FormatError(f"slice at byte {one.offset} overlaps the bytes before byte {end}")
        end = one.offset + one.size
    if end > source.size:
        raise FormatError(
            f"the file is cut short: its slices end at byte {end}, the file at byte {source.size}"
        )
    return found
