"""Fingerprints of binaries: the same source built with other names, flags and tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.toolchain import TORCH, zig
from tests.support.toolchain import gcc as plain_gcc
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = """
#ifdef __APPLE__  // as libc++ spells its strings, and as libstdc++ does
namespace std { inline namespace __1 { struct string; } }
typedef long long int64_t;
#else
namespace std { inline namespace __cxx11 { struct string; } }
typedef long int64_t;
#endif
extern std::string const& text() __asm__("text");
namespace c10 { struct Device { int index; }; void check(Device, std::string const&, int64_t); }
namespace at { struct Tensor { void* p; Tensor add(Tensor const&, int64_t) const; }; }
extern "C" void torch_call_dispatcher();
extern "C" void aoti_torch_not_known_yet();
extern "C" void* PyInit__C() {
  at::Tensor t{nullptr};
  c10::check({0}, text(), 3);
  torch_call_dispatcher();
  aoti_torch_not_known_yet();
  return t.add(t, 4).p;
}
"""
GROWN = SOURCE.replace("void check(", "void warn(); void check(").replace(
    "c10::check({0}, text(), 3);", "c10::check({0}, text(), 3); c10::warn();"
)
FIRST, CHANGED = "first", "changed"


def gcc(source: str, out: Path, *flags: str, lang: str) -> Path:
    return plain_gcc(source, out, *flags, lang=lang, torch=TORCH)


def first(root: Path) -> Path:
    return gcc(SOURCE, root / "ops" / "_C.cpython-311-x86_64-linux-gnu.so", "-O0", "-g", lang="c++")


def results(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], Any]:
    main([str(folder / "ops"), "--check", "all", "--format", "json"])
    found = json.loads(capsys.readouterr().out)["results"]
    apart = "T107"  # what zig builds is linked to no torch
    return {(one["rule"], one["fingerprint"]): one for one in found if one["rule"] != apart}


def stripped(root: Path) -> Path:
    name = "_C.cpython-313-aarch64-linux-gnu.so"
    return gcc(SOURCE, root / "ops" / name, "-O2", "-s", "-fvisibility=hidden", lang="c++")


def tagged(root: Path) -> Path:
    return gcc(SOURCE, root / "ops" / "_C.abi3.so", "-Os", "-Wl,--gc-sections", lang="c++")


def hashed(root: Path) -> Path:
    return gcc(SOURCE, root / "ops" / "_C-0a1b2c3d.so.1", "-O1", lang="c++")


def other_machine(root: Path) -> Path:
    out = root / "ops" / "_C.cpython-311-aarch64-linux-gnu.so"
    return zig(SOURCE, out, "aarch64-linux-gnu", "-O2", "-nostdlib++", lang="c++")


def mac(root: Path) -> Path:
    out = root / "ops" / "_C.cpython-312-darwin.so"
    flags = ("-undefined", "dynamic_lookup", "-nostdlib++")
    return zig(SOURCE, out, "aarch64-macos", *flags, lang="c++")


@pytest.mark.parametrize("rebuild", [stripped, tagged, hashed, other_machine, mac])
def test_a_rebuild_has_the_same_fingerprints_and_passes_the_baseline(
    rebuild: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first(tmp_path / FIRST)
    rebuild(tmp_path / CHANGED)
    before, after = results(tmp_path / FIRST, capsys), results(tmp_path / CHANGED, capsys)
    assert {rule for rule, _ in before} == {"P202", "T101", "T104"}
    # an abi3 name is a change of its own; every other finding is the same one
    assert {one for one in before if one[0] != "P202"} <= set(after)

    baseline = str(tmp_path / "b.json")
    assert main([str(tmp_path / FIRST / "ops"), "--select", "T", "--write-baseline", baseline]) == 0
    assert json.loads((tmp_path / "b.json").read_text())["entries"][0]["symbols"]
    words = [str(tmp_path / CHANGED / "ops"), "--select", "T", "--baseline", baseline]
    words += ["--ignore", "T107"]
    assert main(words) == 0, capsys.readouterr().err


def test_what_the_source_gained_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first(tmp_path / FIRST)
    baseline = str(tmp_path / "b.json")
    main([str(tmp_path / FIRST / "ops"), "--select", "T", "--write-baseline", baseline])
    gcc(GROWN, tmp_path / CHANGED / "ops" / "_C.abi3.so", "-O2", lang="c++")
    words = [str(tmp_path / CHANGED / "ops"), "--select", "T", "--baseline", baseline]
    assert main(words) == 1
    assert "_C.abi3.so: c10::warn()\n" in capsys.readouterr().err
