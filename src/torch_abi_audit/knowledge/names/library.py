"""The kind of a library, judged by its name; all verbs use this classification."""

from __future__ import annotations

from torch_abi_audit.knowledge.names import cuda, python, system, torch
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.enums import StrEnum


class Kind(StrEnum):
    """The origin of a library, judged by its name."""

    TORCH = "torch"
    TORCH_COPY = "torch-copy"
    """A libtorch library that wheel repair copied into another package."""
    CUDA = "cuda"
    NVIDIA_DRIVER = "nvidia-driver"
    OPENCL = "opencl"
    ROCM = "rocm"
    ONEAPI = "oneapi"
    PYTHON = "python"
    SYSTEM = "system"
    """The loader, musl, or a library of every Windows."""
    OTHER = "other"


def kind_of(library: str) -> Kind:
    """The kind of a library such as ``@rpath/libc10.dylib`` or ``libcudart.so.12``."""
    known = _known.get(library)
    if known is None:
        known = _known[library] = _kind(library)
    return known


_known: dict[str, Kind] = {}  # every library is linked to the same few names


def _kind(library: str) -> Kind:
    name = file_name(library)
    if torch.is_libtorch(library):
        return Kind.TORCH
    if torch.is_vendored_copy(library):
        return Kind.TORCH_COPY
    if cuda.is_cuda(library):
        return Kind.CUDA
    if name[-4:].lower() == ".dll":
        name = name.lower()
    return next((kind for kind, is_one in _TESTS if is_one(name)), Kind.OTHER)


_TESTS = (
    (Kind.NVIDIA_DRIVER, system.is_nvidia_driver),
    (Kind.OPENCL, system.is_opencl),
    (Kind.ROCM, system.is_rocm),
    (Kind.ONEAPI, system.is_oneapi),
    (Kind.PYTHON, python.is_python),
    (Kind.SYSTEM, system.is_loader),
    (Kind.SYSTEM, system.is_musl),
    (Kind.SYSTEM, system.is_windows_runtime),
)
