"""Build directories on the command line: the libtorch symbols of each translation unit."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.toolchain import zig_program
from torch_abi_audit.cli import main
from torch_abi_audit.port.translation_units import units
from torch_abi_audit.sources.files.build_tree import build_files

HEADER = """\
namespace c10 {
namespace detail { void torchCheckFail(const char*, const char*, unsigned int, const char*); }
struct TensorImpl { int n; __attribute__((noinline)) int numel() {
  if (!n) detail::torchCheckFail("numel", "TensorImpl.h", 3, "");
  return n;
} };
struct Half { int bits; __attribute__((noinline)) int value() { return bits; } };
}
"""
UNSTABLE = """\
#include <c10/core/TensorImpl.h>
namespace mine { int shared(int); }
int first(int x) {
  c10::detail::torchCheckFail("first", "a.cpp", 4, "");
  c10::TensorImpl t{x};
  return t.numel() + mine::shared(x);
}
"""
MIGRATED = """\
extern "C" int torch_call_dispatcher(int);
namespace mine { int shared(int x) { return torch_call_dispatcher(x); } }
"""
LEFTOVER = """\
#include <c10/core/TensorImpl.h>
extern "C" int torch_call_dispatcher(int);
namespace c10 { struct Storage { __attribute__((noinline)) int f(int x) { return x; } }; }
int third(int x) {
  c10::Half h{x};
  c10::Storage s;
  return torch_call_dispatcher(h.value()) + s.f(x);
}
"""


def compiled(directory: Path, files: dict[str, str], *flags: str) -> Path:
    include = directory / "site-packages" / "torch" / "include"
    header = include / "c10" / "core" / "TensorImpl.h"
    header.parent.mkdir(parents=True, exist_ok=True)
    header.write_text(HEADER)
    for name, text in files.items():
        out = directory / "build" / name
        out.parent.mkdir(parents=True, exist_ok=True)
        source = directory / "csrc" / f"{out.name.split('.')[0]}.cpp"
        source.parent.mkdir(exist_ok=True)
        source.write_text(text)
        subprocess.run(
            ["g++", "-c", "-O0", "-g", f"-I{include}", *flags, source, "-o", out], check=True
        )
    return directory / "build"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build directory with the layouts of CMake and setuptools."""
    return compiled(
        tmp_path,
        {
            "CMakeFiles/mine.dir/csrc/a.cpp.o": UNSTABLE,
            "CMakeFiles/mine.dir/csrc/b.cpp.o": MIGRATED,
            "temp.linux-x86_64-cpython-311/csrc/c.o": LEFTOVER,
            "CMakeFiles/CompilerIdCXX/probe.o": UNSTABLE,
        },
    )


def port(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, dict[str, Any]]:
    code = main(["port", *map(str, words), "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, document


def test_every_unit_by_itself(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, plan = port(capsys, build)
    assert code == 0
    assert plan["object_files"] is True
    assert [(one["name"], one["state"], one["unstable"]) for one in plan["files"]] == [
        ("CMakeFiles/mine.dir/csrc/a.cpp.o", "UNSTABLE", 1),
        ("CMakeFiles/mine.dir/csrc/b.cpp.o", "STABLE", 0),
        ("temp.linux-x86_64-cpython-311/csrc/c.o", "STABLE", 0),
    ]
    (check,) = plan["apis"]
    assert (check["api"], check["uses"], check["uses_in_own_source"]) == ("TORCH_CHECK", 2, 1)
    own, inlined = check["sites"]
    assert (own["function"], own["line"], own["own_source"]) == ("first(int)", 4, True)
    assert Path(own["source"]).name == "a.cpp"
    assert (inlined["function"], inlined["line"]) == ("c10::TensorImpl::numel()", 4)
    assert inlined["own_source"] is False
    assert plan["files"][0]["last_to_need"] == check["symbols"]


def test_unstable_headers_show_though_nothing_unstable_is_used(
    build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, plan = port(capsys, build)
    evidence = {one["name"]: one["header_evidence"] for one in plan["files"]}
    assert evidence["temp.linux-x86_64-cpython-311/csrc/c.o"] == ["c10::Storage::f(int)"]
    assert evidence["CMakeFiles/mine.dir/csrc/b.cpp.o"] == []
    assert [one["what"] for one in plan["could_be_dropped"]] == ["includes of unstable headers"]


def test_progress_shows_while_the_library_stays_unstable(
    tmp_path: Path, build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = {"temp.linux-x86_64-cpython-311/csrc/d.o": UNSTABLE.replace("first", "fourth")}
    compiled(tmp_path, extra)
    saved = tmp_path / "saved.json"
    assert main(["port", str(build), "--json"]) == 0
    saved.write_text(capsys.readouterr().out)
    compiled(tmp_path, dict.fromkeys(extra, MIGRATED.replace("shared", "other")))
    _, plan = port(capsys, build, "--since", saved)
    assert plan["verdict"] == "UNSTABLE"
    assert plan["since"]["gone"] == []
    assert plan["since"]["files"] == [
        {"name": "temp.linux-x86_64-cpython-311/csrc/d.o", "before": 1, "now": 0}
    ]
    assert main(["port", str(build), "--since", str(saved)]) == 0
    assert "    temp.linux-x86_64-cpython-311/csrc/d.o: 1 -> 0" in capsys.readouterr().out


def test_archives_in_a_tree_are_not_counted_twice(
    build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objects = sorted(build.rglob("*.cpp.o"))
    subprocess.run(["ar", "rcs", build / "libmine.a", *objects], check=True)
    _, plan = port(capsys, build)
    assert len(plan["files"]) == 3
    assert any("counted only once" in note for note in plan["notes"])
    _, alone = port(capsys, build / "libmine.a")
    assert [one["name"] for one in alone["files"]] == ["libmine.a(a.cpp.o)", "libmine.a(b.cpp.o)"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00", "cut short"),
        (b"BC\xc0\xde" + bytes(64), "bitcode"),
        (b"no object at all", "not ELF, Mach-O, COFF"),
        (b"!<thin>\n", "thin archive"),
    ],
)
def test_what_cannot_be_read_is_an_error(
    build: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    (build / "broken.o").write_bytes(content)
    code, plan = port(capsys, build)
    assert code == 2
    assert plan["verdict"] == "ERROR"
    broken = next(one for one in plan["files"] if one["name"] == "broken.o")
    assert words in broken["error"]
    assert len(plan["files"]) == 4


def test_single_files_and_windows_objects(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "w.cpp"
    source.write_text(
        "namespace c10 { namespace detail { __declspec(dllimport) void torchCheckFail("
        "const char*, const char*, unsigned int, const char*); } }\n"
        'void f() { c10::detail::torchCheckFail("", "", 1, ""); }\n'
    )
    out = tmp_path / "w.obj"
    command = [zig_program(), "c++", "-target", "x86_64-windows-msvc", "-c"]
    subprocess.run([*command, "-fno-sanitize=all", source, "-o", out], check=True)
    code, plan = port(capsys, out)
    assert code == 0
    assert [item["api"] for item in plan["apis"]] == ["TORCH_CHECK"]


def test_a_directory_without_objects_is_a_package(tmp_path: Path) -> None:
    (tmp_path / "libx.a").write_bytes(b"!<arch>\n")
    (tmp_path / "x.py").write_text("")
    assert build_files(str(tmp_path)) == ()
    assert build_files("json") == ()
    assert [one.relative for one in build_files(str(tmp_path / "libx.a"))] == ["libx.a"]
    assert units(build_files(str(tmp_path / "libx.a")))[0] == ()


def test_universal_objects_and_windows_archives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "u.cpp"
    source.write_text(
        "namespace c10 { namespace detail { void torchCheckFail("
        "const char*, const char*, unsigned int, const char*); } }\n"
        'void f() { c10::detail::torchCheckFail("", "", 1, ""); }\n'
    )
    zig = [zig_program()]
    slices = []
    for target in ("x86_64-macos", "aarch64-macos", "x86_64-windows-msvc"):
        out = tmp_path / f"{target}.obj"
        command = [*zig, "c++", "-target", target, "-c", "-fno-sanitize=all", source, "-o", out]
        subprocess.run(command, check=True)
        slices.append(out)
    subprocess.run([*zig, "lib", f"/out:{tmp_path / 'w.lib'}", slices[2]], check=True)
    _, plan = port(capsys, tmp_path / "w.lib")
    assert [(one["name"].startswith("w.lib("), one["unstable"]) for one in plan["files"]] == [
        (True, 1)
    ]
    fat, at = struct.pack(">II", 0xCAFEBABE, 2), 4096
    images = [one.read_bytes() for one in slices[:2]]
    for cpu, image in zip(((0x01000007, 3), (0x0100000C, 0)), images, strict=True):
        fat += struct.pack(">iiIII", *cpu, at, len(image), 12)
        at += 16384
    data = bytearray(fat.ljust(4096, b"\0"))
    for number, image in enumerate(images):
        data[4096 + number * 16384 : 4096 + number * 16384] = image.ljust(16384, b"\0")
    (tmp_path / "fat.o").write_bytes(data)
    code, plan = port(capsys, tmp_path / "fat.o")
    assert code == 0
    assert [(one["name"], one["unstable"]) for one in plan["files"]] == [
        ("fat.o[1]", 1),
        ("fat.o[2]", 1),
    ]


def test_a_plan_of_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.a").write_bytes(b"!<arch>\n")
    assert main(["port", str(tmp_path / "empty.a")]) == 0
    said = capsys.readouterr().out
    assert "no library or object file uses torch" in said
    assert "contain no object files" in said


def test_what_the_build_defines_itself_is_not_torchs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uses = "namespace at { int of_the_project(int); } int f() { return at::of_the_project(1); }"
    build = compiled(tmp_path, {"uses.o": uses})
    _, alone = port(capsys, build)
    assert alone["unstable_symbols"] == 1
    compiled(tmp_path, {"defines.o": "namespace at { int of_the_project(int x) { return x; } }"})
    _, together = port(capsys, build)
    assert together["unstable_symbols"] == 0
    assert together["verdict"] == "NO-TORCH"


INLINED = """\
#include <c10/core/TensorImpl.h>
#include <torch/mine.h>
namespace {
int helper(int x) {
  c10::Checked c{x};
  return c.get(); }
}
int outer(int x) {
  auto twice = [](int y) {
    return mine::doubled(y); };
  return helper(x) + helper(x + 1) + twice(x); }
"""
MINE_H = """\
namespace mine { inline int doubled(int x) {
  c10::Checked c{x + x};
  return c.get(); } }
"""
CHECKED = (
    HEADER
    + """\
namespace c10 { struct Checked { int n; inline int get() {
  if (n < 0) detail::torchCheckFail("get", "TensorImpl.h", 12, "");
  return n; } }; }
"""
)


@pytest.mark.parametrize(
    "flags", [("-O2", "-g"), ("-O2", "-g1"), ("-O3", "-gdwarf-4"), ("-O2", "-g", "-gz")]
)
def test_a_use_in_a_header_is_placed_where_the_project_calls_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...]
) -> None:
    """The project has an ``include/torch`` of its own, and runs the compiler in its directory."""
    torch = tmp_path / "site-packages" / "torch" / "include"
    for directory, name, text in (
        (torch / "c10" / "core", "TensorImpl.h", CHECKED),
        (tmp_path / "proj" / "include" / "torch", "mine.h", MINE_H),
        (tmp_path / "proj" / "csrc", "a.cpp", INLINED),
    ):
        directory.mkdir(parents=True)
        (directory / name).write_text(text)
    project = tmp_path / "proj"
    command = ["g++", "-c", *flags, f"-I{torch}", "-Iinclude", "csrc/a.cpp", "-o", "a.o"]
    subprocess.run(command, check=True, cwd=project)
    _, plan = port(capsys, project / "a.o")
    (item,) = plan["apis"]
    assert item["uses"] == item["uses_in_own_source"]
    places = {(Path(one["source"]).name, one["line"]) for one in item["sites"]}
    assert places == {("a.cpp", 6), ("mine.h", 3)}
    assert all(one["source"].startswith(str(project)) for one in item["sites"])


def test_split_debug_information_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = compiled(tmp_path, {"a.o": UNSTABLE}, "-O2", "-gsplit-dwarf")
    _, plan = port(capsys, build)
    assert any("-gsplit-dwarf" in note for note in plan["notes"])
