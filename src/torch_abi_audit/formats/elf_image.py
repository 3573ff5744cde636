"""An ELF file's tables, located through its program headers and bounded, not yet read.

Layouts: the System V gABI, the GNU hash section as ld.so walks it. Section headers are never
looked at, so a file without them reads the same.
"""

from __future__ import annotations

import sys
from array import array
from itertools import takewhile
from struct import Struct

from torch_abi_audit.errors import FormatError
from torch_abi_audit.formats.strings import StringTable
from torch_abi_audit.formats.window import window
from torch_abi_audit.model import NotALibrary
from torch_abi_audit.record import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model import Readable

_CHUNK = 1 << 12  # symbols looked at in one go: bounds memory whatever the size of the file

_KINDS = {1: "object file", 2: "executable", 4: "core dump"}
_ET_DYN = 3
_DEVICE_MACHINES = {190: "CUDA device code", 224: "AMD GPU device code", 247: "BPF program"}
_MACHINES = {
    3: "i686",
    8: "mips",
    20: "ppc",
    40: "armv7l",
    62: "x86_64",
    183: "aarch64",
}
_SIZED_MACHINES = {21: "ppc64", 22: "s390", 243: "riscv", 258: "loongarch"}
_MIPS, _S390, _ALPHA = 8, 22, 0x9026

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_PN_XNUM = 0xFFFF
_MOST_SEGMENTS = 0xFFFF
_MOST_DYNAMIC = 1 << 20
"""Bytes of a dynamic section: its end is marked, and stands hundreds of bytes into it."""


class Tag:
    """The dynamic section entries that matter here: plain numbers, looked up in plain dicts."""

    NEEDED = 1
    PLTRELSZ = 2
    HASH = 4
    STRTAB = 5
    SYMTAB = 6
    RELA = 7
    RELASZ = 8
    STRSZ = 10
    SONAME = 14
    RPATH = 15
    REL = 17
    RELSZ = 18
    PLTREL = 20
    DEBUG = 21
    JMPREL = 23
    RUNPATH = 29
    GNU_HASH = 0x6FFFFEF5
    VERSYM = 0x6FFFFFF0
    FLAGS_1 = 0x6FFFFFFB
    VERNEED = 0x6FFFFFFE
    VERNEEDNUM = 0x6FFFFFFF
    MIPS_SYMTABNO = 0x70000011


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header."""

    tag: int
    offset: int
    address: int
    in_file: int
    in_memory: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How this file spells its tables: word size and byte order."""

    wide: bool
    swapped: bool
    order: str
    header: Struct
    segment: Struct
    dynamic: Struct
    symbol: Struct
    word: Struct

    def segment_of(self, fields: tuple[int, ...]) -> Segment:
        """A program header from its raw fields, whose order depends on the word size."""
        if self.wide:
            tag, _, offset, address, _, in_file, in_memory, _ = fields
        else:
            tag, offset, address, _, in_file, in_memory, _, _ = fields
        return Segment(tag, offset, address, in_file, in_memory)


def _layout(wide: bool, order: str) -> Layout:  # noqa: FBT001 - the ELF class is a flag
    swapped = (order == ">") != (sys.byteorder == "big")
    return Layout(
        wide=wide,
        swapped=swapped,
        order=order,
        header=Struct(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")),
        segment=Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII")),
        dynamic=Struct(order + ("qQ" if wide else "iI")),
        symbol=Struct(order + ("IBBH16x" if wide else "I8xBBH")),
        word=Struct(order + "I"),
    )


_LAYOUTS = {(cls, data): (cls == 2, ">" if data == 2 else "<") for cls in (1, 2) for data in (1, 2)}


@dataclass(frozen=True, slots=True)
class Image:
    """The tables of one file, located and bounded, not yet read."""

    source: Readable
    layout: Layout
    machine: int
    loads: tuple[Segment, ...]
    tags: dict[int, int]
    entries: tuple[tuple[int, int], ...]
    has_interpreter: bool

    def values(self, tag: int) -> tuple[int, ...]:
        """Every value of a dynamic entry that may stand more than once."""
        return tuple(value for key, value in self.entries if key == tag)

    def at(self, address: int, what: str) -> tuple[int, int]:
        """File offset of a virtual address, and how many bytes its segment holds from there."""
        for load in reversed(self.loads):
            into = address - load.address
            if 0 <= into < load.in_file:
                return load.offset + into, load.in_file - into
        raise FormatError(f"{what}: address {address:#x} is in no loaded segment")

    def table(self, address: int, size: int, what: str) -> bytes:
        """A table of known size, which must lie within one segment."""
        offset, room = self.at(address, what)
        if size > room:
            raise FormatError(f"{what} of {size} bytes at {address:#x} runs past its segment")
        return window(self.source, offset, size, what)

    def architecture(self) -> str:
        """The machine, spelled as wheel tags do."""
        return architecture(self.machine, wide=self.layout.wide, little=self.layout.order == "<")

    def strings(self) -> StringTable:
        """The dynamic string table."""
        if Tag.STRTAB not in self.tags:
            raise FormatError("dynamic section names no string table")
        offset, room = self.at(self.tags[Tag.STRTAB], "string table")
        size = self.tags.get(Tag.STRSZ, room)
        if size > room:
            raise FormatError(f"string table of {size} bytes runs past its segment")
        return StringTable(self.source, offset, size)

    def symbols(self) -> Iterator[tuple[int, bytes]]:
        """The dynamic symbol table, as (first index, raw entries) in bounded chunks."""
        if Tag.SYMTAB not in self.tags:
            return
        offset, room = self.at(self.tags[Tag.SYMTAB], "symbol table")
        entry = self.layout.symbol.size
        count = _symbol_count(self, room // entry)
        for first in range(0, count, _CHUNK):
            length = min(_CHUNK, count - first) * entry
            yield first, window(self.source, offset + first * entry, length, "symbol table")


def architecture(machine: int, *, wide: bool, little: bool) -> str:
    """An ELF machine, word size and byte order, spelled as wheel tags do."""
    name = _SIZED_MACHINES.get(machine)
    if name is None:
        return _MACHINES.get(machine, f"machine-{machine}")
    suffix = {"ppc64": "le" if little else "", "s390": "x" if wide else ""}
    return name + suffix.get(name, "64" if wide else "32")


def open_image(source: Readable) -> Image | NotALibrary:
    """Locate the dynamic tables of an ELF file.

    Raises:
        FormatError: the file is damaged, cut short, or of an unknown ELF class or type.
    """
    ident = window(source, 0, 16, "ELF header")
    if (ident[4], ident[5]) not in _LAYOUTS:
        raise FormatError(f"unknown ELF class {ident[4]} or byte order {ident[5]}")
    layout = _layout(*_LAYOUTS[ident[4], ident[5]])
    header = window(source, 16, layout.header.size, "ELF header")
    kind, machine, _, _, phoff, shoff, _, _, phentsize, phnum, *_ = layout.header.unpack(header)
    if machine in _DEVICE_MACHINES:
        return NotALibrary(_DEVICE_MACHINES[machine])
    if kind in _KINDS:
        return NotALibrary(_KINDS[kind])
    if kind != _ET_DYN:
        raise FormatError(f"unknown ELF type {kind}")
    if phnum == _PN_XNUM:  # the true count is in sh_info of section 0 (gABI)
        at = shoff + (44 if layout.wide else 28)
        (phnum,) = layout.word.unpack(window(source, at, 4, "section header 0"))
    if phnum > _MOST_SEGMENTS:
        raise FormatError(f"{phnum} program headers: no loader takes as many")
    if phnum and phentsize != layout.segment.size:
        raise FormatError(f"program header entries of {phentsize} bytes")
    raw = window(source, phoff, phnum * layout.segment.size, "program headers")
    segments = [layout.segment_of(fields) for fields in layout.segment.iter_unpack(raw)]
    dynamic = next((one for one in segments if one.tag == _PT_DYNAMIC), None)
    if dynamic is None:
        raise FormatError("no dynamic section: no loader can open it")
    if dynamic.in_file == 0 and dynamic.in_memory > 0:
        return NotALibrary("debug symbols")
    size = dynamic.in_file - dynamic.in_file % layout.dynamic.size
    blob = window(source, dynamic.offset, min(size, _MOST_DYNAMIC), "dynamic section")
    entries = list(takewhile(lambda entry: entry[0] != 0, layout.dynamic.iter_unpack(blob)))
    if size > len(blob) == len(entries) * layout.dynamic.size:
        raise FormatError(f"dynamic section without an end in its first {len(blob)} bytes")
    return Image(
        source=source,
        layout=layout,
        machine=machine,
        loads=tuple(one for one in segments if one.tag == _PT_LOAD),
        tags=dict(entries),
        entries=tuple(entries),
        has_interpreter=any(one.tag == _PT_INTERP for one in segments),
    )


def _symbol_count(image: Image, most: int) -> int:
    """How many dynamic symbols there are: no table says it outright.

    DT_HASH states it; a GNU hash table ends at the last symbol of its last chain. A library that
    exports nothing has an empty GNU hash table that says nothing, so there the relocations tell:
    a symbol that no relocation names is never looked up.
    """
    tags, word = image.tags, image.layout.word
    known = (
        [tags[Tag.MIPS_SYMTABNO]] if image.machine == _MIPS and Tag.MIPS_SYMTABNO in tags else []
    )
    if Tag.HASH in tags:
        known.append(_hash_count(image, most))
    if Tag.GNU_HASH in tags and not known:
        at = tags[Tag.GNU_HASH]
        buckets, first, bloom, _ = Struct(image.layout.order + "4I").unpack(
            image.table(at, 16, "GNU hash table")
        )
        at += 16 + bloom * (8 if image.layout.wide else 4)
        heads = words(image, image.table(at, buckets * 4, "GNU hash buckets"))
        last = max(heads, default=0)
        if last >= first and last:
            at += buckets * 4
            offset, room = image.at(at + (last - first) * 4, "GNU hash chain")
            end = offset + room
            while True:
                if offset + 4 > end:
                    raise FormatError("GNU hash chain has no end")
                (link,) = word.unpack(window(image.source, offset, 4, "GNU hash chain"))
                last, offset = last + 1, offset + 4
                if link & 1:
                    break
            known.append(last)
    if not known:
        known.append(_relocated_symbols(image))
    count = max(known)
    if count > most:
        raise FormatError(f"symbol table of {count} entries runs past its segment")
    return count


def _hash_count(image: Image, most: int) -> int:
    """The number of symbols that DT_HASH states.

    Its words are of 32 bits, and of 64 on Alpha and s390x; some linkers write 32 there, too.
    """
    at, order = image.tags[Tag.HASH], image.layout.order
    if image.layout.wide and image.machine in (_S390, _ALPHA):
        (count,) = Struct(order + "8xQ").unpack(image.table(at, 16, "hash table"))
        if count <= most:
            return int(count)
    (count,) = Struct(order + "4xI").unpack(image.table(at, 8, "hash table"))
    return int(count)


def _relocated_symbols(image: Image) -> int:
    """One more than the highest symbol index that any relocation names."""
    tags = image.tags
    jump_is_rela = tags.get(Tag.PLTREL, Tag.RELA) == Tag.RELA
    highest = 0
    for start, size, explicit in (
        (Tag.RELA, Tag.RELASZ, True),
        (Tag.REL, Tag.RELSZ, False),
        (Tag.JMPREL, Tag.PLTRELSZ, jump_is_rela),
    ):
        if not tags.get(start) or not tags.get(size):
            continue
        shape, shift = _relocation(image, explicit=explicit)
        offset, room = image.at(tags[start], "relocations")
        if tags[size] > room:
            raise FormatError("relocations run past their segment")
        total = tags[size] - tags[size] % shape.size
        step = shape.size * _CHUNK
        for begin in range(0, total, step):
            blob = window(image.source, offset + begin, min(step, total - begin), "relocations")
            highest = max(highest, max(info for (info,) in shape.iter_unpack(blob)) >> shift)
    return highest + 1 if highest else 0


def _relocation(image: Image, *, explicit: bool) -> tuple[Struct, int]:
    """The shape of one relocation's r_info, and how far its symbol index is shifted."""
    wide, order = image.layout.wide, image.layout.order
    addend = ("8x" if wide else "4x") if explicit else ""
    if wide and image.machine == _MIPS:  # r_sym, then one byte each: r_ssym and three types
        return Struct(f"{order}8xI4x{addend}"), 0
    return Struct(f"{order}{'8xQ' if wide else '4xI'}{addend}"), 32 if wide else 8


def words(image: Image, blob: bytes) -> array[int]:
    """Unsigned 32-bit words in the file's byte order (CPython's ``unsigned int`` is 32 bits)."""
    result = array("I", blob)
    if image.layout.swapped:
        result.byteswap()
    return result
