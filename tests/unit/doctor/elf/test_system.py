"""What is read from the file of a dynamic loader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.doctor.elf.system import system
from torch_abi_audit.sources import loading

if TYPE_CHECKING:
    from pathlib import Path

DEBIAN = b"/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0"
FEDORA = b"/lib64/\0/usr/lib64/\0"
NIX = b"/nix/store/abc-glibc-2.39-52/lib/\0"
V2 = frozenset(["cx16", "lahf_lm", "popcnt", "pni", "ssse3", "sse4_1", "sse4_2"])
V3 = V2 | frozenset(["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"])
V4 = V3 | frozenset(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "processor", lambda: {"flags": V3})


def loader(home: Path, directories: bytes, release: bytes, more: bytes = b"") -> str:
    """A file with the strings of a dynamic loader."""
    path = home / "ld.so"
    banner = b"ld.so (GNU libc) stable release version " + release + b".\n\0" if release else b""
    parts = [b"\x7fELF", b"/proc/self/exe", b"\0", directories, b"tls\0", banner, b"/usr\0", more]
    path.write_bytes(b"\0".join(parts))
    return str(path)


@pytest.mark.parametrize(
    ("strings", "directories", "lib"),
    [
        (DEBIAN, DEBIAN.decode().split("\0")[:-1], "lib/x86_64-linux-gnu"),
        (FEDORA, ["/lib64/", "/usr/lib64/"], "lib64"),
        (NIX, ["/nix/store/abc-glibc-2.39-52/lib/"], "lib"),
    ],
)
def test_the_built_in_directories(
    strings: bytes, directories: list[str], lib: str, tmp_path: Path
) -> None:
    known = system(loader(tmp_path, strings, b"2.39"), "x86_64")
    assert known.directories == tuple(directories)
    assert known.lib == lib
    assert known.release == (2, 39)
    assert known.unknown == ()


@pytest.mark.usefixtures("on")
def test_the_directories_for_better_processors_came_with_2_33(tmp_path: Path) -> None:
    new = system(loader(tmp_path, FEDORA, b"2.38"), "x86_64")
    assert new.subdirectories == ("glibc-hwcaps/x86-64-v3/", "glibc-hwcaps/x86-64-v2/", "")
    both = system(loader(tmp_path, FEDORA, b"2.36"), "x86_64")
    assert both.subdirectories[:3] == (*new.subdirectories[:2], "tls/x86_64/x86_64/")
    old = system(loader(tmp_path, FEDORA, b"2.31"), "x86_64")
    assert old.subdirectories == both.subdirectories[2:]
    assert old.levels == ()


@pytest.mark.parametrize(
    ("flags", "levels"),
    [
        (frozenset(), []),
        (V2 - {"cx16"}, []),
        (V2, ["x86-64-v2"]),
        (V3 - {"fma"}, ["x86-64-v2"]),
        (V3, ["x86-64-v3", "x86-64-v2"]),
        (V4, ["x86-64-v4", "x86-64-v3", "x86-64-v2"]),
    ],
)
def test_the_levels_of_processors(
    flags: frozenset[str], levels: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "processor", lambda: {"flags": flags})
    known = system(loader(tmp_path, FEDORA, b"2.39"), "x86_64")
    assert known.levels == tuple(levels)
    assert system(loader(tmp_path, FEDORA, b"2.39"), "aarch64").levels == ()


def test_processors_of_intel_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    intel = {"flags": V4, "vendor_id": frozenset({"GenuineIntel"})}
    monkeypatch.setattr(loading, "processor", lambda: intel)
    known = system(loader(tmp_path, FEDORA, b"2.31"), "x86_64")
    assert known.platform == "haswell"
    assert known.subdirectories[0] == "tls/haswell/avx512_1/x86_64/"
    assert known.subdirectories[-3:] == ("avx512_1/", "x86_64/", "")
    assert len(known.subdirectories) == 16


def test_what_is_not_in_the_file_is_not_known(tmp_path: Path) -> None:
    known = system(str(tmp_path / "none"), "x86_64")
    assert len(known.unknown) == 3
    known = system(loader(tmp_path, b"", b"2.39"), "x86_64")
    assert ["default directories" in each for each in known.unknown] == [True]
    known = system(loader(tmp_path, NIX, b""), "x86_64")
    assert ["release" in each for each in known.unknown] == [True]


def test_the_release_may_be_in_the_c_library(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    text = b"GNU C Library (Ubuntu GLIBC 2.31-0ubuntu9) stable release version 2.31.\n"
    (tmp_path / "lib" / "libc.so.6").write_bytes(b"\x7fELF" + text)
    known = system(loader(tmp_path, f"{tmp_path}/lib/\0".encode(), b""), "x86_64")
    assert known.release == (2, 31)
    assert known.unknown == ()


def test_a_cache_elsewhere(tmp_path: Path) -> None:
    from tests.unit.doctor.elf.test_cache import X86_64, cache

    (tmp_path / "ld.so.cache").write_bytes(cache([("liba.so", "/lib/liba.so", X86_64, 0)]))
    more = f"\0{tmp_path}/ld.so.cache\0{tmp_path}/ld.so.preload\0".encode()
    known = system(loader(tmp_path, NIX, b"2.39", more), "x86_64")
    assert known.cache.find("liba.so", ()) == "/lib/liba.so"
    assert known.preload == f"{tmp_path}/ld.so.preload"
