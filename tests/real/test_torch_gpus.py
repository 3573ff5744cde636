"""The table of the GPUs of torch's builds, against published wheels and the code in them."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.wheels import fetch
from tools.torch_kernels import flags_of, sets_of
from torch_abi_audit.knowledge.torch_gpus import default_build

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "2.11.0"  # the wheels that test_export_index.py has in the cache


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_the_list_in_torch_is_the_table_and_what_its_kernels_are_compiled_for(
    arch: str, tmp_path: Path
) -> None:
    build = default_build(RELEASE, f"linux_{arch}")
    assert build is not None
    with zipfile.ZipFile(fetch(f"torch=={RELEASE}", f"manylinux_2_28_{arch}")) as wheel:
        assert flags_of(wheel.read("torch/lib/libtorch_python.so"), wheel.filename or "") == (
            build.targets
        )
        library = tmp_path / "libtorch_cuda.so"
        with wheel.open("torch/lib/libtorch_cuda.so") as packed, library.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    sets = sets_of(library, build.label)
    library.unlink()
    own = [some for some in sets if set(build.targets) <= set(some)]
    assert own[0] == build.targets == max(sets, key=lambda some: sets[some])
    assert sum(sets[some] for some in own) > 0.97 * sum(sets.values())
