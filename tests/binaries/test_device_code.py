"""CUDA device code in a library, and whether the CUDA runtime is statically linked."""

from __future__ import annotations

import random
import struct
import subprocess
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from tests.support.fatbins import PTX, entry, fatbin, hip, padded, sm
from tests.support.sources import source
from tests.support.toolchain import gcc, zig
from torch_abi_audit import inspect_package
from torch_abi_audit.cli import main
from torch_abi_audit.formats import device_objects, read
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.device_code import DeviceCode
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable, open_readable

if TYPE_CHECKING:
    from pathlib import Path

CUDA = fatbin(*sm(80, 90), entry(PTX, 90))
HIP = padded([hip("gfx942"), hip("gfx942", "gfx1100")], 4096)
REGISTERS = "__cudaRegisterFatBinary"
POINTER = """
struct { int magic, version; const void *data, *more; } %(name)s
    __attribute__((section("%(section)s"), used)) = {%(magic)s, %(version)d, %(symbol)s, 0};
"""


def place(folder: Path, section: str, data: bytes, symbol: str, align: int = 8) -> str:
    """C source that lays down device code in a section, as compilers do."""
    path = folder / f"{symbol}.bin"
    path.write_bytes(data)
    return (
        f'__asm__(".pushsection {section},\\"a\\"\\n.balign {align}\\n{symbol}:\\n'
        f'.incbin \\"{path}\\"\\n.popsection\\n");\n'
        f'extern const char {symbol}[] __attribute__((visibility("hidden")));\n'
    )


def record(symbol: str, *, version: int = 1, hip: bool = False) -> str:
    return POINTER % {
        "name": "record_of_" + symbol.partition(" ")[0] + str(len(symbol)),
        "section": ".hipFatBinSegment" if hip else ".nvFatBinSegment",
        "magic": "0x48495046" if hip else "0x466243b1",
        "version": version,
        "symbol": symbol,
    }


def code(path: Path) -> DeviceCode | None:
    with open_readable(path) as opened:
        images = read(opened)
    assert not isinstance(images, NotALibrary)
    return images[0].device_code


def targets(found: DeviceCode | None) -> tuple[str, ...]:
    assert found is not None
    assert found.problem is None
    return found.targets


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("device")


@pytest.fixture(scope="module")
def with_cuda(folder: Path) -> Path:
    made = place(folder, ".nv_fatbin", CUDA, "cuda") + record("cuda")
    return gcc(made + source([REGISTERS]), folder / "cuda.so")


def without_sections(path: Path) -> Path:
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 40, 0)  # e_shoff
    struct.pack_into("<HH", data, 60, 0, 0)
    made = path.with_name(f"stripped_{path.name}")
    made.write_bytes(data)
    return made


def test_elf(folder: Path, with_cuda: Path) -> None:
    assert targets(code(with_cuda)) == ("sm_80", "sm_90", "compute_90")
    assert code(gcc(source(), folder / "without.so")) is None
    other = place(folder, ".nv_other", CUDA, "other")
    assert code(gcc(other + source(), folder / "other.so")) is None


def test_hip(folder: Path) -> None:
    made = place(folder, ".hip_fatbin", HIP, "hip", 4096) + record("hip", hip=True)
    path = gcc(made + source(["__hipRegisterFatBinary"]), folder / "hip.so")
    assert "where some should begin" in problem(zeroed(path, HIP))
    assert targets(code(path)) == ("gfx942", "gfx1100")
    # without section headers, the record leads to the first bundle, which is the only one it names
    assert targets(code(without_sections(path))) == ("gfx942",)


def zeroed(path: Path, data: bytes) -> Path:
    """A copy with zeros instead of some device code."""
    whole = path.read_bytes()
    assert whole.count(data) == 1
    made = path.with_name(f"zeroed_{path.name}")
    made.write_bytes(whole.replace(data, bytes(len(data))))
    return made


def problem(path: Path) -> str:
    found = code(path)
    return (found.problem or "") if found is not None else ""


def test_what_is_registered_and_not_there(folder: Path, with_cuda: Path) -> None:
    second = fatbin(*sm(86))
    made = (
        place(folder, ".nv_fatbin", CUDA + second, "both")
        + record("both")
        + record(f"both + {len(CUDA)}")
        + source([REGISTERS])
    )
    path = gcc(made, folder / "both.so")
    assert targets(code(path)) == ("sm_80", "sm_86", "sm_90", "compute_90")
    for data in (CUDA, second):
        damaged = zeroed(path, data)
        assert "where some should begin" in problem(damaged)
        assert problem(without_sections(damaged))
    assert "where some should begin" in problem(zeroed(with_cuda, CUDA))
    # linkers of LLVM leave the addresses to relocations
    path = zig(made, folder / "both_arm.so", "aarch64-linux-gnu")
    assert targets(code(path)) == ("sm_80", "sm_86", "sm_90", "compute_90")
    assert problem(zeroed(path, second))


def test_relocatable_code(folder: Path) -> None:
    made = (
        place(folder, ".nv_fatbin", fatbin(*sm(80)) + fatbin(*sm(70)), "linked")
        + place(folder, "__nv_relfatbin", fatbin(*sm(80), entry(PTX, 80)) * 3, "parts")
        + record("linked", version=2)
        + record("parts")
        + record(f"linked + {len(fatbin(*sm(80)))}")
    )
    found = code(gcc(made + source([REGISTERS]), folder / "relocatable.so"))
    assert found is not None
    assert [(one.count, one.targets) for one in found.sets] == [
        (3, ("sm_80", "compute_80")),
        (1, ("sm_70",)),
    ]


def test_without_section_headers(folder: Path, with_cuda: Path) -> None:
    assert code(without_sections(with_cuda)) == code(with_cuda)
    # a runtime that is linked in imports nothing
    made = place(folder, ".nv_fatbin", CUDA, "inside") + record("inside")
    static = gcc(made + source(), folder / "static.so")
    assert code(without_sections(static)) == code(with_cuda)
    assert code(without_sections(gcc(source(), folder / "none.so"))) is None


def test_code_that_cannot_be_found_is_told(folder: Path) -> None:
    for name in (REGISTERS, "__hipRegisterFatBinary"):
        path = gcc(source([name]), folder / f"{name}.so")
        for one in (path, without_sections(path)):
            found = code(one)
            assert found is not None
            assert found.problem is not None
            assert found.problem.startswith("it registers code for GPUs that cannot be found")
    lonely = gcc(record("0") + source(), folder / "lonely.so")
    found = code(lonely)
    assert found is not None
    assert found.problem is not None


def test_renamed_sections(folder: Path) -> None:
    made = place(folder, ".other", CUDA, "renamed") + record("renamed")
    path = gcc(made + source([REGISTERS]), folder / "renamed.so")
    assert targets(code(path)) == ("sm_80", "sm_90", "compute_90")


@pytest.mark.parametrize(
    ("field", "width", "value"),
    [
        (40, 8, 1 << 40),  # e_shoff
        (40, 8, (1 << 64) - 8),
        (62, 2, 1),  # e_shstrndx, which then is of another section
        (62, 2, 0),
    ],
)
def test_damaged_section_headers_are_no_error(
    folder: Path, with_cuda: Path, field: int, width: int, value: int
) -> None:
    data = bytearray(with_cuda.read_bytes())
    data[field : field + width] = value.to_bytes(width, "little")
    path = folder / "damaged.so"
    path.write_bytes(data)
    assert code(path) == code(with_cuda)


def test_damaged_code_leaves_what_else_is_read(folder: Path, with_cuda: Path) -> None:
    data = bytearray(with_cuda.read_bytes())
    at = data.index(CUDA[:16])
    data[at : at + 4] = b"gone"
    path = folder / "gone.so"
    path.write_bytes(data)
    with open_readable(path) as opened:
        images = read(opened)
    assert not isinstance(images, NotALibrary)
    assert REGISTERS.encode() in images[0].imports
    assert images[0].device_code == DeviceCode(
        problem=f"no fat binary at byte {at}: 676f6e65 stands there"
    )


@pytest.mark.slow
def test_damaged_libraries(folder: Path) -> None:
    made = (
        place(folder, ".nv_fatbin", CUDA, "a_cuda")
        + place(folder, "__nv_relfatbin", fatbin(*sm(80)), "a_part")
        + place(folder, ".hip_fatbin", HIP, "a_hip", 4096)
        + record("a_cuda", version=2)
        + record("a_part")
        + record("a_hip", hip=True)
    )
    original = gcc(made + source([REGISTERS]), folder / "all.so", "-s").read_bytes()
    whole = ("sm_80", "sm_90", "compute_90", "gfx942", "gfx1100")
    chance = random.Random(32)
    (headers,) = struct.unpack_from("<Q", original, 40)
    starts = [headers, original.index(CUDA[:16]), original.index(HIP[:32]), 0]
    starts.append(original.index(bytes.fromhex("b143624602000000")))
    told = 0
    for _ in range(1500):
        data = bytearray(original)
        for _ in range(chance.choice((1, 2, 6))):
            at = min(chance.choice(starts) + chance.randrange(1800), len(data) - 4)
            data[at : at + 4] = chance.choice(
                (0, 1, 0xFFFFFFFF, 0x7FFFFFFF, len(data), chance.randrange(1 << 32))
            ).to_bytes(4, "little")
        start = perf_counter()
        try:
            found = read(BytesReadable(bytes(data)))
        except FormatError:
            continue
        finally:
            assert perf_counter() - start < 2
        if not isinstance(found, NotALibrary):
            one = found[0].device_code
            told += one is None or one.problem is not None or one.targets != whole
    assert told > 100


def test_object_files_and_archives(folder: Path) -> None:
    made = place(folder, ".nv_fatbin", CUDA, "in_object") + record("in_object")
    path = gcc(made + source(), folder / "object.o", "-c")
    plain = gcc(source(), folder / "plain.o", "-c")
    part = place(folder, "__nv_relfatbin", fatbin(*sm(70)), "in_part")
    part_path = gcc(part + source(), folder / "part.o", "-c")
    archive = folder / "all.a"
    subprocess.run(["ar", "rc", archive, path, plain, part_path], check=True)
    for one, expected in (
        (path, ("sm_80", "sm_90", "compute_90")),
        (part_path, ("sm_70",)),
        (archive, ("sm_70", "sm_80", "sm_90", "compute_90")),
    ):
        with open_readable(one) as opened:
            assert targets(device_objects(opened)) == expected
    with open_readable(plain) as opened:
        assert device_objects(opened) is None


def test_pe(folder: Path) -> None:
    target, flags = "x86_64-windows-gnu", ("-nostdlib",)
    text = "int DllMainCRTStartup(void *a, unsigned b, void *c) { return 1; }\n"
    data = place(folder, ".nv_fatb", fatbin(*sm(80)) + fatbin(*sm(70)), "pe_linked")
    parts = place(folder, "__nv_rel", fatbin(*sm(80), entry(PTX, 80)), "pe_part")
    packs = place(folder, ".hip_fat", HIP, "pe_hip", 4096)
    records = record("pe_linked", version=2).replace(".nvFatBinSegment", ".nvFatBi")
    both = zig(data + parts + packs + records + text, folder / "with.dll", target, *flags)
    found = code(both)
    assert targets(found) == ("sm_70", "sm_80", "compute_80", "gfx942", "gfx1100")
    assert found is not None
    assert [one.targets for one in found.sets] == [
        ("sm_70",),
        ("sm_80", "compute_80"),
        ("gfx942",),
        ("gfx942", "gfx1100"),
    ]
    assert "where some should begin" in problem(zeroed(both, fatbin(*sm(80)) + fatbin(*sm(70))))
    assert code(zig(text, folder / "without.dll", target, *flags)) is None
    lonely = record("0").replace(".nvFatBinSegment", ".nvFatBi")
    found = code(zig(lonely + text, folder / "lonely.dll", target, *flags))
    assert found is not None
    assert found.problem is not None


def test_a_runtime_that_is_linked_in_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info = tmp_path / "demo-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
    made = place(tmp_path, ".nv_fatbin", CUDA, "cuda")
    gcc(made + source(), tmp_path / "demo" / "linked_in.so")
    gcc(made + source([REGISTERS]), tmp_path / "demo" / "elsewhere.so")
    amd = place(tmp_path, ".hip_fatbin", HIP, "hip", 4096)
    gcc(amd + source(), tmp_path / "demo" / "amd.so")
    gcc(source(), tmp_path / "demo" / "without.so")
    (info / "RECORD").write_text(
        "".join(f"demo/{n}.so,,\n" for n in ("linked_in", "elsewhere", "amd"))
    )
    report = inspect_package(tmp_path / "demo")
    assert report.cuda is not None
    assert report.cuda.static == ("linked_in.so",)
    main([str(tmp_path / "demo"), "-v"])
    lines = capsys.readouterr().out.splitlines()
    at = next(n for n, line in enumerate(lines) if "linked_in.so" in line)
    assert lines[at + 1] == "        note: the CUDA runtime is statically linked"
    assert sum("CUDA runtime" in line for line in lines) == 1
