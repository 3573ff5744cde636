"""The readers of device code on published wheels, against NVIDIA's cuobjdump and LLVM's tools."""

from __future__ import annotations

import zipfile
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.cuda_oracle import only_here, oracle
from tests.support.wheels import fetch
from tools.compare_with_cuobjdump import compare, libraries
from torch_abi_audit.formats import read
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.sources.files.readable import BytesReadable

if TYPE_CHECKING:
    from pathlib import Path

LINUX, OLDER, OLDEST = "manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64"
NEWER = "manylinux_2_27_x86_64"
WINDOWS, ARM = "win_amd64", "manylinux_2_28_aarch64"

CUDA = [  # wheel, platform, Python, and how many of its libraries have CUDA code
    ("torchvision==0.15.2", OLDEST, "3.10", 2),
    ("torchvision==0.24.0", LINUX, "3.12", 2),
    ("torchvision==0.26.0", LINUX, "3.12", 2),
    ("torchvision==0.29.1", LINUX, "3.12", 2),
    ("torchvision==0.29.1", ARM, "3.12", 2),
    ("torchaudio==2.0.2", OLDEST, "3.10", 1),
    ("torchaudio==2.8.0", LINUX, "3.12", 2),
    ("torchcodec==0.17.0", NEWER, "3.12", 7),
    ("torchao==0.18.0", LINUX, "3.12", 2),
    ("xformers==0.0.28.post3", LINUX, "3.12", 1),
    ("xformers==0.0.35", LINUX, "3.12", 1),
    ("xformers==0.0.35", WINDOWS, "3.12", 1),
    ("bitsandbytes==0.50.2", "manylinux_2_24_x86_64", "3.12", 7),
    ("bitsandbytes==0.50.2", WINDOWS, "3.12", 7),
    ("vllm==0.2.7", OLDEST, "3.10", 1),
    ("lmcache==0.5.6", NEWER, "3.12", 1),
    ("fbgemm-gpu-genai==1.9.0", LINUX, "3.12", 2),
    ("nixl-cu13==1.5.1", LINUX, "3.12", 6),
    ("cumm-cu118==0.8.2", OLDER, "3.12", 1),
    ("cumm-cu128==0.8.2", WINDOWS, "3.12", 1),
    ("cuequivariance-ops-torch-cu12==0.13.0", LINUX, "3.12", 1),
    ("ctranslate2==4.8.5", WINDOWS, "3.12", 1),
    ("onnxruntime-genai-cuda==0.18.0", WINDOWS, "3.12", 1),
    ("cupy-cuda13x==14.2.0", WINDOWS, "3.12", 3),
    ("jax-cuda11-plugin==0.4.25", OLDER, "3.12", 2),
    ("jax-cuda12-plugin==0.12.0.1", NEWER, "3.12", 3),
    ("jax-cuda13-plugin==0.12.0.1", NEWER, "3.12", 3),
    ("nvidia-nvjpeg-cu12==12.4.0.76", OLDER, "3.12", 1),
    ("nvidia-nvimgcodec-cu12==0.9.0.20", LINUX, "3.12", 12),
]

_6_0 = "gfx900 gfx906 gfx908 gfx90a gfx940 gfx941 gfx942 gfx1030 gfx1100 gfx1200 gfx1201"
_7 = (
    "gfx900 gfx906 gfx908 gfx90a gfx942 gfx950 gfx1010 gfx1011 gfx1012 gfx1030 gfx1031 gfx1032 "
    "gfx1033 gfx1034 gfx1035 gfx1036 gfx1100 gfx1101 gfx1102 gfx1103 gfx1150 gfx1151 gfx1152 "
    "gfx1153 gfx1200 gfx1201 gfx1250"
)
_GEOMETRIC = "gfx900 gfx906 gfx908 gfx90a gfx942 gfx1030 gfx1100 gfx1101 gfx1102 gfx1200 gfx1201"
_BITS_6_4 = (
    "gfx908 gfx90a gfx942 gfx1030 gfx1100 gfx1101 gfx1102 gfx1103 gfx1150 gfx1151 gfx1152 gfx1153 "
    "gfx1200 gfx1201"
)
_BITS_7 = f"{_BITS_6_4} gfx950"
_BITS_7_14 = (
    "gfx908 gfx90a gfx942 gfx950 gfx1010 gfx1011 gfx1012 gfx1030 gfx1031 gfx1032 gfx1033 gfx1034 "
    "gfx1035 gfx1036 gfx1100 gfx1101 gfx1102 gfx1103 gfx1150 gfx1151 gfx1152 gfx1153 gfx1200 "
    "gfx1201 gfx1250"
)
_BITS_WINDOWS = " ".join(
    one for one in _BITS_7_14.split() if one not in {"gfx942", "gfx950", "gfx1250"}
)
ROCM = [
    # wheel, platform, and what clang-offload-bundler 19 --list says of each bundle in .hip_fatbin:
    # library, number of bundles, targets. Bundles of version 3 were unpacked with zstd before.
    (
        "torch-scatter-rocm==2.1.2",
        "manylinux_2_39_x86_64",
        {
            f"torch_scatter/_{one}_cuda.so": (1, _GEOMETRIC)
            for one in ("scatter", "segment_coo", "segment_csr")
        },
    ),
    (
        "torch-cluster-rocm==1.6.3",
        "manylinux_2_39_x86_64",
        {f"torch_cluster/_{one}_cuda.so": (1, _GEOMETRIC) for one in ("fps", "graclus", "grid")},
    ),
    (
        "jax-rocm60-plugin==0.5.0",
        LINUX,
        {f"jax_rocm60_plugin/_{one}.so": (1, _6_0) for one in ("blas", "linalg", "prng", "solver")},
    ),
    (
        "jax-rocm7-plugin==0.12.0",
        NEWER,
        {
            "jax_rocm7_plugin/_linalg.so": (1, _7),
            "jax_rocm7_plugin/_prng.so": (1, _7),
            "jax_rocm7_plugin/_solver.so": (2, _7),
        },
    ),
    (
        "sglang-kernel-rdna3==0.4.6.post1",
        "manylinux_2_34_x86_64",
        {"sgl_kernel/common_ops.cpython-312-x86_64-linux-gnu.so": (15, "gfx1100")},
    ),
    (
        "bitsandbytes==0.50.2",
        "manylinux_2_24_x86_64",
        {
            f"bitsandbytes/libbitsandbytes_rocm{release}.so": (2, targets)
            for release, targets in [
                *(("64", _BITS_6_4), ("70", _BITS_7), ("71", _BITS_7), ("72", _BITS_7)),
                *(("714", _BITS_7_14), ("715", _BITS_7_14)),
            ]
        },
    ),
    (
        "bitsandbytes==0.50.2",
        WINDOWS,
        {
            f"bitsandbytes/libbitsandbytes_rocm{release}.dll": (2, targets)
            for release, targets in [
                *(("714", _BITS_WINDOWS), ("715", _BITS_WINDOWS)),
                ("72", "gfx1100 gfx1101 gfx1102 gfx1150 gfx1151 gfx1200 gfx1201"),
            ]
        },
    ),
]


@only_here
@pytest.mark.parametrize(("requirement", "platform", "python", "count"), CUDA)
def test_cuda_as_cuobjdump_lists_it(
    requirement: str, platform: str, python: str, count: int, tmp_path: Path
) -> None:
    compared = 0
    for name, file in libraries(fetch(requirement, platform, python), tmp_path):
        found = compare(oracle(), file, requirement, name)
        if found is not None:
            assert not found.differences, name + "\n" + "\n".join(found.differences)
            compared += 1
    assert compared == count


@pytest.mark.parametrize(("requirement", "platform", "libraries"), ROCM)
def test_rocm_as_llvm_lists_it(
    requirement: str, platform: str, libraries: dict[str, tuple[int, str]]
) -> None:
    found = {}
    with zipfile.ZipFile(fetch(requirement, platform, "3.12")) as wheel:
        for member in wheel.namelist():
            if not member.endswith((".so", ".dll")):
                continue
            images = read(BytesReadable(wheel.read(member)))
            assert not isinstance(images, NotALibrary), member
            code = images[0].device_code
            sets = [] if code is None else code.sets
            if any(one.targets[0].startswith("gfx") for one in sets):
                assert code is not None
                assert code.problem is None, member
                found[member] = Counter({frozenset(one.targets): one.count for one in sets})
    assert found == {
        name: Counter({frozenset(targets.split()): count})
        for name, (count, targets) in libraries.items()
    }
