"""The releases of FFmpeg by the names of its libraries, as torchcodec's libraries need them."""

from __future__ import annotations

import re
import subprocess
import zipfile
from typing import TYPE_CHECKING

from tests.support.wheels import fetch
from torch_abi_audit.explain.kinds.known_libraries import known_library

if TYPE_CHECKING:
    from pathlib import Path


def test_the_libraries_of_each_release(tmp_path: Path) -> None:
    seen = set()
    with zipfile.ZipFile(fetch("torchcodec==0.17.0", "manylinux_2_28_x86_64")) as wheel:
        for member in wheel.namelist():
            core = re.search(r"libtorchcodec_core(\d+)\.so$", member)
            if core is None:
                continue
            path = wheel.extract(member, tmp_path)
            out = subprocess.run(
                ["readelf", "-dW", path], capture_output=True, text=True, check=True
            )
            names = re.findall(r"NEEDED.*\[(lib(?:av|sw)\w+\.so\.\d+)\]", out.stdout)
            assert len(names) >= 5
            for name in names:
                known = known_library(name)
                assert known is not None, name
                release = int(core[1])
                if name != "libswresample.so.4":  # the same in 5 and 6
                    assert known.is_a == f"a library of FFmpeg {release}", name
                seen.add(release)
    assert seen == {4, 5, 6, 7, 8, 9}
