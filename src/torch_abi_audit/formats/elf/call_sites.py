"""Where the code of an ELF library refers to symbols of other libraries, for x86_64 and aarch64.

A reference goes through a slot of the global offset table, which a relocation fills in: code loads
the slot or calls through it, or calls a stub of the procedure linkage table (PLT) that jumps
through it. The code is not disassembled: the bytes of such instructions are sought, and count if
the address that they name is one of those slots or stubs.

Encodings: Intel's and Arm's manuals; the psABIs of both machines.
"""

from __future__ import annotations

import re
from struct import Struct

from torch_abi_audit.formats.bounded import c_string, window
from torch_abi_audit.formats.dwarf_inlines import Places
from torch_abi_audit.formats.elf.debug import debug_data
from torch_abi_audit.formats.elf.image import open_image
from torch_abi_audit.formats.elf.relocations import places as relocated_places
from torch_abi_audit.formats.elf.section_table import section_table
from torch_abi_audit.formats.elf.symbols import symbols
from torch_abi_audit.formats.object_file import Definition, Relocation
from torch_abi_audit.formats.references import references
from torch_abi_audit.model.binary import NotALibrary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_abi_audit.formats.elf.image import Image
    from torch_abi_audit.formats.elf.section_table import Section
    from torch_abi_audit.formats.object_file import Reference
    from torch_abi_audit.model.binary import Readable

_EM_X86_64, _EM_AARCH64 = 62, 183
_SHF_EXECINSTR, _SHT_SYMTAB, _SHT_NOBITS, _STT_FUNC = 4, 2, 8, 2
_SYMBOL = Struct("<IBxHQQ")
_CODE, _DATA = 0, -1
"""Stand for sections: the addresses of code are flat."""
_SLOTS = {_EM_X86_64: (6, 7), _EM_AARCH64: (1025, 1026)}  # GLOB_DAT, JUMP_SLOT
_LINES = frozenset({b".debug_line", b".zdebug_line"})
_X86 = re.compile(
    rb"[\xe8\xe9]|\x0f[\x80-\x8f]"  # call and jumps to a stub
    rb"|\xff[\x15\x25\x35]|[\x03\x39\x3b\x8b][\x05\x0d\x15\x1d\x25\x2d\x35\x3d]"  # [rip + slot]
    rb"|\x83\x3d"  # a comparison of a slot with a number of one byte
)
_X86_COMPARISON = b"\x83\x3d"
_X86_STUB = re.compile(rb"(?:\xf3\x0f\x1e\xfa)?\xf2?\xff\x25")
_BTI = 0xD503245F
_PAGE = 0xFFF
_REACH = 64
"""Instructions after ADRP in which a load from its page is sought."""


def call_sites(
    source: Readable, wanted: frozenset[bytes]
) -> Mapping[bytes, tuple[Reference, ...]] | None:
    """The references of a library's code and data to imported symbols, the most frequent first.

    References of data, such as a vtable's, have no place. None if the library has no line table,
    or is for another machine.

    Args:
        source: The library.
        wanted: The names of the symbols.

    Raises:
        FormatError: the file is damaged.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary) or image.machine not in _SLOTS or not image.layout.wide:
        return None
    if image.layout.order != "<" or image.section_names is None:
        return None
    header = section_table(source)
    if not any(one.name in _LINES and one.kind != _SHT_NOBITS for one in header.sections):
        return None
    slots, data = _slots(image, wanted)
    code = [
        one
        for one in header.sections
        if one.flags & _SHF_EXECINSTR and one.kind != _SHT_NOBITS and one.size
    ]
    find_stubs, find_sites = (
        (_x86_stubs, _x86_sites) if image.machine == _EM_X86_64 else (_arm_stubs, _arm_sites)
    )
    targets = dict(slots)
    for one in code:
        if one.name.startswith(b".plt"):
            targets.update(find_stubs(_content(source, one), one.address, slots))
    sites: list[Relocation] = []
    for one in code:
        if not one.name.startswith(b".plt"):
            found = find_sites(_content(source, one), one.address, targets)
            sites += (Relocation(_CODE, address, name) for address, name in found)
    for name, count in data.items():
        sites += [Relocation(_DATA, 0, name)] * count
    debug = debug_data(source, header, lambda _section: None, {}, linked=True)
    return references(
        sites,
        _functions(source, header.sections),
        None if debug is None else Places(debug).at,
        {_CODE: 0},
    )


def _functions(source: Readable, sections: tuple[Section, ...]) -> Iterator[Definition]:
    """The functions in the symbol table, which a library with debug information has too."""
    table = next((one for one in sections if one.kind == _SHT_SYMTAB), None)
    if table is None or table.link >= len(sections):
        return
    strings = sections[table.link]
    text = window(source, strings.offset, strings.size, "symbol names")
    size = table.size - table.size % _SYMBOL.size
    blob = window(source, table.offset, size, "symbol table")
    for name, info, section, value, length in _SYMBOL.iter_unpack(blob):
        if info & 15 == _STT_FUNC and section:
            yield Definition(_CODE, value, length, c_string(text, name, "symbol names"))


def _content(source: Readable, section: Section) -> bytes:
    return window(source, section.offset, section.size, "code")


def _slots(image: Image, wanted: frozenset[bytes]) -> tuple[dict[int, bytes], dict[bytes, int]]:
    """The address of each slot for a wanted symbol; and how often data refers to the symbols."""
    offsets: dict[int, int] = {}
    for entries in symbols(image):
        column = entries.undefined()
        if column:
            column &= entries.bindable()
            offsets.update(zip(entries.indices(column), entries.names(column), strict=False))
    text = image.strings().names({*offsets.values()})
    names = {index: text[at] for index, at in offsets.items() if text[at] in wanted}
    slots: dict[int, bytes] = {}
    data: dict[bytes, int] = {}
    for address, kind, symbol in relocated_places(image, frozenset(names)):
        if kind in _SLOTS[image.machine]:
            slots[address] = names[symbol]
        else:
            data[names[symbol]] = data.get(names[symbol], 0) + 1
    return slots, data


def _x86_stubs(code: bytes, start: int, slots: Mapping[int, bytes]) -> Iterator[tuple[int, bytes]]:
    """The address of each stub that jumps through a slot: endbr64, bnd jmp *slot(%rip)."""
    word = Struct("<i")
    for match in _X86_STUB.finditer(code):
        end = match.end()
        if end + 4 <= len(code):
            name = slots.get(start + end + 4 + word.unpack_from(code, end)[0])
            if name is not None:
                yield start + match.start(), name


def _x86_sites(
    code: bytes, start: int, targets: Mapping[int, bytes]
) -> Iterator[tuple[int, bytes]]:
    """The address of each instruction that names a target, relative to the next instruction."""
    word = Struct("<i").unpack_from
    last = len(code) - 4
    for match in _X86.finditer(code):
        end = match.end()
        if end > last:
            break
        name = targets.get(start + end + 4 + word(code, end)[0])
        if name is not None:
            yield start + match.start(), name
        elif match[0] == _X86_COMPARISON:
            name = targets.get(start + end + 5 + word(code, end)[0])
            if name is not None:
                yield start + match.start(), name


def _arm_words(code: bytes) -> tuple[int, ...]:
    return Struct(f"<{len(code) // 4}I").unpack_from(code)


def _arm_loads(words: tuple[int, ...], start: int) -> Iterator[tuple[int, int, int]]:
    """Numbers of an ADRP and of a load from its page, and the address of what is loaded."""
    pages: dict[int, tuple[int, int]] = {}
    for index, word in enumerate(words):
        if word & 0x9F000000 == 0x90000000:  # adrp
            pages_away = (word >> 29 & 3) | (word >> 3 & 0x1FFFFC)
            if pages_away >> 20:
                pages_away -= 1 << 21
            pages[word & 31] = index, ((start + 4 * index) & ~_PAGE) + (pages_away << 12)
        elif word & 0xFFC00000 == 0xF9400000:  # ldr of 8 bytes
            first, page = pages.get(word >> 5 & 31, (-_REACH, 0))
            if index - first <= _REACH:
                yield first, index, page + (word >> 10 & 0xFFF) * 8


def _arm_stubs(code: bytes, start: int, slots: Mapping[int, bytes]) -> Iterator[tuple[int, bytes]]:
    """The address of each stub: bti c, adrp x16, ldr x17."""
    words = _arm_words(code)
    for first, _, slot in _arm_loads(words, start):
        name = slots.get(slot)
        if name is not None:
            yield start + 4 * first, name
            if first and words[first - 1] == _BTI:
                yield start + 4 * (first - 1), name


def _arm_sites(
    code: bytes, start: int, targets: Mapping[int, bytes]
) -> Iterator[tuple[int, bytes]]:
    """The address of each branch to a target, and of each load of a slot."""
    words = _arm_words(code)
    for index, word in enumerate(words):
        if word & 0x7C000000 == 0x14000000:  # b, bl
            away = word & 0x3FFFFFF
            if away >> 25:
                away -= 1 << 26
            name = targets.get(start + 4 * (index + away))
            if name is not None:
                yield start + 4 * index, name
    for _, index, slot in _arm_loads(words, start):
        name = targets.get(slot)
        if name is not None:
            yield start + 4 * index, name
