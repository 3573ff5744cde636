"""Mach-O images built byte by byte, with features that the available linkers do not emit."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from tests.support.macho_files import (
    ARM64,
    BUNDLE,
    DEFINED,
    I386,
    LAZY,
    LOAD,
    LOCAL,
    PPC,
    PPC64,
    PRIVATE,
    REEXPORT,
    UNDEFINED,
    UPWARD,
    WEAK,
    WEAK_DEF,
    WEAK_REF,
    X86_64,
    Symbol,
    binds,
    chained,
    command,
    dylib,
    dylib_use,
    image,
    lazy_binds,
    text,
    trie,
)
from torch_abi_audit.formats.macho import library as macho
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable

if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Binary

SELF, EXECUTABLE, FLAT, COALESCED = 0, -1, -2, -3
LIBRARIES = [
    dylib("one", LOAD),
    dylib("two", WEAK),
    dylib("three", REEXPORT),
    dylib("four", LAZY),
    dylib("five", UPWARD),
]


def read(data: bytes) -> Binary:
    found = macho.read(BytesReadable(data))
    assert isinstance(found, tuple)
    (binary,) = found
    return binary


def exports(data: bytes) -> frozenset[bytes]:
    return macho.exports(BytesReadable(data), read(data))


def from_library(ordinal: int) -> int:
    """``n_desc`` of a symbol that this library must provide."""
    return (ordinal & 0xFF) << 8


# --- identity ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cpu", "subtype", "wide", "order", "arch"),
    [
        (ARM64, 0, True, "<", "arm64"),
        (ARM64, 2, True, "<", "arm64e"),
        (ARM64, 0x80000002, True, "<", "arm64e"),
        (X86_64, 3, True, "<", "x86_64"),
        (X86_64, 8, True, "<", "x86_64h"),
        (I386, 3, False, "<", "i386"),
        (PPC, 0, False, ">", "ppc"),
        (PPC64, 0, True, ">", "ppc64"),
        (99, 0, True, "<", "machine-99"),
    ],
)
def test_machines_of_both_sizes_and_byte_orders(
    cpu: int, subtype: int, wide: bool, order: str, arch: str
) -> None:
    data = image(
        cpu=cpu,
        subtype=subtype,
        wide=wide,
        order=order,
        commands=[dylib("/usr/lib/libSystem.B.dylib", order=order)],
        symbols=[
            Symbol(b"_local", LOCAL),
            Symbol(b"_PyInit_m", DEFINED),
            Symbol(b"_strong", desc=from_library(1)),
            Symbol(b"_weak", desc=from_library(1) | WEAK_REF),
        ],
    )
    binary = read(data)
    assert binary.arch == arch
    assert binary.bits == (64 if wide else 32)
    assert binary.byteorder == ("little" if order == "<" else "big")
    assert (binary.imports, binary.weak_imports) == ((b"strong",), (b"weak",))
    assert binary.providers[b"strong"] == "/usr/lib/libSystem.B.dylib"
    assert binary.entry_points == (b"PyInit_m",)
    assert exports(data) == {b"PyInit_m"}


def test_names_paths_and_oldest_system() -> None:
    binary = read(
        image(
            kind=BUNDLE,
            commands=[
                dylib("@rpath/libself.dylib", 0xD),
                text(0x8000001C, "@loader_path/a"),
                text(0x8000001C, "/b"),
                command(0x32, struct.pack("<4I", 6, 0x000E0000, 0, 0)),  # Mac Catalyst
                command(0x32, struct.pack("<4I", 1, 0x000B0200, 0, 0)),
            ],
        )
    )
    assert binary.soname == "@rpath/libself.dylib"
    assert binary.rpaths == ("@loader_path/a", "/b")
    assert binary.min_os == "11.2"
    assert not binary.imports + binary.weak_imports
    assert binary.needed == ()


@pytest.mark.parametrize(
    ("version", "shown"), [(0x000A0900, "10.9"), (0x000A0D06, "10.13.6"), (0x000E0000, "14.0")]
)
def test_oldest_system_of_old_linkers(version: int, shown: str) -> None:
    assert read(image(commands=[command(0x24, struct.pack("<II", version, 0))])).min_os == shown


def test_a_name_that_is_no_utf_8_survives() -> None:
    raw = b"lib\xff.dylib"
    data = image(commands=[dylib("libX.dylib")]).replace(b"libX.dylib", raw)
    assert read(data).needed == (raw.decode("utf-8", "surrogateescape"),)


# --- which libraries --------------------------------------------------------------------------


def test_weak_and_lazy_libraries_are_told_apart_and_ordinals_count_all() -> None:
    symbols = [Symbol(b"_f%d" % ordinal, desc=from_library(ordinal)) for ordinal in range(1, 6)]
    binary = read(image(commands=LIBRARIES, symbols=symbols))
    assert binary.needed == ("one", "three", "five")
    assert binary.delay_needed == ("two", "four")
    assert binary.providers == {
        b"f1": "one",
        b"f2": "two",
        b"f3": "three",
        b"f4": "four",
        b"f5": "five",
    }


def test_symbols_of_a_weak_library_are_weak() -> None:
    symbols = [Symbol(b"_f%d" % ordinal, desc=from_library(ordinal)) for ordinal in range(1, 6)]
    binary = read(image(commands=LIBRARIES, symbols=symbols))
    assert binary.weak_imports == (b"f2",)
    assert binary.imports == (b"f1", b"f3", b"f4", b"f5")


@pytest.mark.parametrize(
    ("flags", "needed", "delayed"),
    [(0, ("new",), ()), (1, (), ("new",)), (2, ("new",), ()), (8, (), ("new",))],
)
def test_the_newer_load_command_carries_flags(
    flags: int, needed: tuple[str, ...], delayed: tuple[str, ...]
) -> None:
    binary = read(
        image(
            commands=[dylib_use("new", flags)], symbols=[Symbol(b"_f", UNDEFINED, from_library(1))]
        )
    )
    assert (binary.needed, binary.delay_needed) == (needed, delayed)
    assert binary.weak_imports == ((b"f",) if flags == 1 else ())


@pytest.mark.parametrize("ordinal", [SELF, EXECUTABLE, FLAT, 9])
def test_special_ordinals_name_no_provider(ordinal: int) -> None:
    binary = read(image(commands=LIBRARIES, symbols=[Symbol(b"_f", desc=from_library(ordinal))]))
    assert binary.imports == (b"f",)
    assert binary.providers == {}


def test_a_flat_namespace_has_no_providers() -> None:
    data = image(flags=0, commands=LIBRARIES, symbols=[Symbol(b"_f", desc=from_library(2))])
    assert read(data).providers == {}
    assert read(data).imports == (b"f",)
    assert read(image(flags=0, commands=LIBRARIES, bind=binds((b"_f", 1, 0)))).providers == {}


# --- which symbols ----------------------------------------------------------------------------


def test_one_underscore_is_taken_off() -> None:
    names = [b"_aoti_torch_x", b"__Z1fv", b"___cxa_throw", b"dyld_stub_binder", b"_"]
    binary = read(image(symbols=[Symbol(name) for name in names]))
    assert binary.imports == (b"_", b"_Z1fv", b"__cxa_throw", b"aoti_torch_x", b"dyld_stub_binder")


@pytest.mark.parametrize("dysymtab", [False, True])
def test_only_undefined_externals_are_imports(dysymtab: bool) -> None:
    symbols = [
        Symbol(b"_stab", 0x64),
        Symbol(b"_local", LOCAL),
        Symbol(b"_defined", DEFINED),
        Symbol(b"_coalesced", DEFINED, WEAK_DEF),
        Symbol(b"_absolute", 0x03),
        Symbol(b"_private", PRIVATE),
        Symbol(b"_stab_external", 0x21),
        Symbol(b"_private_undefined", 0x11),
        Symbol(b"_yes"),
        Symbol(b"_prebound", 0x0D),
        Symbol(b"_yes"),
    ]
    data = image(symbols=symbols, dysymtab=dysymtab)
    assert b"yes" in read(data).imports
    if not dysymtab:
        assert read(data).imports == (b"prebound", b"yes")
        assert exports(data) == {b"defined", b"coalesced", b"absolute"}


def test_a_strong_reference_beats_a_weak_one() -> None:
    binary = read(image(symbols=[Symbol(b"_f", desc=WEAK_REF), Symbol(b"_f")]))
    assert (binary.imports, binary.weak_imports) == ((b"f",), ())
    binary = read(image(symbols=[Symbol(b"_f", desc=WEAK_REF), Symbol(b"f")]))
    assert (binary.imports, binary.weak_imports) == ((b"f",), ())


def test_groups_that_were_left_empty_mean_the_whole_table() -> None:
    symbols = [Symbol(b"_own", DEFINED), Symbol(b"_f")]
    groups = command(0xB, bytes(72))
    data = image(commands=[groups], symbols=symbols, dysymtab=False)
    assert read(data).imports == (b"f",)
    assert exports(data) == {b"own"}


# --- what dyld binds --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_chained_fixups_tell_imports_without_a_symbol_table(kind: int) -> None:
    fixups = chained(
        (b"_f1", 1, False),
        (b"_optional", 1, True),
        (b"_of_weak_library", 2, False),
        (b"_flat", FLAT, False),
        (b"_main", EXECUTABLE, False),
        (b"_itself", SELF, False),
        (b"__Znwm", COALESCED, False),
        (b"__ZTS3Own", COALESCED, False),
        kind=kind,
    )
    data = image(commands=LIBRARIES, fixups=fixups, exports=trie([b"__ZTS3Own", b"_PyInit_m"]))
    binary = read(data)
    assert set(binary.imports) == {b"f1", b"flat", b"main", b"_Znwm"}
    assert set(binary.weak_imports) == {b"optional", b"of_weak_library"}
    assert binary.providers == {b"f1": "one", b"optional": "one", b"of_weak_library": "two"}
    assert binary.entry_points == (b"PyInit_m",)
    assert exports(data) == {b"_ZTS3Own", b"PyInit_m"}


def test_bind_opcodes_tell_imports_without_a_symbol_table() -> None:
    data = image(
        commands=LIBRARIES,
        bind=binds((b"_a", 1, 0), (b"_b", 3, 1), (b"_flat", FLAT, 8), (b"_own", COALESCED, 0)),
        lazy_bind=lazy_binds((b"_c", 5, 0), (b"_d", 2, 0), (b"_a", 1, 0)),
        weak_bind=binds((b"_inline", 0, 0)),
        info_exports=trie([b"_own"]),
    )
    binary = read(data)
    assert set(binary.imports) == {b"a", b"c", b"flat"}
    assert set(binary.weak_imports) == {b"b", b"d"}
    assert binary.providers == {b"a": "one", b"b": "three", b"c": "five", b"d": "two"}


def test_a_large_ordinal_and_every_opcode_that_places() -> None:
    many = [dylib(f"lib{index}") for index in range(1, 201)]
    stream = (
        b"\x20\xc8\x01"  # ordinal 200
        b"\x40_far\0\x51\x72\x80\x01\x60\x7f\x80\x08\x90\xa0\x10\xb3\xc0\x04\x08"
        b"\x12\x40_near\0\xd0\x02\x90\xd1"
        b"\x40_unused\0"  # never bound
        b"\x00\xff\xff"  # ends the list: what follows is padding
    )
    binary = read(image(commands=many, bind=stream))
    assert binary.providers == {b"far": "lib200", b"near": "lib2"}
    assert binary.imports == (b"far", b"near")


def test_the_library_counts_where_the_bind_is() -> None:
    stream = b"\x40_f\0\x51\x13\x90\x00"  # zig names the symbol before its library
    assert read(image(commands=LIBRARIES, bind=stream)).providers == {b"f": "three"}


def test_each_lazy_bind_starts_afresh() -> None:
    stream = lazy_binds((b"_f", 3, 0)) + b"\x72\x08\x90\0" + b"\x40_own\0\x90\0"
    binary = read(image(commands=LIBRARIES, lazy_bind=stream))
    assert binary.imports == (b"f",)


def test_a_run_of_binds_longer_than_one_match() -> None:
    stream = b"\x11\x40_f\0\x51" + b"\x90" * 1000 + b"\x40_g\0" + b"\x51" * 600 + b"\x90\x00"
    assert read(image(commands=LIBRARIES, bind=stream)).imports == (b"f", b"g")


def test_symbol_table_and_binds_are_united() -> None:
    data = image(
        commands=LIBRARIES,
        symbols=[
            Symbol(b"_both", desc=from_library(1)),
            Symbol(b"_listed", desc=from_library(3)),
            Symbol(b"_weak_for_dyld", desc=from_library(1)),
        ],
        bind=binds((b"_both", 5, 0), (b"_bound", 1, 0), (b"_weak_for_dyld", 1, 1)),
    )
    binary = read(data)
    assert set(binary.imports) == {b"both", b"listed", b"bound"}
    assert binary.weak_imports == (b"weak_for_dyld",)
    assert binary.providers[b"both"] == "five"
    assert binary.providers[b"listed"] == "three"


def test_a_library_that_reexports_what_it_binds_still_imports_it() -> None:
    data = image(commands=LIBRARIES, bind=binds((b"_f", 3, 0)), info_exports=trie([b"_f"]))
    assert read(data).imports == (b"f",)
    assert exports(data) == {b"f"}


def test_a_definition_of_the_symbol_table_counts_where_there_is_no_trie() -> None:
    data = image(
        commands=LIBRARIES,
        symbols=[Symbol(b"_own", DEFINED, WEAK_DEF)],
        bind=binds((b"_own", FLAT, 0), (b"_other", FLAT, 0)),
    )
    assert read(data).imports == (b"other",)


# --- exports ----------------------------------------------------------------------------------


def test_the_trie_is_what_dyld_searches() -> None:
    symbols = [Symbol(b"_listed", DEFINED)]
    assert exports(image(symbols=symbols, exports=trie([b"_found"]))) == {b"found"}
    assert exports(image(symbols=symbols, info_exports=trie([b"_found"]))) == {b"found"}
    assert exports(image(symbols=symbols)) == {b"listed"}


ENTRIES = [b"PyModExport_b", b"PyInitU_a", b"PyInit_c", b"PyModExportU_d"]
NEARLY = [b"PyInit", b"PyInitX_a", b"MyPyInit_a", b"_PyInit_a", b"PyMod", b"PyModExport"]


@pytest.mark.parametrize("where", ["trie", "symbols"])
def test_entry_points(where: str) -> None:
    names = [b"_" + name for name in ENTRIES + NEARLY]
    if where == "trie":
        data = image(exports=trie(names))
    else:
        hidden = Symbol(b"_PyInit_hidden", PRIVATE)
        used = Symbol(b"_PyInit_used")
        data = image(symbols=[*(Symbol(name, DEFINED) for name in names), hidden, used])
    assert read(data).entry_points == tuple(sorted(ENTRIES))


# --- damage -----------------------------------------------------------------------------------


def two(one: bytes) -> list[bytes]:
    return [one, one]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (image(commands=[dylib("x")]).replace(b"x\0\0\0\0\0\0\0", b"x" * 8), "unterminated"),
        (image(commands=[command(LOAD, struct.pack("<4I", 99, 0, 0, 0))]), "string offset 99"),
        (image(commands=[command(LOAD, struct.pack("<I", 12))]), "0xc is cut short"),
        (image(commands=two(command(0x2, bytes(16)))), "load command 0x2 occurs more than once"),
        (
            image(commands=[command(0x2, struct.pack("<4I", 0, 1 << 31, 0, 0))]),
            "symbol table should be at bytes 0 to 1048576",
        ),
        (
            image(
                commands=[
                    command(0x2, bytes(16)),
                    command(0xB, struct.pack("<6I", 0, 0, 0, 0, 7, 9) + bytes(48)),
                ]
            ),
            "symbol groups run past the symbol table of 0 entries",
        ),
        (image(fixups=bytes(8)), "chained fixups are cut short: they have 8 bytes"),
        (image(fixups=struct.pack("<7I", 1, 0, 0, 0, 0, 1, 0)), "unknown version 1"),
        (image(fixups=chained((b"_f", FLAT, False), packing=1)), "zlib-compressed"),
        (image(fixups=chained((b"_f", FLAT, False), packing=2)), "format 2"),
        (image(fixups=struct.pack("<7I", 0, 28, 28, 28, 1, 4, 0)), "imports format 4"),
        (image(fixups=struct.pack("<7I", 0, 28, 28, 28, 1 << 31, 1, 0)), "run past the 28 bytes"),
        (image(fixups=struct.pack("<7I", 0, 28, 28, 99, 0xFF, 1, 0)), "run past the 28 bytes"),
        (image(fixups=chained((b"_f", 7, False))), "bound to library 7 of 0"),
        (image(fixups=chained((b"_f", -4, False))), "bound to library -4 of 0"),
        (image(fixups=chained((b"_f", FLAT, False))[:-1]), "unterminated name"),
        (image(bind=binds((b"_f", 1, 0))), "bound to library 1 of 0"),
        (image(bind=b"\x11\xe0"), "bad bind opcode at byte 1 of 2"),
        (image(bind=b"\x11\x40_f"), "bad bind opcode at byte 1 of 4"),
        (image(bind=b"\x20" + b"\xff" * 20), "bad bind opcode at byte 0 of 21"),
        (image(bind=b"\x90\x40" * 1000), "bad bind opcode"),
        (image(exports=b"\0\x01_P\0\0"), "twice"),
    ],
)
def test_damage_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(data)


def patched(data: bytes, offset: int, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into("<I", changed, offset, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (16, 99, "load command . of 99 lies outside"),
        (20, 0x7FFFFFFF, "load commands of 2147483647 bytes"),
        (20, 0x3FFFF0, "load commands should be at bytes"),
        (36, 4, "load command 0 of 2 has a bad size of 4 bytes"),
        (36, 0xFFFFFFF8, "load command 0 of 2 has a bad size"),
    ],
)
def test_load_commands_are_bounded(offset: int, value: int, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(patched(image(commands=[dylib("x")]), offset, value))


def test_a_library_cut_behind_its_tables_is_cut_short() -> None:
    data = image(commands=LIBRARIES) + bytes(64)
    at = data.index(b"__LINKEDIT") - 8
    whole = patched(data, at + 8 + 16 + 24, 64)
    assert read(whole).imports == ()
    with pytest.raises(FormatError, match=r"cut short .* the segment should be at bytes"):
        read(whole[:-1])


def test_names_that_overlap_beyond_reason_are_refused() -> None:
    symbols = [Symbol(b"")] * 5000 + [Symbol(b"x" * 500_000)]
    data = bytearray(image(symbols=symbols))
    table = data.index(struct.pack("<IBBHQ", 2, 1, 0, 0, 0))
    start = 2 + len(symbols) - 1
    for index in range(5000):
        struct.pack_into("<I", data, table + 16 * index, start + index)
    with pytest.raises(FormatError, match="overlap"):
        read(bytes(data))
