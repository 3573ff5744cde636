"""The PE reader on DLLs built byte by byte: damage, and forms that no available linker emits."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

import pytest

from tests.support import pe_files
from tests.support.pe_files import dll
from torch_abi_audit.formats.pe import library as pe
from torch_abi_audit.model.binary import Binary, Format, NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable

if TYPE_CHECKING:
    from collections.abc import Callable


def read(data: bytes) -> Binary:
    binary = pe.read(BytesReadable(data))
    assert isinstance(binary, Binary)
    return binary


def exports(data: bytes) -> frozenset[bytes]:
    return pe.exports(BytesReadable(data), read(data))


def patched(data: bytes, offset: int, form: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into("<" + form, changed, offset, *values)
    return bytes(changed)


def file_offset(rva: int) -> int:
    return rva - pe_files.RVA + pe_files.BODY


def entry(data: bytes, bits: int, index: int) -> int:
    """File offset of the table to which a data directory points."""
    return file_offset(struct.unpack_from("<I", data, pe_files.directory(bits, index))[0])


def section_cut(data: bytes, end: int) -> bytes:
    """The same DLL with its section's file bytes, but not its memory, ending at ``end``."""
    return patched(data[:end], pe_files.section_header(64) + 16, "I", end - pe_files.BODY)


FULL = {
    "imports": {
        b"python3.dll": [b"PyLong_FromLong", 7, b"Py_IncRef"],
        b"c10.dll": [b"?f@c10@@YAXXZ"],
    },
    "delayed": {b"torch_cpu.dll": [b"aoti_torch_delete", 9], b"c10.dll": [b"late"]},
    "exported": [b"PyInit_ext", b"other"],
    "own_name": b"ext.pyd",
}
both_widths = pytest.mark.parametrize("bits", [32, 64])


@both_widths
def test_every_fact(bits: int) -> None:
    binary = read(dll(bits=bits, **FULL))  # type: ignore[arg-type]
    assert binary == Binary(
        format=Format.PE,
        arch="x86_64" if bits == 64 else "i686",
        bits=bits,
        byteorder="little",
        imports=(
            b"?f@c10@@YAXXZ",
            b"PyLong_FromLong",
            b"Py_IncRef",
            b"aoti_torch_delete",
            b"late",
        ),
        needed=("python3.dll", "c10.dll"),
        delay_needed=("torch_cpu.dll", "c10.dll"),
        soname="ext.pyd",
        entry_points=(b"PyInit_ext",),
        providers={
            b"PyLong_FromLong": "python3.dll",
            b"Py_IncRef": "python3.dll",
            b"?f@c10@@YAXXZ": "c10.dll",
            b"aoti_torch_delete": "torch_cpu.dll",
            b"late": "c10.dll",
        },
    )
    assert exports(dll(bits=bits, **FULL)) == {b"PyInit_ext", b"other"}  # type: ignore[arg-type]


@both_widths
@pytest.mark.parametrize("layout", ["lookup", "delay_by_address", "in_headers"])
def test_older_layouts_mean_the_same(bits: int, layout: str) -> None:
    older = dll(bits=bits, **FULL, **{layout: layout != "lookup"})  # type: ignore[arg-type]
    usual = dll(bits=bits, **FULL)  # type: ignore[arg-type]
    assert older != usual
    assert read(older) == read(usual)
    assert exports(older) == exports(usual)


@pytest.mark.parametrize(
    ("machine", "arch"),
    [(0xAA64, "arm64"), (0x1C4, "armv7l"), (0x8664, "x86_64"), (0x9999, "machine-39321")],
)
def test_architectures(machine: int, arch: str) -> None:
    assert read(dll(machine=machine)).arch == arch


def test_a_dll_without_any_table_is_an_empty_library() -> None:
    binary = read(dll())
    assert (binary.imports, binary.needed, binary.soname) == ((), (), None)
    assert (binary.entry_points, exports(dll())) == ((), frozenset())


def test_a_dll_imported_by_ordinal_alone_is_needed_and_names_nothing() -> None:
    binary = read(dll(imports={b"ws2_32.dll": [1, 2, 3]}))
    assert (binary.needed, binary.imports) == (("ws2_32.dll",), ())


def test_a_name_from_two_dlls_belongs_to_the_first() -> None:
    binary = read(dll(imports={b"a.dll": [b"f"], b"b.dll": [b"f"]}, delayed={b"c.dll": [b"f"]}))
    assert (binary.imports, dict(binary.providers)) == ((b"f",), {b"f": "a.dll"})
    assert (binary.needed, binary.delay_needed) == (("a.dll", "b.dll"), ("c.dll",))


def test_a_dll_name_that_is_not_utf8_survives() -> None:
    binary = read(dll(imports={b"caf\xe9.dll": [b"f"]}))
    assert binary.needed[0].encode("utf-8", "surrogateescape") == b"caf\xe9.dll"


def test_a_lookup_table_outside_the_image_yields_to_the_address_table() -> None:
    data = dll(imports={b"a.dll": [b"f"]})
    assert read(patched(data, entry(data, 64, 1), "I", 0x7FFFFFFF)).imports == (b"f",)


def test_a_section_without_a_virtual_size_is_as_large_as_its_data() -> None:
    data = dll(imports={b"a.dll": [b"f"]})
    assert read(patched(data, pe_files.section_header(64) + 8, "I", 0)).imports == (b"f",)


def test_a_section_without_data_takes_nothing_from_the_file() -> None:
    raw = pe_files.section_header(64) + 16
    assert read(patched(dll(), raw, "II", 1 << 30, 0)).imports == ()


def test_a_section_that_is_cut_is_damage_even_behind_every_table() -> None:
    sizes = pe_files.section_header(64) + 8
    longer = patched(dll(), sizes, "III", 0x10000, pe_files.RVA, 0x10000)
    assert "but the section should be at bytes" in read_refusal(longer)


def test_sections_in_any_order() -> None:
    data = dll(imports={b"a.dll": [b"f"]})
    row = pe_files.section_header(64)
    data = patched(data, pe_files.COFF + 2, "H", 2)
    empty = struct.pack("<8s4I16x", b".bss", 0x1000, 0x100000, 0, 0)
    data = b"".join((data[:row], empty, data[row : row + 40], data[row + 80 :]))
    assert read(data).imports == (b"f",)


def test_directories_beyond_the_stated_count_do_not_exist() -> None:
    data = dll(imports={b"a.dll": [b"f"]}, delayed={b"b.dll": [b"g"]})
    few = patched(data, pe_files.directory(64, 0) - 4, "I", 2)
    assert (read(few).imports, read(few).delay_needed) == ((b"f",), ())


@pytest.mark.parametrize("length", [1, 255, 256, 257, 5000, 1 << 19])
def test_long_names(length: int) -> None:
    name = b"x" * length
    data = dll(imports={b"a.dll": [b"f", name]}, exported=[name])
    assert read(data).imports == (b"f", name)
    assert exports(data) == {name}


def test_names_further_apart_than_one_read() -> None:
    names = [b"a", b"x" * 700_000, b"y" * 700_000, b"z"]
    data = dll(imports={b"a.dll": names}, exported=[*names, b"PyInit_far"])
    assert read(data).imports == tuple(names)
    assert read(data).entry_points == (b"PyInit_far",)
    assert exports(data) == {*names, b"PyInit_far"}


def test_more_imports_than_other_readers_stop_at() -> None:
    wanted = {b"d%d.dll" % d: [b"f%d_%d" % (d, i) for i in range(5000)] for d in range(20)}
    binary = read(dll(imports=wanted))
    assert len(binary.needed) == 20
    assert binary.imports == tuple(sorted(name for names in wanted.values() for name in names))


def test_the_zeros_that_the_loader_adds_end_a_table() -> None:
    data = dll(imports={b"a.dll": [b"f"]})
    end = entry(data, 64, 1) + 20  # the section's file bytes end with its only descriptor
    assert read(section_cut(data, end)).needed == ("a.dll",)
    assert read(section_cut(data, end - 4)).needed == ()  # no address table: no descriptor


def test_the_zeros_that_the_loader_adds_end_a_name() -> None:
    data = dll(own_name=b"me.dll")
    directory = entry(data, 64, 0)
    data = patched(data, directory + 12, "I", pe_files.RVA + directory + 40 - pe_files.BODY)
    end = directory + 40 + len(b"moved.dll")
    assert read(section_cut(data[: directory + 40] + b"moved.dll", end)).soname == "moved.dll"


@pytest.mark.parametrize("stem", [b"PyInit_", b"PyInitU_", b"PyModExport_", b"PyModExportU_"])
def test_entry_points_in_any_order_of_the_table(stem: bytes) -> None:
    names = [b"z", stem + b"b", b"not" + stem + b"c", b"a", stem + b"a", b"PyInitialize", stem[:-1]]
    binary = read(dll(exported=names, own_name=b"PyInit_own"))
    assert binary.entry_points == (stem + b"a", stem + b"b")


def test_executables() -> None:
    assert pe.read(BytesReadable(dll(flags=0x22))) == NotALibrary("executable")
    assert pe.exports(BytesReadable(dll(flags=0x22)), read(dll())) == frozenset()


@pytest.mark.parametrize("signature", [None, b"NE", b"LE", b"LX"])
def test_dos_executables(signature: bytes | None) -> None:
    header = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64 if signature else 0)
    data = header + (signature or b"\xb4\x4c").ljust(64, b"\0")
    assert pe.read(BytesReadable(data)) == NotALibrary("DOS executable")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MZ",
        b"MZ" + bytes(40),
        b"ZM".ljust(64, b"\0"),
        b"MZ".ljust(60, b"\0") + struct.pack("<I", 0x7FFFFFFF),
        b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\1",
        b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0" + bytes(10),
        dll()[: pe_files.OPTIONAL + 20],
        patched(dll(), pe_files.OPTIONAL, "H", 0x107),
        patched(dll(), pe_files.COFF + 16, "H", 40),
        patched(dll(), pe_files.COFF + 16, "H", 0),
        patched(dll(), pe_files.COFF + 2, "H", 65535),
        patched(dll(), pe_files.directory(64, 0), "I", 0xFFFFFFFF),
        patched(dll(), pe_files.directory(64, 1), "I", 0xFFFFFFF0),
        patched(dll(), pe_files.directory(64, 13), "I", 0x00000800),
    ],
)
def test_headers_that_are_damaged(data: bytes) -> None:
    with pytest.raises(FormatError):
        pe.read(BytesReadable(data))


@both_widths
@pytest.mark.parametrize("layout", ["lookup", "in_headers"])
def test_a_file_cut_anywhere_is_damaged(bits: int, layout: str) -> None:
    data = dll(bits=bits, **FULL, **{layout: True})  # type: ignore[arg-type]
    for length in range(len(data)):
        with pytest.raises(FormatError):
            pe.read(BytesReadable(data[:length]))


def test_a_page_of_zeros_is_not_a_library_without_imports() -> None:
    data = dll(imports={b"a.dll": [b"function"]})
    at = data.index(b"function")
    with pytest.raises(FormatError, match="empty"):
        pe.read(BytesReadable(data[:at] + bytes(8) + data[at + 8 :]))


def test_a_thunk_that_is_no_rva_is_damaged() -> None:
    data = dll(imports={b"a.dll": [b"f"]})
    (thunks,) = struct.unpack_from("<I", data, entry(data, 64, 1))
    with pytest.raises(FormatError, match="name of an import"):
        pe.read(BytesReadable(patched(data, file_offset(thunks), "Q", 1 << 40)))


def test_a_delay_import_address_below_the_image_is_damaged() -> None:
    data = dll(bits=32, delayed={b"a.dll": [b"f"]})
    with pytest.raises(FormatError):
        pe.read(BytesReadable(patched(data, entry(data, 32, 13), "I", 0)))


def test_a_file_that_shrinks_while_it_is_read_is_damaged() -> None:
    class Shrinking(BytesReadable):
        @property
        def size(self) -> int:
            return len(whole)

    whole = dll(imports={b"a.dll": [b"f"]})
    with pytest.raises(FormatError, match="shrank"):
        pe.read(Shrinking(whole[:-512]))


class Sparse:
    """A DLL followed by gigabytes of zeros; counts the bytes that are read."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size, self.taken, self.largest = data, size, 0, 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.taken += length
        self.largest = max(self.largest, length)
        return self.data[offset : offset + length].ljust(length, b"\0")


def test_only_the_tables_are_read() -> None:
    huge = patched(dll(**FULL), pe_files.section_header(64) + 8, "I", 1 << 30)  # type: ignore[arg-type]
    source = Sparse(patched(huge, pe_files.section_header(64) + 16, "I", 1 << 30), 1 << 40)
    binary = pe.read(source)
    assert isinstance(binary, Binary)
    assert len(binary.imports) == 5
    assert pe.exports(source, binary) == {b"PyInit_ext", b"other"}
    assert source.taken < 16384


def test_a_large_table_is_read_in_pieces() -> None:
    data = dll(imports={b"a.dll": [7] * 400_000})
    source = Sparse(data, len(data))
    assert isinstance(pe.read(source), Binary)
    assert len(data) > 3 << 20
    assert source.largest <= 1 << 20


def test_what_lies_between_distant_names_is_not_read() -> None:
    data = dll(exported=[b"near", b"far"])
    table = file_offset(struct.unpack_from("<I", data, entry(data, 64, 0) + 32)[0])
    data = patched(data, table + 4, "I", 1 << 30)
    data = patched(data, pe_files.section_header(64) + 8, "III", 2 << 30, pe_files.RVA, 2 << 30)
    source = Sparse(data, 3 << 30)
    assert "is empty" in refusal(lambda: pe.exports(source, read(dll())))
    assert source.taken < 16384


@pytest.mark.parametrize("rva", [0x1300, 0x1FFF, 0x2000, 0x7FFFFFFF])
def test_a_name_where_the_file_has_no_data(rva: int) -> None:
    data = dll(own_name=b"me.dll")
    assert "not in the data of any section" in read_refusal(
        patched(data, entry(data, 64, 0) + 12, "I", rva)
    )


def refusal(call: Callable[[], object]) -> str:
    begun = time.perf_counter()
    with pytest.raises(FormatError) as error:
        call()
    assert time.perf_counter() - begun < 5
    return str(error.value)


def read_refusal(data: bytes) -> str:
    return refusal(lambda: pe.read(BytesReadable(data)))


def exports_refusal(data: bytes) -> str:
    return refusal(lambda: pe.exports(BytesReadable(data), read(dll())))


def test_one_lookup_table_shared_by_thousands_of_dlls() -> None:
    data = dll(imports={b"a.dll": [b"f"] * 20000, **{b"d%d" % d: [b"f"] for d in range(5000)}})
    rows = entry(data, 64, 1)
    shared = bytearray(data)
    for row in range(rows + 20, rows + 20 * 5001, 20):
        shared[row : row + 4] = shared[rows : rows + 4]
    assert "overlap" in read_refusal(bytes(shared))


def test_names_that_overlap() -> None:
    blob = b"x" * 500_000
    data = dll(exported=[blob, *[b"n"] * 100_000])
    names = entry(data, 64, 0) + 32
    table = file_offset(struct.unpack_from("<I", data, names)[0])
    (first,) = struct.unpack_from("<I", data, table)
    inside = patched(data, table, "100001I", *range(first, first + 100_001))
    assert "overlaps" in exports_refusal(inside)


def test_entry_points_that_overlap() -> None:
    blob = b"PyInit_" * 70_000
    data = dll(exported=[blob, *[b"n"] * 60_000])
    table = file_offset(struct.unpack_from("<I", data, entry(data, 64, 0) + 32)[0])
    (first,) = struct.unpack_from("<I", data, table)
    inside = patched(data, table, "60001I", *range(first, first + 7 * 60_001, 7))
    assert "overlaps" in read_refusal(inside)


def test_a_name_without_end() -> None:
    longer_than_any = dll(exported=[b"x" * (3 << 20)])
    assert "no end" in exports_refusal(longer_than_any)
    data = dll(own_name=b"me.dll")
    data = patched(data, entry(data, 64, 0) + 12, "I", pe_files.RVA + 0x1000 - 3)
    full = section_cut(data.ljust(pe_files.BODY + 0x1000, b"x"), pe_files.BODY + 0x1000)
    assert "no end" in read_refusal(patched(full, pe_files.section_header(64) + 8, "I", 0x1000))


def test_a_table_that_fills_its_page_to_the_last_byte() -> None:
    data = dll(imports={b"a.dll": [b"f"]}).ljust(pe_files.BODY + 0x1000, b"\1")
    data = patched(data, pe_files.directory(64, 1), "I", pe_files.RVA + 0x1000 - 20)
    data = patched(data, pe_files.section_header(64) + 8, "I", 0x1000)
    assert "no end" in read_refusal(section_cut(data, len(data)))


def test_more_dlls_than_any_linker_writes() -> None:
    data = dll(imports={b"d%d" % d: [b"f"] for d in range(20_000)})
    assert "more than 16384 entries" in read_refusal(data)


def test_a_count_of_exports_beyond_the_file() -> None:
    data = dll(exported=[b"f"])
    count = entry(data, 64, 0) + 24
    assert "1073741824 exported names" in read_refusal(patched(data, count, "I", 1 << 30))
    assert "past the end" in read_refusal(patched(data, count, "I", 1 << 19))


def test_sections_that_all_map_the_same_bytes() -> None:
    count = 60_000
    data = bytearray(dll(exported=[b"f"]))
    section = bytes(data[pe_files.section_header(64) :][:40])
    body = pe_files.section_header(64) + 40 * count
    rows = b"".join(
        section[:8] + struct.pack("<4I", 0x200, 0x1000 * (i + 1), 0x100000, body) + section[24:40]
        for i in range(count)
    )
    struct.pack_into("<H", data, pe_files.COFF + 2, count)
    hostile = bytes(data[: pe_files.section_header(64)]) + rows + bytes(0x100000)
    assert "sections overlap" in read_refusal(hostile)
