"""Damaged libraries of macOS, circles and long chains: the simulation of dyld ends, and says so."""

from __future__ import annotations

import random
import struct
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.macho_files import (
    BUNDLE,
    LOAD,
    REEXPORT,
    UPWARD,
    WEAK,
    Symbol,
    binds,
    chained,
    dylib,
    image,
    lazy_binds,
    text,
    trie,
)
from torch_abi_audit.doctor import macho
from torch_abi_audit.doctor.process import Failure, Refusal

if TYPE_CHECKING:
    from pathlib import Path

RPATH, ID = 0x8000001C, 0xD
LENGTH = 3_000
"""Of chains: three times as many as Python's limit of recursion."""
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def linked(name: str, tag: int = LOAD) -> bytes:
    return dylib(f"@loader_path/{name}", tag)


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def opened(path: Path | str) -> tuple[Failure | None, macho.MachOProcess]:
    process = macho.process("", {}, "arm64")
    return process.open(str(path)), process


@pytest.mark.slow
def test_a_chain_as_long_as_may_be(tmp_path: Path) -> None:
    for index in range(LENGTH):
        commands = [linked(f"{index + 1}.dylib")] if index + 1 < LENGTH else []
        write(tmp_path / f"{index}.dylib", image(commands=commands, exports=trie([b"_x"])))
    failure, process = opened(tmp_path / "0.dylib")
    assert failure is None
    assert len(process.opened) == LENGTH
    (tmp_path / f"{LENGTH - 1}.dylib").unlink()
    failure, process = opened(tmp_path / "0.dylib")
    assert failure is not None
    assert failure.library == f"@loader_path/{LENGTH - 1}.dylib"
    assert not process.opened


@pytest.mark.slow
def test_a_chain_of_re_exports(tmp_path: Path) -> None:
    for index in range(LENGTH):
        last = index + 1 == LENGTH
        commands = [] if last else [linked(f"{index + 1}.dylib", REEXPORT)]
        write(tmp_path / f"{index}.dylib", image(commands=commands, exports=trie([b"_x"] * last)))
    ext = write(
        tmp_path / "ext.so",
        image(commands=[linked("0.dylib")], bind=binds((b"_x", 1, 0), (b"_y", 1, 0))),
    )
    failure, _ = opened(ext)
    assert failure is not None
    assert failure.symbol == "y"  # _x is found at the end of the chain


@pytest.mark.parametrize("tag", [LOAD, REEXPORT, UPWARD, WEAK])
def test_libraries_in_a_circle(tmp_path: Path, tag: int) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        commands = [linked(f"{other}.dylib", tag), linked(f"{name}.dylib", tag)]
        write(
            tmp_path / f"{name}.dylib",
            image(commands=commands, exports=trie([b"_" + name.encode()])),
        )
    ext = write(
        tmp_path / "ext.so",
        image(commands=[linked("a.dylib")], bind=binds((b"_c", 1, 0), (b"_gone", 1, 0))),
    )
    failure, _ = opened(ext)
    assert failure is not None
    assert failure.kind is Refusal.NO_SYMBOL
    assert failure.symbol == ("gone" if tag == REEXPORT else "c")


def test_re_exported_symbols_in_a_circle(tmp_path: Path) -> None:
    """``_x`` of each library is said to be ``_x`` of the other."""
    payload = b"\x08\x01\0"
    blob = b"\0\x01_x\0\x06" + bytes([len(payload)]) + payload + b"\0"
    for name, other in (("a", "b"), ("b", "a")):
        write(tmp_path / f"{name}.dylib", image(commands=[linked(f"{other}.dylib")], exports=blob))
    ext = image(commands=[linked("a.dylib")], bind=binds((b"_x", 1, 0)))
    failure, _ = opened(write(tmp_path / "ext.so", ext))
    assert failure is not None
    assert failure.symbol == "x"


def test_a_bundle_is_not_linked_to(tmp_path: Path) -> None:
    write(tmp_path / "b.so", image(kind=BUNDLE))
    failure, _ = opened(write(tmp_path / "ext.so", image(commands=[linked("b.so")])))
    assert failure is not None
    assert f"(cannot link against bundle '{tmp_path}/b.so')" in failure.text


def test_names_that_are_no_paths(tmp_path: Path) -> None:
    names = ["", "@rpath/", "@rpath", "@other/x", "x" * 5000, "\udcff/x", "@executable_path/x", "."]
    for name in names:
        raw = name.encode("utf-8", "surrogateescape")
        command = struct.pack("<II4I", LOAD, 24 + len(raw) + 8 - len(raw) % 8, 24, 2, 0, 0) + raw
        data = image(commands=[command.ljust(struct.unpack_from("<I", command, 4)[0], b"\0")])
        failure, _ = opened(write(tmp_path / "ext.so", data))
        assert failure is not None, name
        assert failure.kind is not Refusal.NO_SYMBOL


def test_chained_fixups_are_bound(tmp_path: Path) -> None:
    write(tmp_path / "core.dylib", image(exports=trie([b"_core"])))
    for weak in (False, True):
        fixups = chained((b"_core", 1, False), (b"_gone", 1, weak))
        ext = image(commands=[linked("core.dylib")], fixups=fixups)
        failure, _ = opened(write(tmp_path / "ext.so", ext))
        assert (failure.symbol if failure else None) == (None if weak else "gone")


def seeds() -> list[bytes]:
    return [
        image(
            commands=[
                *(linked("core.dylib"), linked("other.dylib", REEXPORT), text(ID, "@rpath/ext")),
                text(RPATH, "@loader_path/lib"),
            ],
            symbols=[Symbol(b"_x", 0xF), Symbol(b"_core")],
            bind=binds((b"_core", 1, 0), (b"_flat", -2, 0)),
            lazy_bind=lazy_binds((b"_core", 1, 0)),
            exports=trie([b"_ext", b"_x"]),
        ),
        image(
            commands=[linked("core.dylib"), linked("gone.dylib", WEAK)],
            fixups=chained((b"_core", 1, False), (b"_gone", 2, True)),
            exports=trie([b"_ext"]),
        ),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_damage_by_the_thousand(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    write(tmp_path / "other.dylib", image(exports=trie([b"_other"])))
    user = image(commands=[linked("core.dylib")], bind=binds((b"_ext", 1, 0)))
    top = write(tmp_path / "top.so", user)
    core = tmp_path / "core.dylib"
    whole = seeds()[seed]
    assert opened(write(core, whole))[0] is not None or seed
    outcomes: set[str] = set()
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(0, len(data) - 4)
            data[at : at + 4] = struct.pack("<I", dice.choice(EDGES))
        write(core, bytes(data[: dice.choice((len(data), dice.randrange(len(data))))]))
        begun = time.perf_counter()
        failure, process = opened(top)
        assert time.perf_counter() - begun < 2
        outcomes.add(failure.kind.value if failure else "unknown" if process.unknown else "loads")
    assert {"damaged", "loads"} <= outcomes
