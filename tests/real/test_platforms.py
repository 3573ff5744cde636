"""Published wheels of one release for three systems: the same sources get the same verdict.

Verdicts agree except where the builds do differ: ``DIFFERENT`` lists those, and what shows it.
"""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import PurePath
from typing import TYPE_CHECKING

import pytest

from tests.support.nm_oracle import reads_as_nm_does
from tests.support.wheels import fetch
from torch_abi_audit import inspect_package
from torch_abi_audit.formats.elf import library as elf
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from pathlib import Path

LINUX, MACOS, WINDOWS = "manylinux_2_28_x86_64", "macosx_11_0_arm64", "win_amd64"

VERDICTS = {
    ("torchaudio==2.9.0", LINUX): {
        "_torchaudio": "NO-TORCH",
        "libctc_prefix_decoder": "NO-TORCH",
        "libtorchaudio": "UNSTABLE",
        "pybind11_prefixctc": "NO-TORCH",
    },
    ("torchaudio==2.9.0", MACOS): {
        "_torchaudio": "NO-TORCH",
        "libc++": "NO-TORCH",
        "libtorchaudio": "UNSTABLE",
    },
    ("torchaudio==2.9.0", WINDOWS): {"_torchaudio": "UNSTABLE", "libtorchaudio": "UNSTABLE"},
    ("torchaudio==2.11.0", LINUX): {
        "_torchaudio": "STABLE",
        "libtorchaudio": "STABLE",
        "torchaudio_prefixctc": "STABLE",
    },
    ("torchaudio==2.11.0", MACOS): {
        "_torchaudio": "STABLE",
        "libc++": "NO-TORCH",
        "libtorchaudio": "STABLE",
    },
    ("torchaudio==2.11.0", WINDOWS): {"_torchaudio": "STABLE", "libtorchaudio": "STABLE"},
    ("torchao==0.14.0", LINUX): {
        "_C": "UNSTABLE",
        "_C_cutlass_100a": "UNSTABLE",
        "_C_cutlass_90a": "UNSTABLE",
        "mxfp8_cuda": "UNSTABLE",
    },
    ("torchao==0.18.0", LINUX): {"_C_cutlass_90a": "STABLE", "_C_mxfp8": "STABLE"},
}
DIFFERENT = {
    # MSVC keeps the vtables and constants of inline functions as imports from torch_cpu.dll and
    # c10.dll where gcc and clang drop them: LIEF lists 88 in the Windows file, nm none in Linux's
    ("torchaudio==2.9.0", WINDOWS, "_torchaudio"): "UNSTABLE",
}
TORCHCODEC = "torchcodec==0.17.0"


def labels(wheel: Path) -> dict[str, str]:
    return {
        PurePath(one.path).name.partition(".")[0]: one.label
        for one in inspect_package(wheel).libraries
    }


@pytest.mark.parametrize(("requirement", "platform"), VERDICTS)
def test_verdicts(requirement: str, platform: str) -> None:
    assert labels(fetch(requirement, platform)) == VERDICTS[requirement, platform]


@pytest.mark.parametrize("requirement", ["torchaudio==2.9.0", "torchaudio==2.11.0"])
def test_the_same_sources_get_the_same_verdict(requirement: str) -> None:
    seen: dict[str, set[str]] = {}
    for platform in (LINUX, MACOS, WINDOWS):
        for name, label in VERDICTS[requirement, platform].items():
            if (requirement, platform, name) not in DIFFERENT:
                seen.setdefault(name, set()).add(label)
    assert all(len(found) == 1 for found in seen.values()), seen


@pytest.mark.parametrize("platform", ["macosx_14_0_arm64", WINDOWS])
def test_torchcodec_as_on_linux(platform: str) -> None:
    linux, other = (labels(fetch(TORCHCODEC, each)) for each in (LINUX, platform))
    shared = {name for name in linux.keys() & other.keys() if name.startswith("libtorchcodec")}
    assert len(shared) >= 14
    assert {name: linux[name] for name in shared} == {name: other[name] for name in shared}
    assert {linux[name] for name in shared if "pybind" not in name} == {"STABLE"}


@pytest.mark.parametrize(
    "requirement", ["numpy==2.4.6", "torchaudio==2.11.0", TORCHCODEC, "torchao==0.14.0"]
)
def test_linux_wheels_read_as_nm_reads_them(requirement: str, tmp_path: Path) -> None:
    compared = 0
    with zipfile.ZipFile(fetch(requirement, LINUX)) as wheel:
        for name in wheel.namelist():
            if ".so" not in PurePath(name).name:
                continue
            path = tmp_path / wheel.extract(name, tmp_path)
            reads_as_nm_does(path)
            compared += 1
    assert compared >= 3


def test_stripping_section_headers_changes_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(fetch("torchaudio==2.11.0", LINUX)) as wheel:
        path = tmp_path / wheel.extract("torchaudio/lib/libtorchaudio.abi3.so", tmp_path)
    with open_readable(path) as source:
        before, exported = elf.read(source), elf.exports(source)
    assert not isinstance(before, NotALibrary)
    bare = tmp_path / "bare.so"
    data = bytearray(path.read_bytes())
    data[40:48] = bytes(8)  # e_shoff
    data[58:64] = bytes(6)  # e_shentsize, e_shnum, e_shstrndx
    bare.write_bytes(data)
    listed = subprocess.run(
        ["readelf", "-S", str(bare)], capture_output=True, text=True, check=True
    )
    assert "no sections" in listed.stdout
    with open_readable(bare) as source:
        # no loader reads section names; device code is found by the records that register it
        assert before.device_code is not None
        assert elf.read(source) == before
        assert elf.exports(source) == exported
