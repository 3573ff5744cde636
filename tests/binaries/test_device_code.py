"""CUDA device code in a library, and whether the CUDA runtime is statically linked."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from tests.support.sources import source
from tests.support.toolchain import gcc, zig
from torch_abi_audit import inspect_package
from torch_abi_audit.cli import main
from torch_abi_audit.formats import read
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from pathlib import Path

# as nvcc lays it down: the section's name is all that matters here
DEVICE_CODE = '__attribute__((section("%s"), used)) static const int kernels[4] = {1, 2, 3, 4};\n'
REGISTERS = "__cudaRegisterFatBinary"


def carries(path: Path) -> bool:
    with open_readable(path) as opened:
        images = read(opened)
    assert not isinstance(images, NotALibrary)
    return images[0].device_code is not None


@pytest.mark.parametrize("section", [".nv_fatbin", ".nvFatBinSegment"])
def test_elf(tmp_path: Path, section: str) -> None:
    path = gcc(DEVICE_CODE % section + source(), tmp_path / "with.so")
    assert carries(path)
    assert not carries(gcc(source(), tmp_path / "without.so"))
    assert not carries(gcc(DEVICE_CODE % ".nv_other" + source(), tmp_path / "other.so"))
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 40, 0)  # e_shoff: nothing is left to tell
    (tmp_path / "stripped.so").write_bytes(data)
    assert not carries(tmp_path / "stripped.so")


def test_a_damaged_section_table_is_no_error(tmp_path: Path) -> None:
    data = bytearray(gcc(DEVICE_CODE % ".nv_fatbin" + source(), tmp_path / "x.so").read_bytes())
    struct.pack_into("<Q", data, 40, len(data) * 2)  # e_shoff
    (tmp_path / "y.so").write_bytes(data)
    assert not carries(tmp_path / "y.so")


def test_pe(tmp_path: Path) -> None:
    flags = ("-nostdlib",)
    text = "int DllMainCRTStartup(void *a, unsigned b, void *c) { return 1; }\n"
    made = DEVICE_CODE % ".nv_fatb" + text
    assert carries(zig(made, tmp_path / "with.dll", "x86_64-windows-gnu", *flags))
    assert not carries(zig(text, tmp_path / "without.dll", "x86_64-windows-gnu", *flags))


def test_a_runtime_that_is_linked_in_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info = tmp_path / "demo-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
    gcc(DEVICE_CODE % ".nv_fatbin" + source(), tmp_path / "demo" / "linked_in.so")
    gcc(DEVICE_CODE % ".nv_fatbin" + source([REGISTERS]), tmp_path / "demo" / "elsewhere.so")
    gcc(source(), tmp_path / "demo" / "without.so")
    (info / "RECORD").write_text("".join(f"demo/{n}.so,,\n" for n in ("linked_in", "elsewhere")))
    report = inspect_package(tmp_path / "demo")
    assert report.cuda is not None
    assert report.cuda.static == ("linked_in.so",)
    main([str(tmp_path / "demo"), "-v"])
    lines = capsys.readouterr().out.splitlines()
    at = next(n for n, line in enumerate(lines) if "linked_in.so" in line)
    assert lines[at + 1] == "        note: the CUDA runtime is statically linked"
    assert sum("CUDA runtime" in line for line in lines) == 1
