"""The tables of an ELF file: located through the program headers and bounded, but not yet read.

Layouts: the System V gABI, and the GNU hash section as ld.so walks it. Section headers are not
used here, so a file without them reads the same.
"""

from __future__ import annotations

import sys
from itertools import takewhile
from struct import Struct

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.formats.strings import StringTable
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.device_code import AMD_CODE, CUDA_CODE
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.model.binary import Readable

_KINDS = {1: "object file", 2: "executable", 4: "core dump"}
_ET_EXEC, _ET_DYN = 2, 3
_DEVICE_MACHINES = {190: CUDA_CODE, 224: AMD_CODE, 247: "BPF program"}
_MACHINES = {
    3: "i686",
    8: "mips",
    20: "ppc",
    40: "armv7l",
    62: "x86_64",
    183: "aarch64",
}
_SIZED_MACHINES = {21: "ppc64", 22: "s390", 243: "riscv", 258: "loongarch"}

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_GNU_STACK = 1, 2, 3, 0x6474E551
_PF_X = 1
_HEAD = 1 << 10
"""Bytes of the first read: the ELF header and, in nearly every file, the program headers."""
_PN_XNUM = 0xFFFF
_MOST_SEGMENTS = 0xFFFF
_MOST_DYNAMIC = 1 << 20
"""Most bytes of a dynamic section that are read: its end mark is usually at some hundred bytes."""


class NoDynamicSectionError(FormatError):
    """A program or library without a dynamic section."""


class NoSegmentsError(FormatError):
    """A program or library of which nothing would be loaded."""


class Tag:
    """The dynamic section tags used here; plain integers, for fast lookups in plain dicts."""

    NULL = 0
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
    SYMBOLIC = 16
    REL = 17
    RELSZ = 18
    PLTREL = 20
    DEBUG = 21
    JMPREL = 23
    BIND_NOW = 24
    RUNPATH = 29
    FLAGS = 30
    RELR = 36
    GNU_HASH = 0x6FFFFEF5
    VERSYM = 0x6FFFFFF0
    RELACOUNT = 0x6FFFFFF9
    RELCOUNT = 0x6FFFFFFA
    FLAGS_1 = 0x6FFFFFFB
    VERDEF = 0x6FFFFFFC
    VERDEFNUM = 0x6FFFFFFD
    VERNEED = 0x6FFFFFFE
    VERNEEDNUM = 0x6FFFFFFF
    MIPS_SYMTABNO = 0x70000011
    AUXILIARY = 0x7FFFFFFD
    FILTER = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Layout:
    """The word size and byte order of a file's tables."""

    wide: bool
    swapped: bool
    order: str
    header: Struct
    segment: Struct
    """A program header: type, file offset, address, size in the file and size in memory."""
    dynamic: Struct
    word: Struct


def _layout(elf_class: int, data: int) -> Layout:
    """The layout for the class and data bytes of the ELF identification.

    Raises:
        FormatError: the class or the byte order is unknown.
    """
    known = _LAYOUTS.get((elf_class, data))
    if known is not None:
        return known
    if elf_class not in (1, 2) or data not in (1, 2):
        raise FormatError(f"unknown ELF class {elf_class} or byte order {data}")
    wide, order = elf_class == 2, "<" if data == 1 else ">"
    made = _LAYOUTS[elf_class, data] = Layout(
        wide=wide,
        swapped=(order == ">") != (sys.byteorder == "big"),
        order=order,
        header=Struct(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")),
        segment=Struct(order + ("I4xQQ8xQQ8x" if wide else "III4xII8x")),
        dynamic=Struct(order + ("qQ" if wide else "iI")),
        word=Struct(order + "I"),
    )
    return made


_LAYOUTS: dict[tuple[int, int], Layout] = {}


@dataclass(frozen=True, slots=True)
class Image:
    """The tables of one file: located and bounded, but not yet read."""

    source: Readable
    layout: Layout
    machine: int
    fixed: bool
    """Whether it is a program for a fixed address (ET_EXEC)."""
    loads: tuple[tuple[int, int, int], ...]
    """File offset, address and size in the file of each loaded segment, in reverse order."""
    tags: dict[int, int]
    entries: tuple[tuple[int, int], ...]
    interpreter: tuple[int, int] | None
    """File offset and size of the path of a program's interpreter, the dynamic loader."""
    executable_stack: bool | None
    """Whether PT_GNU_STACK asks for an executable stack; None if there is no such header."""
    section_names: int | None
    """File offset of the section header for the section names; None if there is none."""

    @property
    def ends_at(self) -> int:
        """The size of the file if no loaded segment is cut short."""
        return max((offset + size for offset, _, size in self.loads), default=0)

    def values(self, tag: int) -> tuple[int, ...]:
        """Every value of a dynamic tag that may occur more than once."""
        return tuple(value for key, value in self.entries if key == tag)

    def at(self, address: int, what: str) -> tuple[int, int]:
        """File offset of a virtual address, and the number of bytes left in its segment.

        Raises:
            FormatError: no loaded segment contains the address.
        """
        for offset, start, size in self.loads:
            into = address - start
            if 0 <= into < size:
                return offset + into, size - into
        raise FormatError(f"{what}: address {address:#x} is in no loaded segment")

    def table(self, address: int, size: int, what: str) -> bytes:
        """A table of known size, which must lie within one segment.

        Raises:
            FormatError: the table lies in no segment, or runs past its segment.
        """
        offset, room = self.at(address, what)
        if size > room:
            raise FormatError(f"{what}: {size} bytes at address {address:#x} run past the segment")
        return window(self.source, offset, size, what)

    def architecture(self) -> str:
        """The machine's name, as in wheel tags."""
        return architecture(self.machine, wide=self.layout.wide, little=self.layout.order == "<")

    def strings(self) -> StringTable:
        """The dynamic string table.

        Raises:
            FormatError: there is none, or it lies outside its segment.
        """
        if Tag.STRTAB not in self.tags:
            raise FormatError("the dynamic section has no string table (DT_STRTAB)")
        offset, room = self.at(self.tags[Tag.STRTAB], "string table")
        size = self.tags.get(Tag.STRSZ, room)
        if size > room:
            raise FormatError(f"string table of {size} bytes runs past its segment")
        return StringTable(self.source, offset, size)


def architecture(machine: int, *, wide: bool, little: bool) -> str:
    """The name of an ELF machine, word size and byte order, as in wheel tags."""
    name = _SIZED_MACHINES.get(machine)
    if name is None:
        return _MACHINES.get(machine, f"machine-{machine}")
    suffix = {"ppc64": "le" if little else "", "s390": "x" if wide else ""}
    return name + suffix.get(name, "64" if wide else "32")


def open_image(source: Readable, *, programs: bool = False) -> Image | NotALibrary:
    """Locate the dynamic tables of an ELF file.

    Args:
        source: The file.
        programs: Whether a program with a fixed address (ET_EXEC) is read too.

    Raises:
        FormatError: the file is damaged, cut short, or of an unknown ELF class or type.
    """
    head = source.read_at(0, _HEAD)

    def part(offset: int, length: int, what: str) -> bytes:
        within = 0 <= offset <= offset + length <= len(head)
        return head[offset : offset + length] if within else window(source, offset, length, what)

    ident = part(0, 16, "ELF header")
    layout = _layout(ident[4], ident[5])
    fields = layout.header.unpack(part(16, layout.header.size, "ELF header"))
    kind, machine, _, _, phoff, shoff, _, _, phentsize, phnum, shentsize, _, shstrndx = fields
    if machine in _DEVICE_MACHINES:
        return NotALibrary(_DEVICE_MACHINES[machine])
    if kind in _KINDS and not (programs and kind == _ET_EXEC):
        return NotALibrary(_KINDS[kind])
    if kind not in (_ET_EXEC, _ET_DYN):
        raise FormatError(f"unknown ELF type {kind}")
    if phnum == _PN_XNUM:  # the true count is in sh_info of section 0 (gABI)
        at = shoff + (44 if layout.wide else 28)
        (phnum,) = layout.word.unpack(part(at, 4, "section header 0"))
    if phnum > _MOST_SEGMENTS:
        raise FormatError(f"{phnum} program headers: no loader accepts that many")
    if phnum and phentsize != layout.segment.size:
        raise FormatError(f"program header entries of {phentsize} bytes, not {layout.segment.size}")
    raw = part(phoff, phnum * layout.segment.size, "program headers")
    segments = list(layout.segment.iter_unpack(raw))
    if all(tag != _PT_LOAD for tag, *_ in segments):
        raise NoSegmentsError("the file has no segments to load: no loader can load it")
    dynamic = next((rest for tag, *rest in segments if tag == _PT_DYNAMIC), None)
    if dynamic is None:
        raise NoDynamicSectionError("the file has no dynamic section: no loader can load it")
    offset, _, in_file, in_memory = dynamic
    if in_file == 0 and in_memory > 0:
        return NotALibrary("debug symbols")
    size = in_file - in_file % layout.dynamic.size
    blob = window(source, offset, min(size, _MOST_DYNAMIC), "dynamic section")
    entries = list(takewhile(lambda entry: entry[0] != 0, layout.dynamic.iter_unpack(blob)))
    if size > len(blob) == len(entries) * layout.dynamic.size:
        raise FormatError(f"the dynamic section does not end within its first {len(blob)} bytes")
    return Image(
        source=source,
        layout=layout,
        machine=machine,
        fixed=kind == _ET_EXEC,
        loads=tuple(
            (offset, address, size)
            for tag, offset, address, size, _ in reversed(segments)
            if tag == _PT_LOAD
        ),
        tags=dict(entries),
        entries=tuple(entries),
        interpreter=next(
            ((offset, size) for tag, offset, _, size, _ in segments if tag == _PT_INTERP), None
        ),
        executable_stack=_executable_stack([each[0] for each in segments], raw, layout),
        section_names=shoff + shstrndx * shentsize if shoff and shstrndx else None,
    )


def _executable_stack(tags: list[int], raw: bytes, layout: Layout) -> bool | None:
    """``Image.executable_stack``, from the tags and the bytes of the program headers."""
    if _PT_GNU_STACK not in tags:
        return None
    at = tags.index(_PT_GNU_STACK) * layout.segment.size
    (flags,) = layout.word.unpack_from(raw, at + (4 if layout.wide else 24))
    return bool(flags & _PF_X)


def words(image: Image, blob: bytes, step: int = 1) -> Sequence[int]:
    """Every ``step``-th unsigned 32-bit word of a table, in the file's byte order."""
    if image.layout.swapped:
        return Struct(f"{image.layout.order}{len(blob) // 4}I").unpack(blob)[::step]
    return memoryview(blob).cast("I")[::step].tolist()


def numbers(image: Image, blob: bytes, *, wide: bool) -> Sequence[int]:
    """The unsigned 32-bit or, if ``wide``, 64-bit numbers of a table, in the file's byte order.

    Each is made when it is read, unless the file's byte order is not this machine's.
    """
    if image.layout.swapped:
        code, size = ("Q", 8) if wide else ("I", 4)
        return Struct(f"{image.layout.order}{len(blob) // size}{code}").unpack(blob)
    return memoryview(blob).cast("Q") if wide else memoryview(blob).cast("I")
