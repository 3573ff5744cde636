"""The lists of published wheels against what other readers say that the files are linked to."""

from __future__ import annotations

import subprocess
import zipfile
from typing import TYPE_CHECKING

import lief
import pytest

from tests.support.wheels import fetch
from torch_abi_audit import inspect_package
from torch_abi_audit.repair.plan import plan

if TYPE_CHECKING:
    from pathlib import Path

LINUX, MACOS, WINDOWS = "manylinux_2_28_x86_64", "macosx_14_0_arm64", "win_amd64"


def linked(wheel: Path, folder: Path) -> set[str]:
    """The names of all libraries that any library of a wheel is linked to, by readelf or LIEF."""
    found: set[str] = set()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if not name.endswith((".so", ".pyd", ".dll", ".dylib")) and ".so." not in name:
                continue
            file = archive.extract(name, folder)
            if wheel.stem.endswith("x86_64"):
                words = ["readelf", "-dW", file]
                out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
                found |= {
                    line.split("[")[1][:-1] for line in out.splitlines() if "(NEEDED)" in line
                }
            else:
                binary = lief.parse(file)
                assert isinstance(binary, lief.PE.Binary | lief.MachO.Binary)
                found |= {
                    str(getattr(one, "name", one)).replace("\\\\", "/").rpartition("/")[2]
                    for one in binary.libraries
                }
    return found


@pytest.mark.parametrize(
    ("requirement", "platform"),
    [
        ("torchaudio==2.11.0", LINUX),
        ("torchaudio==2.11.0", MACOS),
        ("torchaudio==2.11.0", WINDOWS),
        ("torchaudio==2.8.0", LINUX),
    ],
)
def test_what_torch_brings_is_excluded_and_nothing_else(
    requirement: str, platform: str, tmp_path: Path
) -> None:
    wheel = fetch(requirement, platform)
    (one,) = plan(inspect_package(wheel)).repairs
    needed = {name for name in linked(wheel, tmp_path) if "torchaudio" not in name}
    of_torch = {
        name
        for name in needed
        if name.removeprefix("lib").startswith(("torch_", "torch.", "c10", "cudart", "gomp"))
    }
    assert of_torch
    from_torch = {each.library for each in one.excluded if each.origin in {"torch", "cuda"}}
    assert from_torch == of_torch
    ffmpeg = {name for name in needed if name.startswith(("libav", "libsw"))}
    assert {each.library for each in one.excluded} - from_torch == ffmpeg
    assert bool(ffmpeg) == (requirement == "torchaudio==2.8.0")
    assert {each.library for each in one.copied} == needed & {"libsox.so"}
