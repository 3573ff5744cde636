"""The reader of CUDA device code against cuobjdump, on what NVIDIA's compilers write."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.support.cuda_oracle import agrees, nvcc, only_here, oracle, ptxas, run, toolkit
from tests.support.toolchain import gcc, zig
from tools import cuobjdump
from torch_abi_audit.formats import device_file, device_objects, read
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch_abi_audit.model.device_code import DeviceCode

pytestmark = only_here

SCALE = """\
__global__ void scale(float *x, float by) { x[threadIdx.x] *= by; }
extern "C" void run_scale(float *x) { scale<<<1, 32>>>(x, 2.0f); }
"""
SHIFT = """\
extern __device__ float amount(int);
__global__ void shift(float *x) { x[threadIdx.x] += amount(threadIdx.x); }
extern "C" void run_shift(float *x) { shift<<<1, 32>>>(x); }
"""
AMOUNT = "__device__ float amount(int of) { return of * 0.5f; }\n"
VARIABLE = '__device__ int held = 3;\nextern "C" void *held_at() { return &held; }\n'
HOST = 'extern "C" int host_alone() { return 1; }\n'


def generate(*pairs: str) -> list[str]:
    """Options for code: ``90a`` is machine code alone, ``90a+`` has PTX too, ``+80`` is PTX."""
    options = []
    for one in pairs:
        number = one.strip("+")
        code = [] if one.startswith("+") else [f"sm_{number}"]
        code += [f"compute_{number}"] if "+" in one else []
        options += ["-gencode", f"arch=compute_{number},code=[{','.join(code)}]"]
    return options


def library(home: Path, options: list[str], **sources: str) -> Path:
    """A library that nvcc makes of some sources."""
    files = []
    for name, text in sources.items():
        files.append(home / f"{name}.cu")
        files[-1].write_text(text)
    out = home / "made.so"
    nvcc("-shared", "-Xcompiler", "-fPIC", *options, "-o", out, *files)
    return out


def facts(path: Path) -> DeviceCode | None:
    with open_readable(path) as source:
        images = read(source)
    assert not isinstance(images, NotALibrary)
    return images[0].device_code


SETS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "one": (generate("80"), ("sm_80",)),
    "with PTX": (generate("75", "86", "120+"), ("sm_75", "sm_86", "sm_120", "compute_120")),
    "PTX alone": (generate("+75"), ("compute_75",)),
    "PTX of one, code of another": (generate("+80", "90"), ("sm_90", "compute_80")),
    "of one GPU": (generate("90a", "100a"), ("sm_90a", "sm_100a")),
    "of families": (generate("100f", "120f"), ("sm_100f", "sm_120f")),
    "PTX of one GPU": (generate("90a+"), ("sm_90a", "compute_90a")),
    "PTX of a family": (generate("+103f"), ("compute_103f",)),
    "plain beside specific": (
        generate("90", "90a", "100f", "103a", "120"),
        ("sm_90", "sm_90a", "sm_100f", "sm_103a", "sm_120"),
    ),
    "short": (["-arch=sm_89"], ("sm_89", "compute_89")),
    "short and specific": (["-arch=sm_90a"], ("sm_90a", "compute_90", "compute_90a")),
    "all of it compressed": (
        [*generate("80", "90+"), "-Xfatbin", "-compress-all"],
        ("sm_80", "sm_90", "compute_90"),
    ),
    "compressed for size": (
        [*generate("80", "90+"), "-compress-mode=size"],
        ("sm_80", "sm_90", "compute_90"),
    ),
    "not compressed": ([*generate("80", "90+"), "-no-compress"], ("sm_80", "sm_90", "compute_90")),
    "for debugging": ([*generate("80", "90+"), "-G", "-g"], ("sm_80", "sm_90", "compute_90")),
    "with lines": ([*generate("80+"), "-lineinfo"], ("sm_80", "compute_80")),
    "relocatable": ([*generate("80", "90+"), "-rdc=true"], ("sm_80", "sm_90", "compute_90")),
    "relocatable, without PTX": ([*generate("80", "90a"), "-rdc=true"], ("sm_80", "sm_90a")),
    "relocatable, compressed": (
        [*generate("80", "90+"), "-rdc=true", "-Xfatbin", "-compress-all"],
        ("sm_80", "sm_90", "compute_90"),
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_what_nvcc_was_asked_for(name: str, tmp_path: Path) -> None:
    options, expected = SETS[name]
    path = library(tmp_path, options, scale=SCALE)
    found = agrees(path)
    code = facts(path)
    assert code is not None
    assert set(code.targets) == set(expected)
    assert len(code.sets) == 1
    assert set(found.targets) == set(expected)


def test_all_architectures_of_a_toolkit(tmp_path: Path) -> None:
    found = agrees(library(tmp_path, ["-arch=all-major"], scale=SCALE))
    assert {"sm_80", "sm_90", "sm_100", "sm_120"} <= set(found.targets)
    assert any(target.startswith("compute_") for target in found.targets)


def test_device_linking_of_several_files(tmp_path: Path) -> None:
    options = [*generate("80", "90+"), "-rdc=true"]
    path = library(tmp_path, options, shift=SHIFT, amount=AMOUNT, scale=SCALE, host=HOST)
    agrees(path)
    code = facts(path)
    assert code is not None
    assert [one.targets for one in code.sets] == [("sm_80", "sm_90", "compute_90")]


def test_files_that_differ(tmp_path: Path) -> None:
    objects = []
    for number, (text, options) in enumerate(
        [(SCALE, generate("80", "90+")), (SCALE.replace("scale", "other"), generate("90a"))]
    ):
        (tmp_path / f"{number}.cu").write_text(text)
        objects.append(tmp_path / f"{number}.o")
        nvcc("-c", "-Xcompiler", "-fPIC", *options, "-o", objects[-1], tmp_path / f"{number}.cu")
    path = tmp_path / "made.so"
    nvcc("-shared", *generate("80", "90a"), "-o", path, *objects)
    agrees(path)
    code = facts(path)
    assert code is not None
    assert {one.targets: one.count for one in code.sets} == {
        ("sm_80", "sm_90", "compute_90"): 1,
        ("sm_90a",): 1,
    }


def test_files_without_kernels_are_no_sets(tmp_path: Path) -> None:
    plain = library(tmp_path, generate("80"), host=HOST)
    code = facts(plain)
    assert code is None or not code.targets
    agrees(library(tmp_path, generate("80", "90+"), host=HOST, scale=SCALE, held=VARIABLE))


def test_the_device_linker_notes_its_command_line(tmp_path: Path) -> None:
    """What it leaves for files that need no linking is as long as that, and still no kernel set."""
    places = [f"-L/opt/a/rather/long/path/of/libraries/{number:0100}" for number in range(8)]
    agrees(library(tmp_path, [*generate("80", "90", "120+"), *places], scale=SCALE))


# --- files that are no libraries ------------------------------------------------------------------

OBJECTS = {
    "plain": ["-c", *generate("80", "90+")],
    "relocatable": ["-dc", *generate("80", "90a", "100f", "+120")],
    "for optimizing at link time": ["-dlto", "-dc", "-arch=sm_90"],
    "for both kinds of linking": [
        *("-dc", "-gencode", "arch=compute_80,code=[sm_80,lto_80]"),
        *generate("120+"),
    ],
}


def listed(path: Path) -> tuple[set[str], set[str], dict[str, str]]:
    """Architectures, those of LTO-IR, and versions of PTX, of all entries in a file."""
    entries = cuobjdump.entries(oracle(), path)
    targets = {one.target for one in entries if one.kind in {"elf", "ptx"}}
    languages = {one.target: one.version for one in entries if one.kind == "ptx"}
    return targets, {one.target for one in entries if one.kind == "nvvm"}, languages


def reads_as_listed(code: DeviceCode | None, path: Path) -> None:
    assert code is not None
    assert code.problem is None
    targets, optimized, languages = listed(path)
    assert targets
    assert set(code.targets) == targets
    assert set(code.others) == {f"LTO-IR for {target}" for target in optimized}
    assert dict(code.ptx_isa) == languages


@pytest.mark.parametrize("name", OBJECTS)
def test_object_files_and_archives(name: str, tmp_path: Path) -> None:
    (tmp_path / "unit.cu").write_text(SHIFT if name != "plain" else SCALE)
    (tmp_path / "other.cu").write_text(AMOUNT)
    units = [tmp_path / "unit.o", tmp_path / "other.o"]
    nvcc("-Xcompiler", "-fPIC", *OBJECTS[name], "-o", units[0], tmp_path / "unit.cu")
    nvcc("-Xcompiler", "-fPIC", "-dc", "-arch=sm_100", "-o", units[1], tmp_path / "other.cu")
    archive = tmp_path / "both.a"
    run("ar", "cr", archive, *units)
    for path in (*units, archive):
        with open_readable(path) as source:
            reads_as_listed(device_objects(source), path)


@pytest.mark.parametrize("options", [[], ["-compress-mode=size"], ["-Xfatbin", "-compress-all"]])
def test_bare_fatbins(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "unit.cu").write_text(SCALE)
    path = tmp_path / "unit.fatbin"
    nvcc(
        "-fatbin",
        *generate("80", "90a", "+100", "120f"),
        *options,
        "-o",
        path,
        path.with_suffix(".cu"),
    )
    with open_readable(path) as source:
        reads_as_listed(device_file(source), path)


@pytest.mark.parametrize("target", ["80", "90", "90a", "100", "100a", "100f", "120f"])
def test_cubins_and_ptx(target: str, tmp_path: Path) -> None:
    (tmp_path / "unit.cu").write_text(SCALE)
    cubin, ptx = tmp_path / "unit.cubin", tmp_path / "unit.ptx"
    nvcc("-cubin", f"-arch=sm_{target}", "-o", cubin, tmp_path / "unit.cu")
    nvcc("-ptx", f"-arch=compute_{target}", "-o", ptx, tmp_path / "unit.cu")
    with open_readable(cubin) as source:
        code = device_file(source)
    assert code is not None
    assert code.targets == (f"sm_{target}",)
    # cuobjdump leaves out "f"
    assert cuobjdump.listed(oracle(), cubin) == [f"sm_{target.removesuffix('f')}"]
    with open_readable(ptx) as source:
        code = device_file(source)
    assert code is not None
    assert code.targets == (f"compute_{target}",)
    assert dict(code.ptx_isa) == {f"compute_{target}": "9.5"}


# --- packed by hand ------------------------------------------------------------------------------

KERNEL = """\
.version {version}
.target sm_{target}
.address_size 64
.visible .entry fill(.param .u64 to) {{
    .reg .b64 %at;
    ld.param.u64 %at, [to];
    st.global.u32 [%at], 1;
    ret;
}}
"""
OLD = ["50", "52", "53", "60", "61", "62", "70", "72", "75", "80", "86", "87", "89", "90", "90a"]
NEW = ["75", "80", "86", "87", "88", "89", "90", "90a", "100", "100a", "100f", "103", "103f"]
NEW += ["110", "110a", "110f", "120", "120a", "120f", "121", "121a", "121f"]


def assembled(home: Path, program: Path, target: str, version: str) -> Path:
    text = home / f"{target}.ptx"
    text.write_text(KERNEL.format(version=version, target=target))
    out = home / f"{target}.cubin"
    run(program, f"-arch=sm_{target}", text, "-o", out)
    return out


def packed(out: Path, entries: list[tuple[str, str, Path]], *options: str) -> Path:
    images = [f"--image3=kind={kind},sm={sm},file={file}" for kind, sm, file in entries]
    run(toolkit() / "bin" / "fatbinary", f"--create={out}", "-64", *options, *images)
    return out


def embedded(fatbins: list[Path], out: Path, section: str = ".nv_fatbin") -> str:
    """C that has fatbins in a section, each at a multiple of eight bytes, as compilers lay them."""
    flags = ',\\"a\\",@progbits' if section == ".nv_fatbin" else ',\\"dr\\"'
    lines = "".join(f'".p2align 3\\n.incbin \\"{one}\\"\\n"\n' for one in fatbins)
    return f'__asm__(".section {section}{flags}\\n"\n{lines}".text\\n");\nint {out.stem}_has;\n'


def on_linux(fatbins: list[Path], out: Path) -> Path:
    return gcc(embedded(fatbins, out), out, torch=())


def on_linux_on_arm(fatbins: list[Path], out: Path) -> Path:
    return zig(embedded(fatbins, out), out, "aarch64-linux-gnu")


def on_windows(fatbins: list[Path], out: Path) -> Path:
    start = "int DllMainCRTStartup(void *a, unsigned b, void *c) { return 1; }\n"
    made = embedded(fatbins, out, ".nv_fatb") + start
    return zig(made, out.with_suffix(".dll"), "x86_64-windows-gnu", "-nostdlib")


SYSTEMS = [on_linux, on_linux_on_arm, on_windows]


@pytest.mark.parametrize("on", SYSTEMS)
def test_gpus_that_new_toolkits_have_dropped(
    tmp_path: Path, on: Callable[[list[Path], Path], Path]
) -> None:
    cubins = {target: assembled(tmp_path, ptxas("12"), target, "8.0") for target in OLD}
    kepler = assembled(tmp_path, ptxas("11"), "35", "6.0")
    old = [("elf", target, cubin) for target, cubin in cubins.items()]
    ptx = ("ptx", "50", tmp_path / "50.ptx")
    first = packed(tmp_path / "first.fatbin", [*old, ptx])
    second = packed(tmp_path / "second.fatbin", [("elf", "35", kepler), old[0], ptx])
    found = agrees(on([first, second], tmp_path / "made.so"))
    assert set(found.targets) == {f"sm_{one}" for one in [*OLD, "35"]} | {"compute_50"}


@pytest.mark.parametrize("on", SYSTEMS)
@pytest.mark.parametrize("seed", range(4))
def test_random_fatbins(seed: int, tmp_path: Path, on: Callable[[list[Path], Path], Path]) -> None:
    chance = random.Random(seed)
    program = toolkit() / "bin" / "ptxas"
    cubins = {one: assembled(tmp_path, program, one, "9.0") for one in chance.sample(NEW, 8)}
    fatbins = []
    for number in range(8):
        entries = [
            ("elf", target, cubins[target])
            for target in chance.sample(sorted(cubins), chance.randint(0, len(cubins)))
        ]
        entries += [
            ("ptx", target, tmp_path / f"{target}.ptx")
            for target in chance.sample(sorted(cubins), chance.choice([0, 0, 1, 2]))
        ]
        if entries:
            modes = ["-compress=false", "-compress-all", "-compress-mode=size", "-g"]
            options = chance.sample(modes[:1], 1) if chance.random() < 0.3 else []
            options = options or chance.sample(modes[1:], chance.randint(0, 2))
            fatbins.append(packed(tmp_path / f"{number}.fatbin", entries, *options))
    agrees(on(fatbins, tmp_path / "made.so"))
