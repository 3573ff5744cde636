"""The table of NVIDIA's packages against published wheels, as ``readelf`` reads them."""

from __future__ import annotations

import re
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.wheels import fetch
from torch_abi_audit.knowledge.nvidia_packages import packages_of
from torch_abi_audit.model.releases import release_key

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("requirement", "platform", "number"),
    [
        ("nvidia-nvtx-cu12==12.4.127", "manylinux2014_x86_64", 1),
        ("nvidia-nvtx-cu11==11.8.86", "manylinux1_x86_64", 1),
        ("nvidia-cuda-runtime-cu12==12.4.127", "manylinux2014_x86_64", 1),
        ("nvidia-cuda-runtime==13.0.96", "manylinux2014_x86_64", 1),
        ("nvidia-cufile-cu12==1.13.1.3", "manylinux_2_27_aarch64", 2),
        ("nvidia-nvjpeg-cu12==12.3.1.117", "manylinux2014_x86_64", 1),
        ("nvidia-cuda-runtime-cu12==12.4.127", "win_amd64", 1),
    ],
)
def test_libraries_are_in_the_table(
    requirement: str, platform: str, number: int, tmp_path: Path
) -> None:
    distribution, _, release = requirement.partition("==")
    found = set()
    with zipfile.ZipFile(fetch(requirement, platform)) as wheel:
        for member in wheel.namelist():
            if re.search(r"\.so(\.\d+)*$|\.dll$", member):
                found.add(_soname(wheel.extract(member, tmp_path)) or member.rpartition("/")[2])
    assert len(found) == number
    for name in found:
        (one,) = (one for one in packages_of(name) if one.distribution == distribution)
        assert release_key(one.first) <= release_key(release) <= release_key(one.last)
        assert one.cuda == int(re.findall(r"1[123]", requirement)[0])


def _soname(path: str) -> str | None:
    """The SONAME by ``readelf``; None for a DLL."""
    if path.endswith(".dll"):
        return None
    out = subprocess.run(["readelf", "-dW", path], capture_output=True, text=True, check=True)
    named = re.search(r"SONAME\).*\[(.+)\]", out.stdout)
    return named[1] if named else None
