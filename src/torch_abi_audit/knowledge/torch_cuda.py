"""The CUDA libraries that builds of torch bring, by the requirements of torch's Linux wheels."""

from __future__ import annotations

from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.names import cuda
from torch_abi_audit.knowledge.platforms import LINUX, usual_platform

_REQUIRED_AS = {
    "cudart": "cuda-runtime",
    "cublaslt": "cublas",
    "nvrtc-builtins": "nvrtc",
    "nvtoolsext": "nvtx",
    "nvtx3interop": "nvtx",
}
"""The word for a CUDA library in the names of distributions, where its own name is another."""


def is_brought_by_torch(library: str) -> bool:
    """Whether CUDA builds of torch bring and load a CUDA library.

    The requirements of the Linux releases tell; the builds for Windows contain the same libraries.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    word = distribution_word(library)
    return bool(word) and any(
        word in requirement.lower()
        for one in export_index.releases(usual_platform(LINUX.word))
        for requirement in one.cuda_packages
    )


def distribution_word(library: str) -> str:
    """The word for a CUDA library in the name of its distribution: ``cuda-runtime`` for cudart."""
    stem = cuda.family(library).partition("_")[0]  # cudnn_graph comes with cuDNN
    if stem.startswith("npp"):
        return "npp"
    return _REQUIRED_AS.get(stem, stem)
