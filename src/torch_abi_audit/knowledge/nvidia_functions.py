"""The functions that NVIDIA's libraries have: ``data/nvidia_functions.tsv``, read on first use.

``tools/generate_nvidia_functions.py`` generates the table from the headers in NVIDIA's wheels: of
the CUDA runtime, the driver, NVRTC, cuBLAS, cuFFT, cuRAND, cuSOLVER, cuSPARSE, cuDNN and NCCL.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import tables
from torch_abi_audit.runtime.once import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def cuda_releases(function: str) -> tuple[int, ...]:
    """The CUDA major versions whose newest headers declare a function, oldest first.

    There are none for a function of no known header, and for one that only older minor versions
    had. The runtime's forms for streams per thread (``cudaMemcpy_ptds``) count as the function.
    """
    plain = function.removesuffix("_ptds").removesuffix("_ptsz")
    return tuple(map(int, functions().get(plain, "").split()))


@once
def functions() -> Mapping[str, str]:
    """All functions by name, in the order of the names, with their CUDA major versions."""
    return tables.read("nvidia_functions").sections["functions"]
