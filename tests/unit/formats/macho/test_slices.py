"""Thin and universal Mach-O files, and files that only look like them."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from tests.support.macho_files import ARM64, DYLIB, PPC, X86_64, Symbol, image, universal
from torch_abi_audit.formats.macho import library as macho
from torch_abi_audit.formats.macho.slices import Slice
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable

ARM = image(symbols=[Symbol(b"_arm")])
INTEL = image(cpu=X86_64, subtype=3, symbols=[Symbol(b"_intel")])
ARCHIVE = b"!<arch>\n" + bytes(60)


def read(data: bytes) -> object:
    return macho.read(BytesReadable(data))


@pytest.mark.parametrize("wide", [False, True])
def test_every_slice_is_read_at_its_own_offset(wide: bool) -> None:
    data = universal(ARM, INTEL, wide=wide)
    found = macho.read(BytesReadable(data))
    assert isinstance(found, tuple)
    assert [(one.arch, one.imports) for one in found] == [
        ("arm64", (b"arm",)),
        ("x86_64", (b"intel",)),
    ]
    assert [data[one.offset :][:4] for one in found] == [b"\xcf\xfa\xed\xfe"] * 2


def test_slices_of_both_byte_orders() -> None:
    old = image(cpu=PPC, wide=False, order=">", symbols=[Symbol(b"_ppc")])
    found = macho.read(BytesReadable(universal(old, ARM)))
    assert isinstance(found, tuple)
    assert [(one.arch, one.byteorder, one.bits) for one in found] == [
        ("ppc", "big", 32),
        ("arm64", "little", 64),
    ]


def test_exports_are_those_of_the_slice() -> None:
    source = BytesReadable(
        universal(image(symbols=[Symbol(b"_a", 0x0F)]), image(symbols=[Symbol(b"_b", 0x0F)]))
    )
    found = macho.read(source)
    assert isinstance(found, tuple)
    assert [macho.exports(source, one) for one in found] == [{b"a"}, {b"b"}]
    with pytest.raises(FormatError, match="no library at byte 7"):
        macho.exports(source, replace(found[0], offset=7))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(64), "Java class file"),
        (b"\xca\xfe\xba\xbe\0\x03\0\x2d" + bytes(64), "Java class file"),
        (universal(ARCHIVE, ARCHIVE), "static archive"),
        (universal(image(kind=2), image(kind=2)), "executable"),
    ],
)
def test_other_files(data: bytes, kind: str) -> None:
    assert read(data) == NotALibrary(kind)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (1, "object file"),
        (2, "executable"),
        (4, "core dump"),
        (7, "dynamic linker"),
        (9, "stub library"),
        (10, "debug symbols"),
        (11, "kernel extension"),
    ],
)
def test_other_mach_o_kinds(kind: int, name: str) -> None:
    assert read(image(kind=kind)) == NotALibrary(name)


def test_a_library_among_other_slices_is_kept() -> None:
    found = read(universal(image(kind=2), ARM))
    assert isinstance(found, tuple)
    assert [one.arch for one in found] == ["arm64"]


def fat(*entries: tuple[int, int], size: int = 4096) -> bytes:
    table = b"".join(struct.pack(">5I", ARM64, 0, at, length, 12) for at, length in entries)
    data = bytearray(size)
    head = b"\xca\xfe\xba\xbe" + struct.pack(">I", len(entries)) + table
    data[: len(head)] = head
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "magic"),
        (b"\xcf\xfa", "magic"),
        (b"\x7fELF" + bytes(60), "not a Mach-O file: it begins with 7f454c46"),
        (b"\xca\xfe\xba\xbe", "universal header"),
        (b"\xca\xfe\xba\xbe\0\0\0\0", "has no slices"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02" + bytes(20), "table of slices"),
        (b"\xca\xfe\xba\xbf\xff\xff\xff\xff" + bytes(20), "table of slices"),
        (fat((1024, 5000)), "cut short"),
        (fat((0, 64)), "overlaps"),
        (fat((1024, 1024), (2000, 64)), "overlaps"),
        (fat((1024, 64)), "slice at byte 1024: .*begins with 00000000"),
        (fat((1024, 0)), "slice at byte 1024: .* the Mach-O magic should be"),
        (universal(ARM, universal(ARM)), "not a Mach-O image: it begins with cafebabe"),
        (
            universal(ARM, image(kind=DYLIB)[:60]),
            "slice at byte 8192: .* the load commands should be",
        ),
        (ARM[:20], "Mach-O header"),
        (image(kind=77), "unknown Mach-O file type 77"),
    ],
)
def test_damage_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(data)


def test_a_table_may_not_leave_its_slice_for_the_next() -> None:
    cut = ARM[:-8]
    with pytest.raises(FormatError, match="but the segment should be at bytes"):
        read(universal(cut, INTEL))


def test_a_slice_reads_nothing_behind_its_end() -> None:
    part = Slice(BytesReadable(b"0123456789"), 2, 4)
    assert part.read_at(1, 100) == b"345"
    assert part.read_at(9, 1) == b""
