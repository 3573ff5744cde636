"""The table of old exports against a published wheel, read by LIEF and demangled by binutils."""

from __future__ import annotations

import subprocess
import zipfile
from typing import TYPE_CHECKING

import lief

from tests.support.wheels import fetch
from torch_abi_audit.knowledge.old_exports import exported_before

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = ("torch/lib/libc10.dylib", "torch/lib/libtorch.dylib")


def test_the_functions_of_torch_1_4(tmp_path: Path) -> None:
    names: set[str] = set()
    with zipfile.ZipFile(fetch("torch==1.4.0", "macosx_10_9_x86_64", "3.7")) as wheel:
        for member in MEMBERS:
            library = lief.MachO.parse(wheel.extract(member, tmp_path))
            image = None if library is None else library.at(0)
            assert image is not None
            names |= {str(one.name)[1:] for one in image.exported_symbols}
    asked = sorted(
        one for one in names if one.startswith(("_ZN2at6native", "_ZNK3c10", "_ZN5torch3jit"))
    )
    shown = subprocess.run(
        ["c++filt"], input="\n".join(asked), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    plain = [
        one for one in shown if "[abi:" not in one and "{" not in one and "decltype" not in one
    ]
    assert len(plain) > 1500
    missing = [one for one in plain if "1.4.0" not in exported_before(one)]
    assert len(missing) < len(plain) // 200, missing[:5]  # the demanglers differ in rare spellings
    strangers = [one.replace("(", "Q(", 1) for one in plain if "(" in one]
    assert not any(map(exported_before, strangers))
