"""Object files from real compilers: symbols compared with nm, places with objdump."""

from __future__ import annotations

import random
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.toolchain import zig_program
from torch_abi_audit.formats import objects
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable, open_readable

if TYPE_CHECKING:
    from pathlib import Path

    from torch_abi_audit.formats.object_file import ObjectFile

CHECK = b"_ZN3c106detail14torchCheckFailEPKcS2_jS2_"
MS_CHECK = b"?torchCheckFail@detail@c10@@YAXPEBD0I0@Z"
SOURCE = """\
namespace c10 { namespace detail {
void torchCheckFail(const char*, const char*, unsigned int, const char*);
}
struct Thing { int held; inline __attribute__((noinline)) int get() { return held + 1; } };
}
extern "C" int torch_call_dispatcher(int);
extern "C" __attribute__((weak)) int torch_optional(int);
static void helper(int x) {
  if (x) c10::detail::torchCheckFail("f", __FILE__, 1, "x");
}
int first(int x) {
  helper(x);
  c10::detail::torchCheckFail("f", __FILE__, 2, "y");
  return c10::Thing{x}.get();
}
int second(int x) {
  c10::detail::torchCheckFail("f", __FILE__, 3, "z");
  return torch_call_dispatcher(x);
}
int (*table[])(int) = {torch_call_dispatcher, second};
"""


def run(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def compile_elf(directory: Path, *flags: str, name: str = "unit.o") -> Path:
    (directory / "unit.cpp").write_text(SOURCE)
    out = directory / name
    run("g++", "-c", "-O0", "-fPIC", *flags, directory / "unit.cpp", "-o", out)
    return out


def compile_zig(directory: Path, target: str, *flags: str) -> Path:
    (directory / "unit.cpp").write_text(SOURCE)
    out = directory / f"{target}.o"
    zig = (zig_program(), "c++", "-target", target)
    run(*zig, "-c", "-O0", "-fno-sanitize=all", *flags, directory / "unit.cpp", "-o", out)
    return out


def read(path: Path) -> ObjectFile:
    with open_readable(path) as source:
        assert objects.kind(source) == "object"
        found = objects.read(source)
    assert found is not None
    return found


def lines(found: ObjectFile, name: bytes) -> list[tuple[bytes | None, int | None, int]]:
    return sorted(((one.function, one.line, one.count) for one in found.references[name]), key=repr)


def test_symbols_are_those_of_nm(tmp_path: Path) -> None:
    path = compile_elf(tmp_path, "-g")
    found = read(path)
    by_kind: dict[str, set[bytes]] = {}
    for line in run("nm", path).splitlines():
        *_, kind, name = line.split()
        by_kind.setdefault(kind, set()).add(name.encode())
    assert set(found.undefined) == by_kind["U"]
    assert found.weak == by_kind["W"]
    assert found.defined == by_kind["W"] | by_kind["T"] | by_kind["D"]
    assert (found.format, found.arch, found.source) == (Format.ELF, "x86_64", "unit.cpp")
    assert found.weak == {b"_ZN3c105Thing3getEv"}


@pytest.mark.parametrize("flags", [("-gdwarf-4",), ("-gdwarf-5",), ("-gdwarf-3",)])
def test_places_of_references(tmp_path: Path, flags: tuple[str, ...]) -> None:
    found = read(compile_elf(tmp_path, *flags))
    assert found.has_lines
    assert lines(found, CHECK) == [
        (b"_Z5firsti", 13, 1),
        (b"_Z6secondi", 17, 1),
        (b"_ZL6helperi", 9, 1),
    ]
    assert lines(found, b"torch_call_dispatcher") == [(b"_Z6secondi", 18, 1), (b"table", None, 1)]
    sources = {one.source for one in found.references[CHECK]}
    assert sources == {str(tmp_path / "unit.cpp")}


def test_lines_agree_with_objdump_in_sections_of_their_own(tmp_path: Path) -> None:
    path = compile_elf(tmp_path, "-g", "-O2", "-ffunction-sections")
    found = read(path)
    mangled = CHECK.decode()
    text = run("objdump", "-dlr", "--no-show-raw-insn", path)
    at = ""
    expected = []
    for line in text.splitlines():
        if match := re.fullmatch(r"(\S+\.cpp):(\d+)(?: \(discriminator \d+\))?", line):
            at = match[2]
        elif mangled in line and "R_X86_64" in line:
            expected.append(int(at))
    assert sorted(one.line or 0 for one in found.references[CHECK] for _ in range(one.count)) == (
        sorted(expected)
    )
    assert len(expected) >= 3


def test_without_a_line_table_functions_are_still_told(tmp_path: Path) -> None:
    found = read(compile_elf(tmp_path))
    assert not found.has_lines
    assert [function for function, _, _ in lines(found, CHECK)] == [
        b"_Z5firsti",
        b"_Z6secondi",
        b"_ZL6helperi",
    ]
    assert {one.source for one in found.references[CHECK]} == {None}


@pytest.mark.parametrize("target", ["x86_64-macos", "aarch64-macos"])
def test_macho_objects(tmp_path: Path, target: str) -> None:
    found = read(compile_zig(tmp_path, target, "-g"))
    assert found.format is Format.MACHO
    assert found.arch == {"x86_64-macos": "x86_64", "aarch64-macos": "arm64"}[target]
    assert {CHECK, b"torch_call_dispatcher"} <= set(found.undefined)
    assert found.weak >= {b"_ZN3c105Thing3getEv"}
    assert {function for function, _, _ in lines(found, CHECK)} == {
        b"_Z5firsti",
        b"_Z6secondi",
        b"_ZL6helperi",
    }
    assert {line for _, line, _ in lines(found, CHECK)} == {9, 13, 17}


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("x86_64-windows-gnu", CHECK),
        ("x86_64-windows-msvc", MS_CHECK),
        ("aarch64-windows-gnu", CHECK),
    ],
)
def test_coff_objects(tmp_path: Path, target: str, name: bytes) -> None:
    found = read(compile_zig(tmp_path, target, "-gdwarf"))
    assert found.format is Format.PE
    assert {name, b"torch_call_dispatcher"} <= set(found.undefined)
    functions = {function for function, _, _ in lines(found, name)}
    assert len(functions) == 3
    assert any(b"Thing" in one for one in found.weak)
    assert {line for _, line, _ in lines(found, name)} == {9, 13, 17}


def test_coff_bigobj_and_dllimport(tmp_path: Path) -> None:
    source = tmp_path / "many.c"
    many = "".join(f"int f{i}(void) {{ return {i}; }}\n" for i in range(40000))
    source.write_text(
        "__declspec(dllimport) int torch_call_dispatcher(int);\n"
        "int use(int x) { return torch_call_dispatcher(x); }\n" + many
    )
    out = tmp_path / "many.obj"
    run(
        zig_program(),
        "cc",
        "-target",
        "x86_64-windows-msvc",
        "-c",
        "-O0",
        "-ffunction-sections",
        "-fno-sanitize=all",
        source,
        "-o",
        out,
    )
    head = out.read_bytes()[:6]
    assert head[:4] == b"\x00\x00\xff\xff", "not a bigobj: the test proves nothing"
    found = read(out)
    assert b"torch_call_dispatcher" in found.undefined
    assert [one.function for one in found.references[b"torch_call_dispatcher"]] == [b"use"]
    assert len(found.defined) > 40000


def members(path: Path) -> dict[str, ObjectFile]:
    with open_readable(path) as source:
        assert objects.kind(source) == "archive"
        found = dict(objects.members(source))
    return {name: one for name, one in found.items() if not isinstance(one, FormatError)}


def test_archives_of_gnu_and_bsd(tmp_path: Path) -> None:
    long = "a_file_with_quite_a_long_name_of_its_own.o"
    files = [compile_elf(tmp_path, name="short.o"), compile_elf(tmp_path, name=long)]
    run("ar", "rcs", tmp_path / "gnu.a", *files)
    run(zig_program(), "ar", "--format=bsd", "rcs", tmp_path / "bsd.a", *files)
    for name in ("gnu.a", "bsd.a"):
        found = members(tmp_path / name)
        assert set(found) == {"short.o", long}
        assert all(CHECK in one.undefined for one in found.values())


def test_thin_archives_are_refused(tmp_path: Path) -> None:
    run("ar", "rcsT", tmp_path / "thin.a", compile_elf(tmp_path))
    with pytest.raises(FormatError, match="thin archive"):
        members(tmp_path / "thin.a")


def test_bytecode_is_refused(tmp_path: Path) -> None:
    path = compile_elf(tmp_path, "-flto", "-fno-fat-lto-objects")
    with open_readable(path) as source, pytest.raises(FormatError, match="-flto"):
        objects.read(source)
    fat = compile_elf(tmp_path, "-flto", "-ffat-lto-objects", name="fat.o")
    assert CHECK in read(fat).undefined
    with pytest.raises(FormatError, match="bitcode"):
        objects.read(BytesReadable(b"BC\xc0\xde" + bytes(100)))


def test_other_machines(tmp_path: Path) -> None:
    for target, arch in (
        ("aarch64-linux-gnu", "aarch64"),
        ("x86-linux-gnu", "i686"),
        ("powerpc64le-linux-gnu", "ppc64le"),
        ("s390x-linux-gnu", "s390x"),
    ):
        found = read(compile_zig(tmp_path, target, "-g"))
        assert found.arch == arch
        assert {function for function, _, _ in lines(found, CHECK)} == {
            b"_Z5firsti",
            b"_Z6secondi",
            b"_ZL6helperi",
        }, target
        assert {line for _, line, _ in lines(found, CHECK)} == {9, 13, 17}, target


def test_damage_gives_an_object_or_a_format_error(tmp_path: Path) -> None:
    seeds = [compile_elf(tmp_path, "-g").read_bytes()]
    seeds += [
        compile_zig(tmp_path, target, "-gdwarf").read_bytes()
        for target in ("aarch64-macos", "x86_64-windows-gnu")
    ]
    run("ar", "rcs", tmp_path / "seed.a", compile_elf(tmp_path, "-g", name="member.o"))
    seeds.append((tmp_path / "seed.a").read_bytes())
    endings = {"read": 0, "refused": 0}
    for number, seed in enumerate(seeds):
        chance = random.Random(number)
        for _ in range(400):
            damaged = bytearray(seed)
            if chance.random() < 0.3:
                del damaged[chance.randrange(len(damaged)) :]
            for _ in range(chance.randrange(1, 12) if damaged else 0):
                near = len(damaged) if chance.random() < 0.7 else min(len(damaged), 600)
                damaged[chance.randrange(near)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
            source = BytesReadable(bytes(damaged))
            try:
                if objects.kind(source) == "archive":
                    list(objects.members(source))
                elif objects.kind(source) is not None:
                    objects.read(source)
            except FormatError:
                endings["refused"] += 1
            else:
                endings["read"] += 1
    assert endings["read"] > 50
    assert endings["refused"] > 50


def test_overlapping_tables_cost_no_more_than_the_file(tmp_path: Path) -> None:
    data = bytearray(compile_elf(tmp_path).read_bytes())
    at = int.from_bytes(data[40:48], "little")
    tables = [data[at + i * 64 : at + (i + 1) * 64] for i in range(data[60])]
    rela = next(one for one in tables if int.from_bytes(one[4:8], "little") == 4)
    wide = (
        bytes(rela[:24])
        + (0).to_bytes(8, "little")
        + len(data).to_bytes(8, "little")
        + bytes(rela[40:])
    )
    data[40:48] = len(data).to_bytes(8, "little")
    data[60:62] = (60000).to_bytes(2, "little")
    data += b"".join(bytes(one) for one in tables) + wide * (60000 - len(tables))
    with pytest.raises(FormatError, match="overlap"):
        objects.read(BytesReadable(bytes(data)))
