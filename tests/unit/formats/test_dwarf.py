"""Debug information written byte by byte: forms, lists, relocations, and what would never end."""

from __future__ import annotations

import struct
from time import perf_counter

import pytest

from torch_abi_audit.formats.dwarf_data import DAMAGE, DebugData, Fixups, Memory, Reader, Section
from torch_abi_audit.formats.dwarf_inlines import Places
from torch_abi_audit.formats.dwarf_ranges import Ranges
from torch_abi_audit.model.errors import FormatError


def data(*, linked: bool = False, **sections: bytes) -> DebugData:
    made = {
        f"debug_{name}": Section(Memory(content), 0, len(content), f"debug_{name}", "<")
        for name, content in sections.items()
    }
    return DebugData("<", made, {}, linked=linked)


def uleb(value: int) -> bytes:
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def test_a_relocation_replaces_or_adds_to_what_stands_in_the_section() -> None:
    content = struct.pack("<IIQ", 7, 8, 9)
    stated = Section(Memory(content), 0, 16, "x", "<", Fixups([8, 0], [0x1000, 0x20], [4, 5]))
    assert [stated.number(0, 4), stated.number(4, 4), stated.number(8, 8)] == [0x25, 8, 0x1004]
    added = Section(Memory(content), 0, 16, "x", "<", Fixups([0, 8], [0x20, None]))
    assert [added.number(0, 4), added.number(8, 8)] == [0x27, 0]


def test_what_lies_outside_of_a_section_is_an_error() -> None:
    section = Section(Memory(b"ab\0cd"), 0, 5, "x", "<")
    assert section.text(1) == b"b"
    for read in (
        lambda: section.text(3),
        lambda: section.text(5),
        lambda: section.text(-1),
        lambda: section.number(3, 4),
        lambda: section.piece(-1, 2),
    ):
        with pytest.raises(FormatError, match="x"):
            read()


def test_numbers_of_varying_length() -> None:
    section = Section(Memory(b"\xe5\x8e\x26\x7f\x80\x7f" + b"\xff" * 20), 0, 26, "x", "<")
    reader = Reader(section, 0, section.whole())
    assert [reader.uleb(), reader.sleb(), reader.sleb()] == [624485, -1, -128]
    with pytest.raises(FormatError, match="64 bits"):
        reader.uleb()


def test_ranges_before_version_5() -> None:
    def old(*pairs: tuple[int, int], inlined: bool = False) -> list[tuple[int, int]]:
        content = b"".join(struct.pack("<QQ", *pair) for pair in pairs)
        return Ranges(data(ranges=content)).old(0, 0x100, 8, inlined=inlined)

    top = (1 << 64) - 1
    assert old((1, 2), (5, 9), (0, 0), (7, 8)) == [(0x101, 0x102), (0x105, 0x109)]
    assert old((1, 2), (top, 0x5000), (1, 2), (0, 0)) == [(0x101, 0x102), (0x5001, 0x5002)]
    assert old((0, 0), (3, 4), (0, 0)) == []
    assert old((0, 0), (3, 4), (0, 0), inlined=True) == [(0x103, 0x104)]  # GCC's empty first range
    with pytest.raises(FormatError, match="cut short"):
        old((1, 2))


def test_ranges_of_version_5() -> None:
    content = b"".join(
        (
            b"\x04" + uleb(1) + uleb(200),  # offsets
            b"\x05" + struct.pack("<Q", 0x4000) + b"\x04" + uleb(0) + uleb(8),  # another base
            b"\x01" + uleb(2) + b"\x04" + uleb(0) + uleb(4),  # a base by its number
            b"\x06" + struct.pack("<QQ", 0x10, 0x20),
            b"\x07" + struct.pack("<Q", 0x30) + uleb(5),
            b"\x02" + uleb(1) + uleb(2),
            b"\x03" + uleb(3) + uleb(7),
            b"\x00",
        )
    )
    found = Ranges(data(rnglists=content)).new(0, 0x1000, 8, lambda number: number << 8)
    assert found == [
        *((0x1001, 0x10C8), (0x4000, 0x4008), (0x200, 0x204), (0x10, 0x20), (0x30, 0x35)),
        *((0x100, 0x200), (0x300, 0x307)),
    ]
    for damaged in (b"\x09", b"\x05\x00", b"\x04\x01"):
        with pytest.raises(DAMAGE):
            Ranges(data(rnglists=damaged)).new(0, 0, 8, lambda number: number)


ABBREVIATIONS = (
    b"\x01\x11\x01\x11\x01\x12\x07\x10\x17\0\0"  # compile_unit: low_pc, high_pc data8, stmt_list
    b"\x02\x2e\x01\x03\x08\x11\x01\x12\x07\0\0"  # subprogram: name string, low_pc, high_pc
    b"\x03\x1d\x01\x31\x13\x11\x01\x12\x07\x58\x0b\x59\x0b\0\0"  # inlined_subroutine
    b"\x04\x2e\x00\x03\x08\x20\x0b\0\0"  # subprogram: name, inline
    b"\0"
)


def code(low: int, size: int) -> bytes:
    return struct.pack("<QQ", low, size)


def unit(entries: bytes, *, low: int = 0x1000, size: int = 0x100) -> bytes:
    body = struct.pack("<HIB", 4, 0, 8) + b"\x01" + code(low, size) + bytes(4) + entries
    return struct.pack("<I", len(body)) + body


def inlined(origin: int, low: int, size: int, line: int) -> bytes:
    return b"\x03" + struct.pack("<I", origin) + code(low, size) + bytes((1, line))


ORIGIN = 11 + 21
"""Where the first entry below the unit's stands."""
CALLEE = b"\x04callee\0\x01"


def table() -> bytes:
    """A line table of version 4: line 10 of ``dir/a.c`` at 0x1000, and 20 at 0x1010."""
    head = (
        b"\x01\x01\x01\xfb\x0e\x0d\0\x01\x01\x01\x01\0\0\0\x01\0\0\x01" + b"dir\0\0a.c\0\x01\0\0\0"
    )
    program = (
        b"\0\x09\x02" + struct.pack("<Q", 0x1000) + b"\x03\x09\x01"  # set address, advance line
        b"\x02\x10\x03\x0a\x01\x02\x10\0\x01\x01"  # 16 bytes and 10 lines later, and the end
    )
    rest = struct.pack("<I", len(head)) + head + program
    return struct.pack("<IH", len(rest) + 2, 4) + rest


def test_a_chain_of_two_calls() -> None:
    entries = (
        CALLEE
        + b"\x02outer\0"
        + code(0x1000, 0x20)
        + inlined(ORIGIN, 0x1010, 8, 30)
        + inlined(ORIGIN, 0x1014, 2, 40)
        + b"\0\0\0\0"
    )
    places = Places(data(info=unit(entries), abbrev=ABBREVIATIONS, line=table()))
    found = places.at([0x1000, 0x1010, 0x1015, 0x1019, 0x1050])
    chains = {
        address: [(one.function, one.source, one.line) for one in place.frames]
        for address, place in found.items()
    }
    assert chains == {
        0x1000: [(b"outer", "dir/a.c", 10)],
        0x1010: [(b"callee", "dir/a.c", 20), (b"outer", "dir/a.c", 30)],
        0x1015: [
            *((b"callee", "dir/a.c", 20), (b"callee", "dir/a.c", 40)),
            (b"outer", "dir/a.c", 30),
        ],
        0x1019: [(b"outer", "dir/a.c", 20)],
    }


def test_code_that_the_linker_left_out_is_nowhere() -> None:
    kept = unit(CALLEE + b"\x02kept\0" + code(0x1000, 0x20) + b"\0\0")
    left = unit(CALLEE + b"\x02gone\0" + code(0, 0x2000) + b"\0\0", low=0, size=0x2000)
    info = left + kept
    places = Places(data(info=info, abbrev=ABBREVIATIONS, line=table(), linked=True))
    assert [frame.function for frame in places.at([0x1004])[0x1004].frames] == [b"kept"]


def test_entries_that_refer_to_themselves_end() -> None:
    loop = b"\x02f\0" + code(0x1000, 0x20) + inlined(ORIGIN + 19, 0x1000, 8, 30) + b"\0\0\0"
    places = Places(data(info=unit(loop), abbrev=ABBREVIATIONS, line=table()))
    assert [one.function for one in places.at([0x1000])[0x1000].frames] == [None, b"f"]


@pytest.mark.slow
def test_functions_inlined_a_hundred_thousand_deep_end_soon() -> None:
    many = 100_000
    entries = (
        CALLEE
        + b"\x02outer\0"
        + code(0x1000, 0x20)
        + inlined(ORIGIN, 0x1000, 8, 30) * many
        + b"\0" * (many + 2)
    )
    start = perf_counter()
    places = Places(data(info=unit(entries), abbrev=ABBREVIATIONS, line=table()))
    found = places.at([0x1000])
    assert 1 < len(found[0x1000].frames) < 400
    assert perf_counter() - start < 20


@pytest.mark.slow
def test_units_that_share_one_long_table_end_soon() -> None:
    """Each unit names the same line table, and the end of the same table of abbreviations."""
    rows = table()[:-3] + b"\x01" * 200_000 + b"\0\x01\x01"
    rows = struct.pack("<I", len(rows) - 4) + rows[4:]
    info = unit(CALLEE + b"\x02f\0" + code(0x1000, 0x20) + b"\0\0") * 500
    start = perf_counter()
    found = Places(data(info=info, abbrev=ABBREVIATIONS, line=rows)).at([0x1000])
    assert found[0x1000].frames
    assert perf_counter() - start < 20


def test_an_abbreviation_with_more_attributes_than_a_compiler_gives() -> None:
    wide = b"\x01\x11\x01" + b"\x34\x19" * 5000 + b"\0\0\0"
    assert Places(data(info=unit(b""), abbrev=wide, line=table())).at([0x1000])  # the lines remain
