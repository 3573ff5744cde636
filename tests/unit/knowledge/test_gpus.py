"""Which architecture a GPU has, by all the names that people and drivers have for it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from torch_abi_audit.knowledge import cuda_toolkits, tables
from torch_abi_audit.knowledge.gpus import (
    amd_generations,
    capability,
    every_generation,
    generations,
    generic_of,
    gpu,
    gpu_of,
    members_of,
    plain_target,
)
from torch_abi_audit.model.device_code import target_key
from torch_abi_audit.model.errors import UnknownGpuError
from torch_abi_audit.model.gpus import Gpu

NAMES = [
    line.split("\t")
    for line in (Path(__file__).parent / "gpu_names.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
# The compute capability of each chip: https://en.wikipedia.org/wiki/CUDA#GPUs_supported; AMD's
# targets: https://llvm.org/docs/AMDGPUUsage.html#processors, and Mesa's names of the chips
CHIPS = {
    r"GK110": "sm_35",
    r"GK210": "sm_37",
    r"GM10[78]": "sm_50",
    r"GM20[046]": "sm_52",
    r"GM20B": "sm_53",
    r"GP100": "sm_60",
    r"GP10[24678]": "sm_61",
    r"GP10B": "sm_62",
    r"GV100": "sm_70",
    r"GV11B": "sm_72",
    r"TU10[246]|TU11[67]": "sm_75",
    r"GA100": "sm_80",
    r"GA10[23467]": "sm_86",
    r"GA10B": "sm_87",
    r"AD10[23467]": "sm_89",
    r"GH100": "sm_90",
    r"GB100": "sm_100",
    r"GB110": "sm_103",
    r"GB10B": "sm_110",
    r"GB20[23567]": "sm_120",
    r"GB20B": "sm_121",
    r"Vega 10": "gfx900",
    r"Vega 20": "gfx906",
    r"Arcturus": "gfx908",
    r"Aldebaran": "gfx90a",
    r"Aqua Vanjaram": "gfx942",
    r"Navi 10": "gfx1010",
    r"Navi 14": "gfx1012",
    r"Navi 21": "gfx1030",
    r"Navi 22": "gfx1031",
    r"Navi 23": "gfx1032",
    r"Navi 24": "gfx1034",
    r"Navi 31": "gfx1100",
    r"Navi 32": "gfx1101",
    r"Navi 33": "gfx1102",
    r"Phoenix": "gfx1103",
    r"Strix": "gfx1150",
    r"Strix Halo": "gfx1151",
    r"Krackan": "gfx1152",
    r"Navi 44": "gfx1200",
    r"Navi 48": "gfx1201",
}


@pytest.mark.parametrize(("name", "chip"), NAMES, ids=[name for name, _ in NAMES])
def test_what_drivers_call_a_gpu(name: str, chip: str) -> None:
    target = next(one for pattern, one in CHIPS.items() if re.fullmatch(pattern, chip))
    assert gpu(name).target == target


def test_the_list_of_real_names_is_long() -> None:
    assert len(NAMES) > 300
    assert {target for target in CHIPS.values() if target.startswith("sm_")} > {
        one.target for one in generations()
    }


@pytest.mark.parametrize(
    ("text", "name", "target"),
    [
        ("8.9", "sm_89", "sm_89"),
        ("89", "sm_89", "sm_89"),
        ("sm_89", "sm_89", "sm_89"),
        ("SM89", "sm_89", "sm_89"),
        ("compute_90", "sm_90", "sm_90"),
        ("sm_90a", "sm_90", "sm_90"),
        ("12.0", "sm_120", "sm_120"),
        ("120", "sm_120", "sm_120"),
        ("sm_100f", "sm_100", "sm_100"),
        ("10.1", "sm_110", "sm_110"),
        ("gfx942", "gfx942", "gfx942"),
        ("GFX90A", "gfx90a", "gfx90a"),
        ("gfx942:sramecc+:xnack-", "gfx942:sramecc+:xnack-", "gfx942:sramecc+:xnack-"),
        ("RTX 4090", "RTX 4090", "sm_89"),
        ("  rtx4090 ", "RTX 4090", "sm_89"),
        ("4090", "RTX 4090", "sm_89"),
        ("rtx-3060-ti", "RTX 3060 Ti", "sm_86"),
        ("2080 ti", "RTX 2080 Ti", "sm_75"),
        ("GTX 1080", "GTX 1080", "sm_61"),
        ("V100", "V100", "sm_70"),
        ("T4", "T4", "sm_75"),
        ("A10G", "A10G", "sm_86"),
        ("L40S", "L40S", "sm_89"),
        ("h100 pcie", "H100", "sm_90"),
        ("GB200 NVL72", "GB200", "sm_100"),
        ("GB300", "GB300", "sm_103"),
        ("DGX Spark", "DGX Spark", "sm_121"),
        ("Orin", "Jetson AGX Orin", "sm_87"),
        ("A6000", "RTX A6000", "sm_86"),
        ("RTX 6000 Ada", "RTX 6000 Ada", "sm_89"),
        ("RTX PRO 6000", "RTX PRO 6000 Blackwell", "sm_120"),
        ("MI300X", "MI300X", "gfx942"),
        ("7900 XTX", "RX 7900 XTX", "gfx1100"),
        ("NVIDIA(R) GeForce(TM) RTX 4090", "RTX 4090", "sm_89"),
        ("AMD Instinct\u2122 MI300X", "MI300X", "gfx942"),
        ("GeForce 945A", "GeForce 945A", "sm_50"),
        ("Strix Halo", "Strix Halo", "gfx1151"),
        ("Ryzen AI Max+ 395", "Ryzen AI Max+ 395", "gfx1151"),
        ("RTX 40", "RTX 40", "sm_89"),
        ("H100/H200", "H100/H200", "sm_90"),
        ("MI300", "MI300", "gfx942"),
    ],
)
def test_what_people_write(text: str, name: str, target: str) -> None:
    assert gpu(text) == Gpu(name, target)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("P4", "P40"),
        ("A10", "A100"),
        ("A100", "RTX A1000"),
        ("RTX A1000", "RTX 1000 Ada"),
        ("L4", "T4"),
        ("H20", "L20"),
        ("RTX A2000", "RTX 2000 Ada"),
        ("RTX 2050", "RTX 2060"),
        ("RTX 3050", "RTX 3050 A"),
        ("GTX 750", "GTX 750 v2"),
        ("RX 6700", "RX 6700S"),
        ("RX 7700", "RX 7700S"),
        ("TITAN V", "TITAN Xp"),
        ("GeForce MX550", "GeForce MX570"),
    ],
)
def test_names_that_differ_little(one: str, other: str) -> None:
    assert (gpu(one).name, gpu(other).name) == (one, other)


def test_a_name_of_several_generations_is_not_guessed() -> None:
    with pytest.raises(UnknownGpuError) as caught:
        gpu("NVIDIA RTX 6000")
    for choice in ("Quadro RTX 6000 (sm_75)", "RTX 6000 Ada (sm_89)", "RTX PRO 6000 Blackwell"):
        assert choice in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["TITAN X", "RTX 4000", "RTX 4000 SFF", "RTX 5000", "RTX 3000", "840M", "500", "T4/A100"],
)
def test_other_names_of_several_gpus(text: str) -> None:
    with pytest.raises(UnknownGpuError, match="one of several GPUs"):
        gpu(text)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("RTX 4091", "RTX 4090"),
        ("GTX 4090", "RTX 4090"),
        ("H101", "H100"),
        ("MI300Z", "MI300X"),
        ("gfx943", "gfx942"),
        ("sm_99", "sm_90"),
        ("RTX A1001", "RTX A1000"),
        ("GeForce MX151", "GeForce MX150"),
    ],
)
def test_a_mistake_gets_the_nearest_names(text: str, near: str) -> None:
    with pytest.raises(UnknownGpuError, match=re.escape(near)) as caught:
        gpu(text)
    assert text in str(caught.value)
    assert "8.9" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "/", "\u00b2", "NVIDIA", "GPU", "GeForce", "RTX", "Quadro", "Tesla", "Jetson"),
        *("9.9", "10", "12", "40", "8.9+PTX", "gfx11-generic", "480GB", "Radeon PRO", "TITAN"),
        *("Intel Arc A770", "AMD Radeon Graphics", "NVIDIA Graphics Device", "GTX 860M"),
        *("Quadro M620", "Radeon Pro 5600M", "NVIDIA DRIVE P2021", "NVIDIA PG506-232"),
        *("NVIDIA DGX Display", "\n", "RTX 4090 RTX 4080"),
    ],
)
def test_other_words_are_no_gpu(text: str) -> None:
    with pytest.raises(UnknownGpuError):
        gpu(text)


def test_every_name_in_the_table_means_its_own_gpu() -> None:
    for target, names in tables.read("gpus").sections["names"].items():
        for name in names.split(", "):
            found = gpu(name)
            assert found.target == target, name
            assert name.endswith(found.name)


def test_the_columns_of_a_table() -> None:
    names = {one.target: one.name for one in generations()}
    assert names == {
        "sm_70": "V100",
        "sm_75": "T4/RTX 20",
        "sm_80": "A100",
        "sm_86": "A10/RTX 30",
        "sm_89": "L4/RTX 40",
        "sm_90": "H100/H200",
        "sm_100": "B200",
        "sm_103": "B300",
        "sm_110": "Thor",
        "sm_120": "RTX 50",
        "sm_121": "DGX Spark",
    }
    assert [*names] == sorted(names, key=target_key)
    assert {"gfx90a", "gfx942", "gfx1100", "gfx1201"} <= {one.target for one in amd_generations()}


def test_every_generation_has_a_name_that_means_it() -> None:
    every = every_generation()
    assert {*generations(), *amd_generations()} < set(every)
    assert {"sm_60", "sm_61", "sm_52", "sm_87"} <= {one.target for one in every}
    assert list(every) == sorted(every, key=lambda one: target_key(one.target))
    for one in every:
        assert gpu(one.name) == one
        assert gpu_of(one.target) == one


def test_every_architecture_that_a_toolkit_compiles_for_is_a_gpu() -> None:
    section = tables.read("cuda_toolkits").sections["architectures"]
    for target in section:
        assert gpu(target).target == plain_target(target)
        assert cuda_toolkits.is_known(plain_target(target))


@pytest.mark.parametrize(
    ("target", "name", "plain"),
    [
        ("sm_89", "L4/RTX 40", "sm_89"),
        ("compute_89", "L4/RTX 40", "sm_89"),
        ("sm_90a", "H100/H200", "sm_90"),
        ("sm_100f", "B200", "sm_100"),
        ("sm_101a", "Thor", "sm_110"),
        ("sm_88", "sm_88", "sm_88"),
        ("sm_200", "sm_200", "sm_200"),
        ("gfx942:sramecc+:xnack-", "MI300", "gfx942"),
        ("gfx909", "gfx909", "gfx909"),
    ],
)
def test_the_gpus_of_an_architecture(target: str, name: str, plain: str) -> None:
    assert gpu_of(target) == Gpu(name, plain)
    assert plain_target(target) == plain


@pytest.mark.parametrize(
    ("target", "number"),
    [("sm_89", "8.9"), ("compute_120", "12.0"), ("sm_90a", "9.0"), ("gfx942", None)],
)
def test_compute_capabilities(target: str, number: str | None) -> None:
    assert capability(target) == number


# https://llvm.org/docs/AMDGPUUsage.html#amdgpu-generic-processor-table
@pytest.mark.parametrize(
    ("target", "generic"),
    [
        ("gfx906", "gfx9-generic"),
        ("gfx908", None),
        ("gfx90a", None),
        ("gfx90c", "gfx9-generic"),
        ("gfx942:xnack-", "gfx9-4-generic"),
        ("gfx950", "gfx9-4-generic"),
        ("gfx1012", "gfx10-1-generic"),
        ("gfx1030", "gfx10-3-generic"),
        ("gfx1151", "gfx11-generic"),
        ("gfx1201", "gfx12-generic"),
        ("gfx1250", "gfx12-5-generic"),
        ("sm_90", None),
    ],
)
def test_generic_processors(target: str, generic: str | None) -> None:
    assert generic_of(target) == generic
    if generic is not None:
        assert target.partition(":")[0] in members_of(generic)
        assert members_of(f"{generic}:xnack-") == members_of(generic)
    assert members_of(target) == ()


def test_an_architecture_needs_neither_names_nor_difflib() -> None:
    program = (
        "import sys\nfrom torch_abi_audit.knowledge.gpus import gpu\ngpu('8.9')\n"
        "assert 'torch_abi_audit.knowledge.gpu_names' not in sys.modules\n"
        "gpu('RTX 4090')\nassert 'difflib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == 0
