"""Libraries of libtorch by name, the torch builds that ship them, and copies of them.

The names are those in the published wheels of torch 1.13 to 2.15 for Linux, macOS and Windows.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.enums import StrEnum

_TORCH = (
    "cpu cuda cuda_cpp cuda_cu cuda_linalg hip hip_linalg xpu mps python global_deps nvshmem nvrtc "
    "mtia hpu"
)
_STEMS = frozenset(
    ["torch", "c10", "c10d", "c10d_cuda_test", "shm", "caffe2"]
    + [f"torch_{part}" for part in _TORCH.split()]
    + [f"c10_{part}" for part in ("cuda", "hip", "xpu", "mtia")]
)
_FAMILIES = ("caffe2_", "torch_xpu_ops")
_CUDA = frozenset({"torch_cuda", "c10_cuda", "torch_cuda_linalg", "torch_nvshmem", "caffe2_nvrtc"})
_OLD = frozenset({"torch_cuda_cu", "torch_cuda_cpp", "caffe2", "caffe2_gpu"})
_OLD_FAMILY = "caffe2_detectron"
RUNTIMES = frozenset(
    {"libgomp.so.1", "libomp.dylib", "libiomp5md.dll", "libiompstubs5md.dll", "uv.dll"}
)
"""Runtimes that torch's wheels contain beside libtorch, under these names. They are in the process
by the time a library that uses torch is loaded. From the wheels of torch 2.9 to 2.15."""
_RUNTIMES_OF = {"aarch64": RUNTIMES | {"libgfortran.so.5"}}
"""Those of one architecture."""


_RUNTIMES_SINCE = {("x86_64", "libgfortran.so.5"): "2.15.0"}
"""Runtimes that torch's wheels for an architecture have from some release on."""


class Build(StrEnum):
    """The builds of torch that ship a libtorch library."""

    ANY = "any"
    """All builds, including those for CPUs, as far as their system and release have the library."""
    CUDA = "cuda"
    ROCM = "rocm"
    XPU = "xpu"
    OLD = "old"
    """Builds before torch 2.0."""


def is_libtorch(library: str) -> bool:
    """Whether a library such as ``@rpath/libc10.dylib`` belongs to libtorch, by its name."""
    known = _known.get(library)
    if known is None:
        known = _known[library] = _is_libtorch(file_name(library))
    return known


_known: dict[str, bool] = {}  # every library is linked to the same few names


def is_vendored_copy(library: str) -> bool:
    """Whether a file is a copy of a libtorch library in another package's wheel, by its name."""
    plain, mark = without_mark(file_name(library).lower())
    return bool(mark) and _is_libtorch(plain)


def is_runtime(library: str) -> bool:
    """Whether torch's wheels contain this runtime of another project beside libtorch, by name."""
    name = file_name(library)
    if name[-4:].lower() == ".dll":
        name = name.lower()
    return name in RUNTIMES or any(name in each for each in _RUNTIMES_OF.values())


def runtimes(arch: str) -> frozenset[str]:
    """The runtimes that torch's wheels for an architecture bring, in most releases."""
    return _RUNTIMES_OF.get(arch, RUNTIMES)


def runtime_since(name: str, arch: str) -> str | None:
    """The first torch release that brings a runtime which older ones lack; None for others."""
    return _RUNTIMES_SINCE.get((arch, name))


def build_of(library: str) -> Build:
    """The builds of torch that ship a libtorch library."""
    stem = stem_of(without_mark(file_name(library))[0])
    if stem in _CUDA:
        return Build.CUDA
    if stem in _OLD or stem.startswith(_OLD_FAMILY):
        return Build.OLD
    if "_hip" in stem:
        return Build.ROCM
    return Build.XPU if "_xpu" in stem else Build.ANY


def stem_of(name: str) -> str:
    """``torch_cpu`` for ``libtorch_cpu.so``, ``libtorch_cpu.2.dylib`` and ``torch_cpu.dll``.

    Empty if the name is not a library's.
    """
    stem, version = split_version(name.lower())
    if len(stem) == len(name) or version.strip(".0123456789"):
        return ""
    return stem.removeprefix("lib")


def link_option(library: str) -> str:
    """The option of a linker that links a library: ``-ltorch_cpu`` for ``libtorch_cpu.so``."""
    return f"-l{stem_of(file_name(library))}"


def _is_libtorch(name: str) -> bool:
    stem = stem_of(name)
    return stem in _STEMS or stem.startswith(_FAMILIES)
