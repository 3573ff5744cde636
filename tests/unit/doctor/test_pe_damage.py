"""Damaged DLLs, circles and long chains: the simulation of the Windows loader ends, and says so."""

from __future__ import annotations

import random
import struct
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.pe_files import dll
from torch_abi_audit.doctor import pe
from torch_abi_audit.doctor.process import Failure, Refusal

if TYPE_CHECKING:
    from pathlib import Path

LENGTH = 3_000
"""Of chains: three times as many as Python's limit of recursion."""
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def opened(path: Path | str) -> tuple[Failure | None, pe.PEProcess]:
    process = pe.process("", {})
    return process.open(str(path)), process


@pytest.mark.slow
def test_a_chain_as_long_as_may_be(tmp_path: Path) -> None:
    for index in range(LENGTH):
        needed = {f"{index + 1}.dll".encode(): [b"x"]} if index + 1 < LENGTH else None
        write(tmp_path / f"{index}.dll", dll(imports=needed, exported=[b"x"]))
    failure, process = opened(tmp_path / "0.dll")
    assert failure is None
    assert len(process.opened) == LENGTH
    (tmp_path / f"{LENGTH - 1}.dll").unlink()
    failure, process = opened(tmp_path / "0.dll")
    assert failure is not None
    assert failure.library == f"{LENGTH - 1}.dll"
    assert not process.opened


def test_dlls_in_a_circle(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        needed = {f"{other}.dll".encode(): [b"x"], f"{name}.dll".encode(): [b"x"]}
        write(tmp_path / f"{name}.dll", dll(imports=needed, exported=[b"x"]))
    failure, process = opened(tmp_path / "a.dll")
    assert failure is None
    assert len(process.opened) == 3
    lacks = dll(imports={b"a.dll": [b"x", b"gone"]}, exported=[b"x"])
    failure, _ = opened(write(tmp_path / "ext.pyd", lacks))
    assert failure is not None
    assert failure.symbol == "gone"


def test_names_that_are_no_names(tmp_path: Path) -> None:
    for name in (b"..\\x.dll", b"/etc/passwd", b"x" * 5000, b"\xff.dll", b".", b".."):
        data = dll(imports={name: [b"x"]})
        failure, _ = opened(write(tmp_path / "ext.pyd", data))
        assert failure is not None
        assert failure.kind is Refusal.NO_LIBRARY


@pytest.mark.slow
@pytest.mark.parametrize("bits", [32, 64])
def test_damage_by_the_thousand(tmp_path: Path, bits: int) -> None:
    dice = random.Random(bits)
    write(tmp_path / "other.dll", dll(bits=bits, exported=[b"other"]))
    user = dll(bits=bits, imports={b"core.dll": [b"core", 1]})
    top = write(tmp_path / "top.pyd", user)
    core = tmp_path / "core.dll"
    whole = dll(
        bits=bits,
        imports={b"other.dll": [b"other"], b"kernel32.dll": [b"Sleep", 7]},
        delayed={b"gone.dll": [b"gone"]},
        exported=[b"core", b"more"],
        own_name=b"core.dll",
    )
    write(core, whole)
    assert opened(top)[0] is None
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
    assert {"damaged", "loads", "symbol-not-found"} <= outcomes
