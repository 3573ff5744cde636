"""The Mach-O reader on the output of a real linker for both macOS architectures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import macho_oracle
from tests.support.macho_files import universal, without_symbols
from tests.support.toolchain import zig
from torch_abi_audit.formats.macho import library as macho
from torch_abi_audit.model.binary import Binary, Format
from torch_abi_audit.sources.files.readable import BytesReadable, open_readable

if TYPE_CHECKING:
    from pathlib import Path

TARGETS = {"aarch64-macos": "arm64", "x86_64-macos": "x86_64"}
FLAGS = ("-nostdlib", "-O1", "-g0", "-Wl,-undefined,dynamic_lookup")
LIBRARY = """
extern int foo(int), bar(int), dyn(int), _under(int);
extern int opt(int) __attribute__((weak_import));
extern int foo_data;
int *pointer = &foo_data;
__attribute__((visibility("hidden"))) int hidden(void) { return dyn(7); }
__attribute__((weak)) int weak_definition(void) { return dyn(9); }
static int local(void) { return dyn(11); }
int PyInit_x(void) { return foo(1) + bar(2) + dyn(3) + (opt ? opt(4) : 0); }
int PyInitU_y(void) { return local() + hidden() + weak_definition() + _under(5); }
int PyModExport_z(void) { return 0; }
int PyInit(void) { return 0; }
"""
CPLUSPLUS = """
extern "C" int dyn(int);
template <class T> struct Box { T value; __attribute__((noinline)) int get() { return dyn(1); } };
struct Base { virtual int call() { return dyn(2); } virtual ~Base() {} };
struct Far { virtual int call(); virtual ~Far(); };
struct Near : Far { int call() override { return 3; } };
extern "C" int run() { Box<long> box{4}; return box.get(); }
Base *base() { return new Base; }
Far *far() { return new Near; }
"""


class Built:
    """A compiled library, read once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.read_bytes()
        self.binary, self.exports = read(self.data)


def read(data: bytes) -> tuple[Binary, frozenset[bytes]]:
    source = BytesReadable(data)
    found = macho.read(source)
    assert isinstance(found, tuple)
    (binary,) = found
    return binary, macho.exports(source, binary)


@pytest.fixture(scope="session", params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def folder(target: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(target)


@pytest.fixture(scope="session")
def built(target: str, folder: Path) -> Built:
    for name, data in (("foo", "int foo_data = 3;"), ("bar", "")):
        source = f"int {name}(int x) {{ return x; }} {data}"
        install = f"-Wl,-install_name,@rpath/lib{name}.1.dylib"
        zig(source, folder / f"lib{name}.dylib", target, *FLAGS, install)
    flags = (*FLAGS, "-L", str(folder), "-lfoo", "-weak-lbar", "-Wl,-rpath,@loader_path/lib")
    return Built(zig(LIBRARY, folder / "x.abi3.so", target, *flags))


@pytest.fixture(scope="session")
def cplusplus(target: str, folder: Path) -> Built:
    return Built(zig(CPLUSPLUS, folder / "cpp.so", target, *FLAGS, lang="c++"))


def test_strong_imports_lose_one_underscore_alone(built: Built) -> None:
    assert {b"foo", b"foo_data", b"dyn", b"_under"} <= set(built.binary.imports)
    assert b"dyld_stub_binder" in built.binary.imports
    assert len(set(built.binary.imports)) == len(built.binary.imports)


def test_weak_references_and_symbols_of_a_weak_library_are_weak(built: Built) -> None:
    assert set(built.binary.weak_imports) == {b"opt", b"bar"}


def test_definitions_are_no_imports(built: Built) -> None:
    own = {b"hidden", b"local", b"weak_definition", b"PyInit_x", b"pointer"}
    assert not own & {*built.binary.imports, *built.binary.weak_imports}


def test_exports_are_the_visible_definitions(built: Built) -> None:
    visible = {b"PyInit_x", b"PyInitU_y", b"PyModExport_z", b"PyInit"}
    assert visible | {b"weak_definition", b"pointer"} <= built.exports
    assert not built.exports & {b"hidden", b"local", b"foo", b"dyn", b"opt"}


def test_entry_points_are_sorted_and_exact(built: Built) -> None:
    assert built.binary.entry_points == (b"PyInitU_y", b"PyInit_x", b"PyModExport_z")


def test_two_level_names_keep_their_provider(built: Built) -> None:
    providers = built.binary.providers
    assert providers[b"foo"] == "@rpath/libfoo.1.dylib"
    assert providers[b"bar"] == "@rpath/libbar.1.dylib"
    assert b"dyn" not in providers


def test_identity(built: Built, target: str) -> None:
    binary = built.binary
    assert (binary.format, binary.bits, binary.byteorder) == (Format.MACHO, 64, "little")
    assert binary.arch == TARGETS[target]
    assert binary.soname is not None
    assert binary.soname.endswith("x.abi3.so")
    assert "@rpath/libfoo.1.dylib" in binary.needed
    assert binary.delay_needed == ("@rpath/libbar.1.dylib",)
    assert binary.rpaths == ("@loader_path/lib",)
    assert binary.min_os is not None
    assert int(binary.min_os.split(".")[0]) >= 10
    assert binary.offset == 0


def test_coalesced_cplusplus_definitions_are_no_imports(cplusplus: Built) -> None:
    imports = {*cplusplus.binary.imports, *cplusplus.binary.weak_imports}
    assert {b"_ZTI3Far", b"_ZN3FarD2Ev", b"dyn", b"_Znwm"} <= imports
    assert not imports & cplusplus.exports
    assert not any(b"3Box" in name or name == b"_ZTV4Base" for name in imports)


def test_binds_alone_tell_the_same(built: Built, cplusplus: Built) -> None:
    for whole in (built, cplusplus):
        binary, exports = read(without_symbols(whole.data))
        assert set(binary.imports) == set(whole.binary.imports)
        assert set(binary.weak_imports) == set(whole.binary.weak_imports)
        assert binary.providers == whole.binary.providers
        assert binary.entry_points == whole.binary.entry_points
        assert exports == whole.exports


def test_lief_agrees(built: Built, cplusplus: Built) -> None:
    for whole in (built, cplusplus):
        (oracle,) = macho_oracle.facts(whole.path)
        binary = whole.binary
        assert set(oracle.imports) == set(binary.imports)
        assert set(oracle.weak_imports) == set(binary.weak_imports)
        assert oracle.exports == whole.exports
        assert (oracle.needed, oracle.delay_needed) == (binary.needed, binary.delay_needed)
        assert oracle.providers.items() <= binary.providers.items()


def test_a_file_on_disk_reads_as_its_bytes(built: Built) -> None:
    with open_readable(built.path) as source:
        assert macho.read(source) == (built.binary,)


def test_each_slice_of_a_universal_file_is_read(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("universal")
    thin = [
        zig(f"int only_{arch}(int x){{return x;}}", folder / arch, target, *FLAGS).read_bytes()
        for target, arch in TARGETS.items()
    ]
    for wide in (False, True):
        source = BytesReadable(universal(*thin, wide=wide))
        found = macho.read(source)
        assert isinstance(found, tuple)
        assert [one.arch for one in found] == list(TARGETS.values())
        assert found[0].offset > 0
        for one, arch in zip(found, TARGETS.values(), strict=True):
            assert f"only_{arch}".encode() in macho.exports(source, one)
