"""The section headers of an ELF file: where symbols and debug information stand.

Layouts: the System V gABI. No loader reads them, so a library may do without.
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.bounded import c_string, window
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Readable

_SHN_XINDEX = 0xFFFF


@dataclass(frozen=True, slots=True)
class Section:
    """One section header."""

    name: bytes
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int


@dataclass(frozen=True, slots=True)
class Header:
    """What the ELF header says, and the sections."""

    kind: int
    machine: int
    wide: bool
    order: str
    sections: tuple[Section, ...]


def section_table(source: Readable) -> Header:
    """The header and the sections of an ELF file; no sections if it has none.

    Raises:
        FormatError: the file is damaged, cut short, or of an unknown class.
    """
    ident = window(source, 0, 16, "ELF header")
    if ident[4] not in (1, 2) or ident[5] not in (1, 2):
        raise FormatError(f"unknown ELF class {ident[4]} or byte order {ident[5]}")
    wide, order = ident[4] == 2, ">" if ident[5] == 2 else "<"
    header = Struct(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"))
    fields = header.unpack(window(source, 16, header.size, "ELF header"))
    shoff, entsize, count, names = fields[5], fields[10], fields[11], fields[12]
    shape = Struct(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"))
    sections: tuple[Section, ...] = ()
    if shoff and entsize == shape.size:
        if count == 0 or names == _SHN_XINDEX:  # the true numbers are in section 0 (gABI)
            first = shape.unpack(window(source, shoff, shape.size, "section header 0"))
            count = count or first[5]
            names = first[6] if names == _SHN_XINDEX else names
        blob = window(source, shoff, count * shape.size, "section headers")
        sections = _named(source, list(shape.iter_unpack(blob)), names)
    return Header(fields[0], fields[1], wide, order, sections)


def _named(source: Readable, raw: list[tuple[int, ...]], names: int) -> tuple[Section, ...]:
    if not raw:
        return ()
    if names >= len(raw):
        raise FormatError(
            f"section {names} should hold the section names, but there are {len(raw)} sections"
        )
    text = window(source, raw[names][4], raw[names][5], "section names")
    return tuple(
        Section(c_string(text, name, "section names"), *rest)
        for name, *rest in (each[:8] for each in raw)
    )
