"""Which libraries are of the makers of GPUs: NVIDIA's CUDA and AMD's ROCm."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.cuda import is_cuda
from torch_abi_audit.knowledge.names.system import is_rocm


def is_of_maker(name: str) -> bool:
    """Whether a library is NVIDIA's or AMD's own, by the name of its file.

    Such libraries choose their kernels by the GPU. Which GPUs they support, the release of CUDA or
    ROCm says, and not the package that contains them.
    """
    return is_cuda(name) or is_rocm(name)
