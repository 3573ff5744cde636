"""The functions of NVIDIA's libraries. Their names were compared with ``nm -D`` of libcudart 13."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.nvidia_functions import cuda_releases, functions


@pytest.mark.parametrize(
    ("name", "releases"),
    [
        ("cudaLaunchKernel", (11, 12, 13)),
        ("cudaMemcpy_ptds", (11, 12, 13)),
        ("cudaMallocAsync_ptsz", (11, 12, 13)),
        ("cuLibraryGetModule", (12, 13)),  # came with CUDA 12
        ("cudaBindTexture", (11,)),  # texture references went with CUDA 12
        ("cublasCreate_v2", (11, 12, 13)),
        ("ncclAllReduce", (11, 12, 13)),
        ("cudaMaloc", ()),
        ("cuda", ()),
    ],
)
def test_which_releases_have_a_function(name: str, releases: tuple[int, ...]) -> None:
    assert cuda_releases(name) == releases


def test_the_table_has_functions_alone() -> None:
    assert len(functions()) > 3000
    assert all(name.isidentifier() for name in functions())
