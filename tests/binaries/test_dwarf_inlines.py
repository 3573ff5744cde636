"""Places of references in what compilers write, compared with binutils and LLVM."""

from __future__ import annotations

import random
import subprocess
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from tests.support.dwarf_oracle import Chain, addr2line, llvm_symbolizer
from tests.support.toolchain import zig_program
from torch_abi_audit.formats import objects
from torch_abi_audit.formats.dwarf_inlines import Places
from torch_abi_audit.formats.elf.debug import debug_data
from torch_abi_audit.formats.elf.object import _Reader
from torch_abi_audit.formats.elf.section_table import section_table
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable, open_readable

if TYPE_CHECKING:
    from pathlib import Path

    from torch_abi_audit.formats.object_file import ObjectFile, Place

SOURCE = """\
#include <vector>
#include <string>
extern "C" int ext(int); extern "C" void fail(const char*); extern "C" int ext2(int);
namespace lib {
struct Impl { int n; inline int get() const { if (n < 0) fail("neg"); return n; }
              ~Impl() { ext2(n); } };
template <class T> struct Ptr { T* p;
  inline T* operator->() const { if (!p) fail("null"); return p; } };
struct Tensor { Ptr<Impl> impl; inline int numel() const { return impl->get(); } };
template <class F> inline int loop(int n, F f) {
  int s = 0; for (int i = 0; i < n; i++) s += f(i); return s; }
inline int __attribute__((noinline)) outofline(int x) { return ext(x) + 1; }
}
namespace mine { namespace {
static inline int helper(const lib::Tensor& t, int k) { return t.numel() * k + ext(k); }
template <int N> inline int times(const lib::Tensor& t) { return helper(t, N) + times<N-1>(t); }
template <> inline int times<0>(const lib::Tensor& t) { return ext2(t.numel()); }
}
struct Op { virtual int run(const lib::Tensor& t) { return t.numel() + ext(3); }
            virtual ~Op() { ext2(9); } };
int work(const lib::Tensor& t, std::vector<int>& v) {
  int s = lib::loop(t.numel(), [&](int i) {
    if (i > 100) fail("big");
    return ext(i) + helper(t, i); });
  v.push_back(s);
  std::string name = std::to_string(s);
  try { s += times<3>(t); } catch (const char* e) { fail(e); }
  { lib::Impl local{s}; s += local.get(); }
  return s + lib::outofline(s) + (int)name.size();
}
__attribute__((cold)) int rare(int x) { if (x > 3) { fail("rare"); } return ext(x); }
}
static mine::Op op;
extern "C" int entry(int x) {
  lib::Impl i{x}; lib::Tensor t{{&i}}; std::vector<int> v;
  return mine::work(t, v) + op.run(t) + mine::rare(x);
}
#ifdef _OPENMP
extern "C" int par(int n) { int s = 0;
#pragma omp parallel for reduction(+:s)
  for (int i = 0; i < n; i++) { lib::Impl im{i}; lib::Tensor t{{&im}}; s += mine::helper(t, i); }
  return s; }
#endif
"""
PLAIN = """\
extern int ext(int); extern void fail(const char *); extern int ext2(int);
static inline int checked(int x) { if (x < 0)
    fail("negative");
  return ext(x) + 1; }
int f(int x) {
  return checked(x) + ext2(x); }
int g(int x) {
  return checked(x + 1); }
"""


def run(*command: str | Path) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr}"


def compiled(directory: Path, *flags: str) -> Path:
    (directory / "unit.cpp").write_text(SOURCE)
    out = directory / "unit.o"
    run("g++", "-c", *flags, directory / "unit.cpp", "-o", out)
    return out


def references(path: Path) -> list[tuple[str, int, Place | None]]:
    """Section, offset and place of each reference of an object file's code."""
    with open_readable(path) as source:
        reader = _Reader(source)
        starts = reader._starts()
        places = reader._places(starts)
        assert places is not None
        sections = reader.sections
        at = sorted(
            {
                (section, offset)
                for section, offset, symbol in reader._relocations()
                if symbol.section == 0 and sections[section].flags & 4
            }
        )
        found = places.at(starts[section] + offset for section, offset in at)
    return [
        (sections[section].name.decode(), offset, found.get(starts[section] + offset))
        for section, offset in at
    ]


def chain(place: Place | None) -> Chain:
    frames = () if place is None else place.frames
    return tuple(
        ((one.function or b"??").decode(), one.source or "??", one.line or 0) for one in frames
    )


def agree(mine: Chain, theirs: Chain) -> bool:
    """Whether two chains are the same; for functions without a linkage name, only their lines.

    There addr2line shows what the symbol table says of the address.
    """
    return [each[1:] for each in mine] == [each[1:] for each in theirs] and all(
        a[0] == b[0] for a, b in zip(mine, theirs, strict=True) if a[0].startswith("_Z")
    )


def assert_agrees(path: Path, least: int) -> None:
    by_section: dict[str, list[tuple[int, Place | None]]] = {}
    for section, offset, place in references(path):
        by_section.setdefault(section, []).append((offset, place))
    compared = deep = 0
    for section, each in by_section.items():
        expected = addr2line(path, [offset for offset, _ in each], section)
        for (offset, place), theirs in zip(each, expected, strict=True):
            assert agree(chain(place), theirs), f"{section}+{offset:#x}"
            compared += 1
            deep += len(theirs) > 2
    assert compared >= least
    assert deep > 10 or "O0" in path.name


@pytest.mark.parametrize(
    "flags",
    [
        ("-O1", "-g"),
        ("-O2", "-g"),
        ("-O3", "-g"),
        ("-O2", "-g1"),
        ("-O2", "-g3"),
        ("-O3", "-gdwarf-4", "-ffunction-sections"),
        ("-O2", "-g", "-fopenmp"),
        ("-O2", "-g", "-gz"),
        ("-O2", "-g", "-flto", "-ffat-lto-objects"),
        ("-O2", "-g", "-fPIC", "-fno-plt"),
    ],
    ids=" ".join,
)
def test_chains_are_those_of_addr2line(tmp_path: Path, flags: tuple[str, ...]) -> None:
    assert_agrees(compiled(tmp_path, *flags), 50)


def test_nothing_is_inlined_without_optimisation(tmp_path: Path) -> None:
    found = references(compiled(tmp_path, "-O0", "-g"))
    assert len(found) > 30
    assert {len(chain(place)) for *_, place in found} == {1}


@pytest.mark.parametrize(
    "flags",
    [
        ("-gdwarf-2",),
        ("-gdwarf-3",),
        ("-gdwarf-4",),
        ("-gdwarf-5", "-gdwarf64"),  # what follows is more than addr2line 2.40 can read
        ("-g", "-fdebug-types-section"),
        ("-g", "-gz=zlib-gnu"),
    ],
    ids=" ".join,
)
def test_older_and_rarer_forms_say_what_dwarf_5_says(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    expected = references(compiled(tmp_path, "-O2", "-g"))
    found = references(compiled(tmp_path, "-O2", *flags))
    assert [chain(place) for *_, place in found] == [chain(place) for *_, place in expected]
    assert sum(len(chain(place)) > 2 for *_, place in found) > 10


def test_sections_packed_with_zstd(tmp_path: Path) -> None:
    from backports import zstd

    path = compiled(tmp_path, "-O2", "-g", "-gz")
    expected = [chain(place) for *_, place in references(path)]
    data = bytearray(path.read_bytes())
    with open_readable(path) as source:
        sections = section_table(source).sections
    import zlib

    table = int.from_bytes(data[40:48], "little")
    for number, one in enumerate(sections):
        if one.flags & 0x800:
            head = data[one.offset : one.offset + 24]
            body = zlib.decompress(data[one.offset + 24 : one.offset + one.size])
            packed = (2).to_bytes(4, "little") + head[4:] + zstd.compress(body)
            at = table + number * 64
            data[at + 24 : at + 40] = len(data).to_bytes(8, "little") + len(packed).to_bytes(
                8, "little"
            )
            data += packed
    path.write_bytes(data)
    assert [chain(place) for *_, place in references(path)] == expected


def test_split_dwarf_is_told_and_lines_remain(tmp_path: Path) -> None:
    path = compiled(tmp_path, "-O2", "-g", "-gsplit-dwarf")
    with open_readable(path) as source:
        found = objects.read(source)
    assert found is not None
    assert found.split
    lines = {one.line for one in found.references[b"fail"]}
    assert len(lines) > 3
    assert None not in lines


@pytest.mark.parametrize("flags", [("-O2", "-g"), ("-O2", "-gdwarf-4"), ("-O1", "-g1")])
def test_clang(tmp_path: Path, flags: tuple[str, ...]) -> None:
    (tmp_path / "unit.c").write_text(PLAIN)
    out = tmp_path / "unit.o"
    zig = (zig_program(), "cc", "-target", "x86_64-linux-gnu", "-fno-sanitize=all")
    run(*zig, "-c", *flags, tmp_path / "unit.c", "-o", out)
    found = references(out)
    theirs = addr2line(out, [offset for _, offset, _ in found], ".text")
    assert [chain(place) for *_, place in found] == theirs
    assert max(map(len, theirs)) == 2


@pytest.mark.parametrize(
    "target",
    [
        "aarch64-linux-gnu",
        "x86-linux-gnu",
        "s390x-linux-gnu",
        "aarch64-macos",
        "x86_64-windows-gnu",
    ],
)
def test_other_machines_and_formats(tmp_path: Path, target: str) -> None:
    (tmp_path / "unit.c").write_text(PLAIN)
    out = tmp_path / "unit.o"
    zig = (zig_program(), "cc", "-target", target, "-fno-sanitize=all")
    run(*zig, "-c", "-O2", "-gdwarf", tmp_path / "unit.c", "-o", out)
    with open_readable(out) as source:
        found = objects.read(source)
    assert found is not None
    assert calls(found, b"fail") == {("checked", 3, "f", 6), ("checked", 3, "g", 8)}
    assert calls(found, b"ext2") == {("f", 6)}


def calls(found: ObjectFile, name: bytes) -> set[tuple[str | int, ...]]:
    return {
        tuple(part for function, _, line in chain(one.place) for part in (function, line))
        for one in found.references[name]
    }


@pytest.mark.parametrize(
    "flags", [("-O2", "-g"), ("-O3", "-gdwarf-4"), ("-O2", "-g", "-flto")], ids=" ".join
)
def test_chains_of_a_linked_library(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Every address that a sample of instructions stands at, against both oracles."""
    (tmp_path / "unit.cpp").write_text(SOURCE)
    (tmp_path / "more.cpp").write_text(SOURCE.replace("entry", "more").replace("mine", "ours"))
    out = tmp_path / "unit.so"
    both = (tmp_path / "unit.cpp", tmp_path / "more.cpp")
    run("g++", "-shared", "-fPIC", *flags, *both, "-o", out)
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "-j", ".text", str(out)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    heads = (line.partition(":")[0].strip() for line in text.splitlines() if ":\t" in line)
    addresses = [int(head, 16) for head in heads]
    chosen = sorted(random.Random(4).sample(addresses, 400))
    with open_readable(out) as source:
        data = debug_data(source, section_table(source), lambda _section: None, {}, linked=True)
        assert data is not None
        found = Places(data).at(chosen)
    mine = [chain(found.get(address)) for address in chosen]
    known = [number for number, each in enumerate(mine) if each]
    assert len(known) > 300
    theirs = addr2line(out, chosen)
    others = llvm_symbolizer(out, chosen) or theirs
    if "-flto" in flags:  # of functions that were merged, each tool names another one
        mine, theirs, others = map(only_lines, (mine, theirs, others))
    for number in known:
        assert agree(mine[number], theirs[number]) or agree(mine[number], others[number]), hex(
            chosen[number]
        )
    same = sum(agree(mine[number], theirs[number]) for number in known)
    assert same > 0.98 * len(known)  # each oracle has its own mistakes


def only_lines(chains: list[Chain]) -> list[Chain]:
    return [tuple(("", "", line) for *_, line in each) for each in chains]


@pytest.mark.slow
def test_damage_gives_a_result_or_a_format_error(tmp_path: Path) -> None:
    """Thousands of damaged debug sections, of an object file and of a library."""
    endings = {"read": 0, "refused": 0, "placed": 0}
    seeds = [
        compiled(tmp_path, "-O2", "-g").read_bytes(),
        compiled(tmp_path, "-O1", "-gdwarf-4").read_bytes(),
        compiled(tmp_path, "-O1", "-g", "-gz").read_bytes(),
    ]
    for number, seed in enumerate(seeds):
        table = section_table(BytesReadable(seed))
        debug = [one for one in table.sections if one.name.startswith(b".debug_") and one.size]
        chance = random.Random(number)
        for _ in range(700):
            data = bytearray(seed)
            for _ in range(chance.choice((1, 2, 8, 40))):
                one = chance.choice(debug)
                at = one.offset + chance.randrange(min(one.size, chance.choice((64, one.size))))
                if chance.random() < 0.5:
                    data[at] ^= 1 << chance.randrange(8)
                else:
                    extreme = chance.choice((0, 1, 0x7F, 0x80, 0xFF, 0xFFFFFFFF, 0x7FFFFFFF))
                    size = 1 if extreme < 256 else 4
                    data[at : at + size] = extreme.to_bytes(size, "little")
            start = perf_counter()
            try:
                found = objects.read(BytesReadable(bytes(data)))
            except FormatError:
                endings["refused"] += 1
            else:
                assert found is not None
                endings["read"] += 1
                endings["placed"] += any(one.place for one in found.references[b"ext"])
            assert perf_counter() - start < 20
    assert endings["read"] > 1000
    assert endings["placed"] > 500
