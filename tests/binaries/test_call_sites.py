"""Where linked libraries refer to what they import, compared with a disassembler."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.toolchain import zig_program
from torch_abi_audit.cli import main
from torch_abi_audit.formats.elf.call_sites import call_sites
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable, open_readable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch_abi_audit.formats.object_file import Reference

NAMES = frozenset({b"ext", b"ext2", b"fail"})
SOURCE = """\
extern int ext(int); extern void fail(const char *); extern int ext2(int);
static inline int checked(int x) {
  if (x < 0)
    fail("negative");
  return ext(x) + 1; }
int f(int x) {
  return checked(x) + ext2(x); }
int tail(int x) {
  if (x)
    return ext(x);
  return ext2(x + 1); }
int (*table[])(int) = { ext, ext2 };
int (*get(void))(int) {
  return ext2; }
"""


def run(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def built(directory: Path, *flags: str, source: str = SOURCE) -> Path:
    (directory / "unit.c").write_text(source)
    out = directory / "unit.so"
    run("gcc", "-shared", "-fPIC", *flags, directory / "unit.c", "-o", out)
    return out


def found(path: Path, names: frozenset[bytes] = NAMES) -> Mapping[bytes, tuple[Reference, ...]]:
    with open_readable(path) as source:
        sites = call_sites(source, names)
    assert sites is not None
    return sites


def disassembled(path: Path) -> Counter[str]:
    """References of instructions, outside of stubs, to each name."""
    slots = {}
    for line in run("readelf", "-rW", path).splitlines():
        match = re.match(r"([0-9a-f]{16})\s+\S+\s+\S+(?:GLOB_DAT|JUMP_SLO\w*)\s+\S+\s+(\w+)", line)
        if match:
            slots[int(match[1], 16)] = match[2]
    counted: Counter[str] = Counter()
    section = ""
    for line in run("objdump", "-d", "--no-show-raw-insn", path).splitlines():
        if line.startswith("Disassembly"):
            section = line.split()[-1]
        elif not section.startswith(".plt"):
            stub = re.search(r"<(\w+)(?:@[\w.]+)?@plt>\s*$", line)
            slot = re.search(r"# ([0-9a-f]+) <", line)
            if stub:
                counted[stub[1]] += 1
            elif slot and int(slot[1], 16) in slots:
                counted[slots[int(slot[1], 16)]] += 1
    return counted


@pytest.mark.parametrize(
    "flags",
    [
        ("-O2", "-g"),
        ("-O0", "-g"),
        ("-O2", "-g", "-fno-plt"),
        ("-O2", "-g", "-fcf-protection=full", "-Wl,-z,ibtplt"),
        ("-O2", "-g", "-Wl,-z,now"),
        ("-O2", "-g", "-gz", "-ffunction-sections", "-Wl,--gc-sections"),
        ("-O2", "-gdwarf-4", "-flto"),
    ],
    ids=" ".join,
)
def test_references_are_those_of_a_disassembler(tmp_path: Path, flags: tuple[str, ...]) -> None:
    path = built(tmp_path, *flags)
    mine = found(path)
    expected = disassembled(path)
    for name in NAMES:
        code = sum(one.count for one in mine[name] if one.place is not None)
        assert code == expected[name.decode()] > 0, name
        data = sum(one.count for one in mine[name] if one.place is None)
        assert data == (0 if name == b"fail" else 1), "the table of functions"


LINES = {
    b"fail": {(("checked", 4), ("f", 7))},
    b"ext": {(("checked", 5), ("f", 7)), (("tail", 10),)},
    b"ext2": {(("f", 7),), (("tail", 11),), (("get", 14),)},
}


def lines(sites: Mapping[bytes, tuple[Reference, ...]]) -> dict[bytes, set[Any]]:
    return {
        name: {
            tuple(((frame.function or b"").decode(), frame.line) for frame in one.place.frames)
            for one in each
            if one.place is not None
        }
        for name, each in sites.items()
    }


def test_chains_of_calls(tmp_path: Path) -> None:
    assert lines(found(built(tmp_path, "-O2", "-g"))) == LINES


@pytest.mark.parametrize("target", ["x86_64-linux-gnu", "aarch64-linux-gnu"])
@pytest.mark.parametrize("flags", [(), ("-fno-plt",)], ids=["stubs", "slots"])
def test_what_lld_links(tmp_path: Path, target: str, flags: tuple[str, ...]) -> None:
    (tmp_path / "unit.c").write_text(SOURCE)
    out = tmp_path / "unit.so"
    zig = (zig_program(), "cc", "-target", target, "-fno-sanitize=all", "-shared", "-fPIC")
    run(*zig, "-O1", "-fno-optimize-sibling-calls", "-g", *flags, tmp_path / "unit.c", "-o", out)
    assert lines(found(out)) == LINES


def test_without_debug_information_nothing_is_read(tmp_path: Path) -> None:
    for path in (built(tmp_path, "-O2"), built(tmp_path, "-O2", "-g", "-s")):
        with open_readable(path) as source:
            assert call_sites(source, NAMES) is None


TORCH = """\
void check(const char *, const char *, unsigned, const char *)
    __asm__("_ZN3c106detail14torchCheckFailEPKcS2_jS2_");
static inline void positive(int x) {
  if (x < 0)
    check("f", "unit.c", 4, "x"); }
int use(int x) {
  positive(x);
  return x; }
"""


def test_a_plan_of_a_library_names_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = built(tmp_path, "-O2", "-g", source=TORCH)
    assert main(["port", str(path), "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["apis"]
    assert (item["api"], item["uses"], item["uses_in_own_source"]) == ("TORCH_CHECK", 1, 1)
    (site,) = item["sites"]
    assert (site["function"], site["line"]) == ("positive", 5)
    assert site["source"] == str(tmp_path / "unit.c")
    path = built(tmp_path, "-O2", source=TORCH)
    assert main(["port", str(path), "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["apis"]
    assert (item["uses"], item["uses_in_own_source"], item["sites"]) == (1, None, [])


@pytest.mark.slow
def test_damage_gives_sites_or_a_format_error(tmp_path: Path) -> None:
    seed = built(tmp_path, "-O2", "-g").read_bytes()
    endings: Counter[str] = Counter()
    chance = random.Random(7)
    for _ in range(2500):
        data = bytearray(seed)
        if chance.random() < 0.1:
            del data[chance.randrange(len(data)) :]
        for _ in range(chance.randrange(1, 9) if data else 0):
            at = chance.randrange(len(data))
            if chance.random() < 0.4:  # the tables stand at both ends of the file
                at = chance.choice((chance.randrange(1024), len(data) - 1 - chance.randrange(2400)))
            data[at % len(data)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
        try:
            endings[str(call_sites(BytesReadable(bytes(data)), NAMES) is None)] += 1
        except FormatError:
            endings["refused"] += 1
    assert endings["False"] > 200
    assert endings["refused"] > 50
