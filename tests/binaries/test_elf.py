"""The ELF reader on compiled libraries, compared with ``nm -D``, and on damaged copies."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.nm_oracle import nm, reads_as_nm_does
from tests.support.toolchain import gcc, zig
from torch_abi_audit import inspect_package
from torch_abi_audit.formats import read
from torch_abi_audit.formats.elf import library as elf
from torch_abi_audit.formats.elf.gnu_hash import gnu_hash, lookup
from torch_abi_audit.formats.elf.image import Image, Tag, open_image
from torch_abi_audit.model.binary import Binary, NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable, open_readable

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
#include <math.h>
#include <stdio.h>
extern int strong_import(void);
extern int weak_import(void) __attribute__((weak));
extern int data_import;
int exported(void) { return strong_import() + (weak_import ? weak_import() : 0) + data_import; }
double uses_libm(double x) { return cos(x); }
int prints(void) { return printf("%d", exported()); }
int exported_data = 3;
__attribute__((weak)) int weak_export(void) { return 1; }
__attribute__((visibility("hidden"))) int hidden(void) { return 2; }
static int local(void) { return 4; }
int (*keeps_local)(void) = local;
void *PyInit_fixture(void) { return 0; }
void *PyModExport_fixture(void) { return 0; }
void not_PyInit_really(void) {}
"""


def of(path: Path) -> Binary:
    with open_readable(path) as source:
        binary = elf.read(source)
    assert isinstance(binary, Binary)
    return binary


def names_of(path: Path) -> frozenset[bytes]:
    with open_readable(path) as source:
        return elf.exports(source)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("elf") / "libfixture.so.1"
    return gcc(SOURCE, out, "-lm", "-Wl,-soname,libfixture.so.1", "-Wl,-rpath,/opt/x:$ORIGIN/lib")


def test_agrees_with_nm(library: Path) -> None:
    strong, weak, exports = nm(library)
    assert (b"strong_import", "") in strong  # nm did see the fixture
    assert (b"weak_import", "") in weak
    assert b"exported" in exports
    reads_as_nm_does(library)


def test_knows_the_file(library: Path) -> None:
    binary = of(library)
    assert (binary.arch, binary.bits, binary.byteorder) == ("x86_64", 64, "little")
    assert binary.soname == "libfixture.so.1"
    assert {"libm.so.6", "libc.so.6"} <= set(binary.needed)
    assert binary.rpaths == ("/opt/x", "$ORIGIN/lib")
    assert binary.entry_points == (b"PyInit_fixture", b"PyModExport_fixture")
    assert any(lib == "libm.so.6" and ver.startswith("GLIBC_") for lib, ver in binary.version_needs)


def test_reads_the_same_without_section_headers(library: Path, tmp_path: Path) -> None:
    data = bytearray(library.read_bytes())
    struct.pack_into("<Q", data, 40, 0)  # e_shoff
    struct.pack_into("<HHH", data, 58, 0, 0, 0)  # e_shentsize, e_shnum, e_shstrndx
    stripped = tmp_path / "x.so"
    stripped.write_bytes(data)
    assert of(stripped) == of(library)
    assert names_of(stripped) == names_of(library)


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_counts_symbols_by_either_hash_table(tmp_path: Path, style: str) -> None:
    binary = of(gcc(SOURCE, tmp_path / "x.so", "-lm", f"-Wl,--hash-style={style}"))
    assert b"strong_import" in binary.imports
    assert b"weak_import" in binary.weak_imports


@pytest.mark.parametrize("style", ["gnu", "sysv"])
def test_finds_imports_of_a_library_that_exports_nothing(tmp_path: Path, style: str) -> None:
    # GNU ld then writes a hash table that says nothing about the number of symbols
    source = """
    extern int only_import(void);
    extern int other_import;
    __attribute__((constructor)) static void start(void) { only_import(); other_import = 1; }
    """
    path = gcc(source, tmp_path / "x.so", "-nostdlib", f"-Wl,--hash-style={style}")
    assert nm(path) == ({(b"only_import", ""), (b"other_import", "")}, set(), set())
    reads_as_nm_does(path)


def test_an_executable_is_no_library(tmp_path: Path) -> None:
    for flags in (["-pie"], ["-no-pie"], ["-static-pie"]):
        path = tmp_path / "program"
        subprocess.run(
            ["gcc", "-x", "c", "-", "-o", str(path), *flags],
            input="int main(void) { return 0; }",
            text=True,
            check=True,
        )
        with open_readable(path) as source:
            assert elf.read(source) == NotALibrary("executable")


def test_an_object_file_is_no_library(tmp_path: Path) -> None:
    path = tmp_path / "x.o"
    subprocess.run(
        ["gcc", "-x", "c", "-", "-c", "-o", str(path)], input="int x;", text=True, check=True
    )
    with open_readable(path) as source:
        assert elf.read(source) == NotALibrary("object file")


def test_separate_debug_symbols_are_no_library(library: Path, tmp_path: Path) -> None:
    debug = tmp_path / "x.debug"
    subprocess.run(["objcopy", "--only-keep-debug", str(library), str(debug)], check=True)
    with open_readable(debug) as source:
        assert elf.read(source) == NotALibrary("debug symbols")


PLAIN = """
extern int strong_import(void);
extern int weak_import(void) __attribute__((weak));
int exported(void) { return strong_import() + (weak_import ? weak_import() : 0); }
"""


@pytest.mark.parametrize(
    ("target", "arch", "bits", "order"),
    [
        ("x86-linux-musl", "i686", 32, "little"),
        ("aarch64-linux-musl", "aarch64", 64, "little"),
        ("aarch64_be-linux-musl", "aarch64", 64, "big"),
        ("powerpc64-linux-musl", "ppc64", 64, "big"),
        ("powerpc-linux-musleabi", "ppc", 32, "big"),
        ("s390x-linux-musl", "s390x", 64, "big"),
        ("riscv64-linux-musl", "riscv64", 64, "little"),
        ("mips64-linux-muslabi64", "mips", 64, "big"),
        ("arm-linux-musleabihf", "armv7l", 32, "little"),
    ],
)
def test_reads_other_machines(
    tmp_path: Path, target: str, arch: str, bits: int, order: str
) -> None:
    path = zig(PLAIN, tmp_path / "x.so", target, "-nostdlib", "-O1")
    binary = of(path)
    assert (binary.arch, binary.bits, binary.byteorder) == (arch, bits, order)
    assert b"strong_import" in binary.imports  # arm adds its unwinder
    assert binary.weak_imports == (b"weak_import",)
    assert b"exported" in names_of(path)
    asked = frozenset({b"exported", b"strong_import", b"weak_import", b"absent", b"exporte"})
    with open_readable(path) as source:
        assert elf.exported(source, asked) == {b"exported"}
        image = open_image(source)
        assert isinstance(image, Image)
        by_hash = lookup(image, asked)
    assert by_hash == (None if Tag.GNU_HASH not in image.tags else {b"exported"})


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_few_names_are_found_by_their_hashes_as_many_are_among_all(
    tmp_path: Path, style: str
) -> None:
    text = "".join(f"void own_{n}(void) {{ asked_{n}(); }}" for n in range(2000))
    asks = "".join(f"void asked_{n}(void);" for n in range(2000))
    hidden = '__attribute__((visibility("hidden"))) void hidden(void) {} static void local(void) {}'
    path = gcc(
        f"{asks}{text}{hidden} void *keep = (void *)local;",
        tmp_path / "x.so",
        f"-Wl,--hash-style={style}",
    )
    reads_as_nm_does(path)
    names = [b"%s_%d" % (kind, n) for kind in (b"own", b"asked", b"absent") for n in range(2100)]
    names += [b"hidden", b"local", b"keep", b"own_", b"wn_1", b""]
    expected = {b"own_%d" % n for n in range(2000)} | {b"keep"}
    chance = random.Random(7)
    with open_readable(path) as source:
        image = open_image(source)
        assert isinstance(image, Image)
        assert elf.exported(source, frozenset(names)) == expected
        for size in (0, 1, 10, 1000):
            few = frozenset(chance.sample(names, size))
            assert elf.exported(source, few) == expected & few
            by_hash = lookup(image, few)
            assert by_hash == (None if style == "sysv" else expected & few)


@pytest.mark.parametrize("exported", [{b"az"}, {b"bY"}, {b"az", b"bY"}])
def test_names_of_one_hash_are_told_apart(tmp_path: Path, exported: set[bytes]) -> None:
    assert gnu_hash(b"az") == gnu_hash(b"bY")
    text = "".join(f"void {name.decode()}(void) {{}}" for name in exported)
    path = gcc(text, tmp_path / "x.so", "-nostdlib", "-Wl,--hash-style=gnu")
    with open_readable(path) as source:
        assert elf.exported(source, frozenset({b"az", b"bY", b"absent"})) == exported


def test_the_hash_of_a_name_is_that_of_the_loader() -> None:
    # figures of https://flapenguin.me/elf-dt-gnu-hash
    assert gnu_hash(b"") == 0x00001505
    assert gnu_hash(b"printf") == 0x156B2BB8
    assert gnu_hash(b"exit") == 0x7C967E3F
    assert gnu_hash(b"syscall") == 0xBAC212A0


def test_names_that_are_not_text(library: Path, tmp_path: Path) -> None:
    data = library.read_bytes().replace(b"\0strong_import\0", b"\0strong\xff\x1b[31m\n\0", 1)
    path = tmp_path / "x.so"
    path.write_bytes(data)
    assert b"strong\xff\x1b[31m\n" in of(path).imports


@pytest.mark.parametrize("size", [1, 4, 15, 16, 63, 64, 200, 500, 1000])
def test_a_cut_file_is_damaged(library: Path, size: int) -> None:
    with pytest.raises(FormatError):
        read(BytesReadable(library.read_bytes()[:size]))


def test_a_chain_without_end_is_damaged(library: Path) -> None:
    data = bytearray(library.read_bytes())
    image = open_image(BytesReadable(bytes(data)))
    assert not isinstance(image, NotALibrary)
    offset, _ = image.at(image.tags[Tag.GNU_HASH], "GNU hash")
    buckets, first, bloom, _ = struct.unpack_from("<4I", data, offset)
    chain = offset + 16 + bloom * 8 + buckets * 4
    for at in range(chain, len(data) - 3, 4):
        (link,) = struct.unpack_from("<I", data, at)
        struct.pack_into("<I", data, at, link & ~1)
    assert first > 0
    with pytest.raises(FormatError):
        read(BytesReadable(bytes(data)))


def test_exports_that_cannot_be_read_are_the_error_of_that_library_alone(tmp_path: Path) -> None:
    gcc(
        "void torch_call_dispatcher(void); void f(void) { torch_call_dispatcher(); }",
        tmp_path / "a.so",
    )
    damaged = gcc("void torch_call_dispatcher(void) {}", tmp_path / "b.so")
    with open_readable(damaged) as source:
        image = open_image(source)
        assert isinstance(image, Image)
        at, _ = image.at(image.tags[Tag.SYMTAB], "symbols")
        names, _ = image.at(image.tags[Tag.STRTAB], "names")
    data = bytearray(damaged.read_bytes())
    offset = data.index(b"\0torch_call_dispatcher\0", names) + 1 - names
    entry = data.index(offset.to_bytes(4, "little") + b"\x12", at)  # a global function
    data[entry : entry + 4] = b"\xff\xff\xff\x7f"
    damaged.write_bytes(data)
    report = inspect_package(tmp_path)
    first, second = report.libraries
    assert (first.label, second.label) == ("STABLE", "ERROR")
    assert "outside the string table" in str(second.error)


def test_an_empty_entry_of_an_rpath_is_the_current_directory(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    gcc("int helper(void) { return 7; }", here / "libhelper.so", "-Wl,-soname,libhelper.so")
    source = "int helper(void); int used(void) { return helper(); }"
    for path, entries, loads in (
        ("/nowhere:", ("/nowhere", ""), True),
        ("/nowhere", ("/nowhere",), False),
    ):
        rpath = f"-Wl,--enable-new-dtags,-rpath,{path}"
        built = gcc(source, there / f"libuser{len(entries)}.so", f"-L{here}", "-lhelper", rpath)
        assert of(built).rpaths == entries
        code = f"import ctypes; ctypes.CDLL({str(built)!r})"
        ran = subprocess.run([sys.executable, "-c", code], cwd=here, check=False)
        assert (ran.returncode == 0) is loads
