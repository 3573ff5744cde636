"""NVIDIA's CUDA libraries by name, and the CUDA release that a name states.

These are the toolkit's libraries and those built on them: cuDNN, NCCL, NVSHMEM, cuTENSOR and so on.
The names are those in NVIDIA's wheels and toolkits for CUDA 11 to 13, on Linux and Windows; macOS
has none. The driver's libraries are in ``system``: wheels cannot ship them.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library_file import is_word
from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.model.paths import file_name

_FOLLOWERS = "cudart cublas cublasLt nvrtc nvJitLink nvrtc-builtins cupti nvblas nvjpeg nvfatbin"
"""Libraries whose version is the CUDA version; so are the versions of all NPP libraries."""
_OTHERS = (
    "cufft cufftw curand cusolver cusolverMg cusparse cusparseLt nccl cufile cufile_rdma "
    "nvToolsExt nvtx3interop nvperf_host nvperf_target nvjpeg2k nvtiff cutensor cutensorMg "
    "cutensorMp"
)
"""Libraries with versions of their own: ``libcufft.so.11`` belongs to CUDA 12."""
_FAMILIES = ("cudnn", "cudss", "nvshmem")
"""Prefixes of the libraries of cuDNN, cuDSS and NVSHMEM: ``cudnn_graph``."""
_APART = ("cutensor", "cudss", "nvjpeg2k", "nvtiff")
"""Prefixes of libraries that are neither in the toolkit nor required by any torch: NVIDIA publishes
them apart."""
_REQUIRED_AS = {
    "cudart": "cuda-runtime",
    "cublaslt": "cublas",
    "nvblas": "cublas",
    "cufftw": "cufft",
    "cusolvermg": "cusolver",
    "nvperf": "cupti",
    "nvrtc-builtins": "nvrtc",
    "nvtoolsext": "nvtx",
    "nvtx3interop": "nvtx",
}
"""The word for a CUDA library in the names of distributions, where its own name is another."""
_BESIDE_TORCH = ("npp", "nvjpeg", "nvfatbin", *_APART)
"""Prefixes of the libraries that no torch brings. The wheels of torch 2.4 to 2.15 for Linux require
the packages cublas (with cublasLt and nvBLAS), cuda-cupti (with nvperf), cuda-nvrtc, cuda-runtime,
cudnn, cufft, cufile, curand, cusolver, cusparse, cusparselt, nccl, nvjitlink, nvshmem and nvtx of
NVIDIA, by their ``Requires-Dist``. The CUDA builds for Windows contain the same in ``torch/lib``,
apart from those that exist for Linux alone."""
_UNLOADED = ("nvblas", "cufftw", "cusolvermg", "nvperf")
"""Prefixes of the libraries that these packages contain and torch's libraries do not need."""
_UNVERSIONED_DLLS = frozenset({"cutensor", "cutensormg", "nvperf_host", "nvperf_target"})
"""The few DLLs without a version in their names; all DLLs of the toolkit have one."""
_FOLLOWING = frozenset(_FOLLOWERS.lower().split())
_DLL_STEMS = _FOLLOWING.union(_OTHERS.lower().split())
_ELF_STEMS = frozenset(_FOLLOWERS.split() + _OTHERS.split())
_BEGINNINGS = ("cu", "nv", "npp", "nccl")
_ALTERNATIVE = ".alt"
"""Infix of the alternative build of NVRTC: ``libnvrtc.alt.so.12``."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FUNCTIONS = ("nccl", "nvrtc", "nvtx", "nvJitLink", "nvjpeg", "nvblas", "nvshmem", "cupti", "npp")
_DRIVER_FUNCTIONS = {
    "cu": "libcuda.so.1",
    "cuvid": "libnvcuvid.so.1",
    "nvml": "libnvidia-ml.so.1",
    "NvEncodeAPI": "libnvidia-encode.so.1",
}
"""Beginnings of the driver's functions, by ``cuda.h``, ``nvcuvid.h``, ``nvml.h``, and the library
that exports them on Linux."""
_FUNCTION_FAMILIES = ("", "da", "blas", "blasLt", "dnn", "fft", "rand", "solver", "sparse")


def is_cuda(library: str) -> bool:
    """Whether a library belongs to NVIDIA's CUDA toolkit, cuDNN, NCCL or the like."""
    return bool(_read(library)[0])


def is_published_apart(library: str) -> bool:
    """Whether a CUDA library comes with neither the toolkit nor torch: cuTENSOR, cuDSS, nvTIFF."""
    return _read(library)[0].startswith(_APART)


def is_brought_by_torch(library: str) -> bool:
    """Whether CUDA builds of torch bring a CUDA library: not NPP, nvJPEG or nvFatbin, for example.

    Nor a copy that wheel repair renamed: only the package that it was copied into has that.
    """
    family = _read(library)[0]
    return bool(family) and not family.startswith(_BESIDE_TORCH) and not is_renamed(library)


def is_loaded_by_torch(library: str) -> bool:
    """Whether a CUDA library is in the process once a CUDA build of torch is imported.

    Some are in packages that torch requires, but nothing of torch is linked to them.
    """
    return is_brought_by_torch(library) and not _read(library)[0].startswith(_UNLOADED)


def is_renamed(library: str) -> bool:
    """Whether wheel repair renamed a library, so that only the package it is in provides it."""
    name = file_name(library)
    return bool(without_mark(name if name.startswith("lib") else name.lower())[1])


def major(library: str) -> int | None:
    """The CUDA major version in a library's name: 12 for ``libcudart.so.12``."""
    family, version = _read(library)
    if version and (family in _FOLLOWING or family.startswith("npp")):
        return int(version)
    return None


def family(library: str) -> str:
    """The name without version, prefix and mark, in lower case: ``cublaslt``, ``cudnn_graph``."""
    return _read(library)[0]


def distribution_word(library: str) -> str:
    """The word for a CUDA library in the name of its distribution: ``cuda-runtime`` for cudart."""
    stem = family(library).partition("_")[0]  # cudnn_graph comes with cuDNN
    if stem.startswith("npp"):
        return "npp"
    return _REQUIRED_AS.get(stem, stem)


def own_version(library: str) -> str | None:
    """The major version in a library's name, CUDA's or its own: ``11`` for ``libcufft.so.11``."""
    return _read(library)[1] or None


def driver_of(name: str) -> str | None:
    """The library of NVIDIA's driver that exports a C name; None for other names.

    The driver's own interface is ``cu`` and a capital letter (``cuGetErrorString``), except
    ``cuFile``, which is a library of the toolkit.
    """
    plain = name.lstrip("_")
    for beginning, library in _DRIVER_FUNCTIONS.items():
        if plain.startswith(beginning) and plain[len(beginning) : len(beginning) + 1].isupper():
            return library if is_word(plain) and not plain.startswith("cuFile") else None
    return None


def is_cuda_function(name: str) -> bool:
    """Whether a C name looks like a function of these libraries: ``cudaMalloc``."""
    plain = name.lstrip("_")
    if not is_word(plain):
        return False
    if plain.startswith("cu"):
        rest = plain[2:]
        families = [each for each in _FUNCTION_FAMILIES if rest.startswith(each)]
        if any(rest[len(each) : len(each) + 1].isupper() for each in families):
            return True
    beginning = next((each for each in _FUNCTIONS if plain.startswith(each)), plain)
    return plain != beginning or plain.startswith("fatbinwrap")


_known: dict[str, tuple[str, str]] = {}  # every library is linked to the same few names


def _read(library: str) -> tuple[str, str]:
    """Family, in lower case, and major version of a CUDA library; empty for other names."""
    known = _known.get(library)
    if known is None:
        known = _known[library] = _parts(file_name(library))
    return known


def _parts(name: str) -> tuple[str, str]:
    if not name.lower().removeprefix("lib").startswith(_BEGINNINGS):
        return "", ""
    if name.startswith("lib"):
        stem, version = _elf(without_mark(name)[0].removeprefix("lib"))
        known = stem in _ELF_STEMS
    else:
        stem, version = _dll(without_mark(name.lower())[0])
        known = stem in _DLL_STEMS
    if (
        known
        or (stem.startswith("npp") and not stem.strip(_LETTERS))
        or (stem.startswith(_FAMILIES) and is_word(stem))
    ):
        return stem.lower(), version
    return "", ""


def _elf(name: str) -> tuple[str, str]:
    """``cublasLt`` and ``12`` for ``cublasLt.so.12.1``; the version may be empty."""
    stem, so, version = f"{name}.".partition(".so.")
    major = version.partition(".")[0]
    if not so or version.strip(".0123456789") or (version and not major):
        return "", ""
    return stem.removesuffix(_ALTERNATIVE), major


def _dll(name: str) -> tuple[str, str]:
    """``nvrtc`` and ``12`` for ``nvrtc64_120_0.dll``: the version's first two digits.

    CUPTI's version is a year, not a CUDA release: ``cupti64_2025.2.1.dll``.
    """
    if not name.endswith(".dll"):
        return "", ""
    stem = name.removesuffix(".dll").removesuffix(_ALTERNATIVE)
    words = stem.split("_")
    version = ""
    while len(words) > 1 and words[-1].replace(".", "").isdecimal():
        version = words.pop()
    if not version and stem not in _UNVERSIONED_DLLS:
        return "", ""
    return "_".join(words).removesuffix("64"), version[:2] if version.isdecimal() else ""
