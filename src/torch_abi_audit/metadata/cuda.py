"""What the name of a library says of CUDA."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.system import is_word
from torch_abi_audit.model.paths import file_name

_FOLLOWERS = "cudart cublas cublasLt nvrtc nvJitLink nvrtc-builtins cupti nvblas nvjpeg"
"""Libraries whose version is that of CUDA, as is that of all of NPP: names as in CUDA 11 to 13."""
_OTHERS = "cufft cufftw curand cusolver cusolverMg cusparse cusparseLt nccl cufile nvToolsExt"
_FAMILIES = ("cudnn", "nvshmem")
"""What begins with these is of cuDNN or NVSHMEM: ``cudnn_graph``."""
_FOLLOWING = frozenset(_FOLLOWERS.lower().split())
_DLL_STEMS = _FOLLOWING.union(_OTHERS.lower().split())
_ELF_STEMS = frozenset(_FOLLOWERS.split() + _OTHERS.split())
_BEGINNINGS = ("cu", "nv", "npp", "nccl")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_HEX = frozenset("0123456789abcdef")
_SHORTEST_MARK = 8  # digits of the hash that auditwheel and delvewheel put in a name


def major(library: str) -> int | None:
    """The CUDA release that a library's name stands for: 12 of ``libcudart.so.12``."""
    stem, version = _read(library)
    if version and (stem in _FOLLOWING or stem.startswith("npp")):
        return int(version)
    return None


def is_cuda(library: str) -> bool:
    """Whether a library is one of NVIDIA's CUDA toolkit, or of cuDNN, NCCL and their kin."""
    return bool(_read(library)[0])


def _read(library: str) -> tuple[str, str]:
    """Stem, in lower case, and leading version of a CUDA library; empty for every other name."""
    name = file_name(library)
    if not name.lower().removeprefix("lib").startswith(_BEGINNINGS):
        return "", ""
    if name.startswith("lib"):
        stem, version = _elf(name.removeprefix("lib"))
        known = stem in _ELF_STEMS
    else:
        stem, version = _dll(name.lower())
        known = stem in _DLL_STEMS
    if (
        known
        or (stem.startswith("npp") and not stem.strip(_LETTERS))
        or (stem.startswith(_FAMILIES) and is_word(stem))
    ):
        return stem.lower(), version
    return "", ""


def _elf(name: str) -> tuple[str, str]:
    """``cublasLt`` and ``12`` of ``cublasLt-0a1b2c3d.so.12.1``; the version may be empty."""
    stem, _, suffix = name.partition(".")
    so, dot, version = suffix.partition(".")
    if so != "so" or version.strip(".0123456789") or (dot and not version[:1].isdecimal()):
        return "", ""
    return _ungrafted(stem), version.partition(".")[0]


def _dll(name: str) -> tuple[str, str]:
    """``nvrtc`` and ``12`` of ``nvrtc64_120_0.dll``: the version is there, two digits of it."""
    stem, _, suffix = name.partition(".")
    words = _ungrafted(stem).split("_")
    version = ""
    while len(words) > 1 and words[-1].isdecimal():
        version = words.pop()
    if suffix != "dll" or not version:
        return "", ""
    return "_".join(words).removesuffix("64"), version[:2]


def _ungrafted(stem: str) -> str:
    head, dash, mark = stem.rpartition("-")
    is_mark = dash and len(mark) >= _SHORTEST_MARK and _HEX.issuperset(mark)
    return head if is_mark else stem
