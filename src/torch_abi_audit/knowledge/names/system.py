"""Libraries of a system, or of a device's driver or toolkit, by name: wheels need not ship them.

Every library that a wheel is linked to is tested. The tests are plain string operations, since
compiling regular expressions would take longer than the rest of an audit. Names are those of
``file_name``. The libraries that a platform tag guarantees are a table: ``policies``.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library_file import is_word

MACOS_PATHS = ("/usr/lib/", "/System/")
"""Directories of macOS' own libraries, which are recognised by their full path."""

_NVIDIA_DRIVERS = frozenset(
    {"libcuda.so", "libcuda.so.1", "libnvcuvid.so.1", "libnvoptix.so.1"}
    | {"nvcuda.dll", "nvml.dll", "nvcuvid.dll", "nvencodeapi64.dll"}
)
_GLIBC = frozenset(
    {"libc", "libm", "libpthread", "libdl", "librt", "libutil", "libresolv", "libnsl", "libcrypt"}
    | {"libanl", "libmvec", "libthread_db", "libBrokenLocale"}
    | {"libnss_compat", "libnss_dns", "libnss_files", "libnss_hesiod"}
)
_OPENCL = frozenset({"libOpenCL.so", "libOpenCL.so.1"})
_ROCM = ("hip", "roc", "amdhip", "amd_comgr", "amd_smi", "rccl", "MIOpen", "hsa-")
_ONEAPI = (
    *("sycl", "ze_", "ur_", "ccl", "mkl_", "oneccl", "intel", "tbb", "imf", "irng", "svml"),
    "intlc",
)
_ROCM_DLLS = ("amdhip", "hip", "roc")
_ONEAPI_DLLS = ("sycl", "ze_", "ur_", "mkl_", "tbb")
_VISUAL_C = tuple(
    f"{name}{digit}"
    for name in ("msvcp", "vcruntime", "concrt", "vccorlib", "vcomp", "mfc")
    for digit in range(10)
)


def is_nvidia_driver(name: str) -> bool:
    """Whether a library is part of NVIDIA's driver."""
    if name.startswith("libnvidia-"):
        stem, _, version = name.removeprefix("libnvidia-").partition(".")
        so, *numbers = version.split(".")
        return so == "so" and is_word(stem.replace("-", "_")) and all(map(str.isdecimal, numbers))
    return name in _NVIDIA_DRIVERS


def is_opencl(name: str) -> bool:
    """Whether a library is the OpenCL loader, part of the system or of a device's driver."""
    return name in _OPENCL


def is_rocm(name: str) -> bool:
    """Whether a library is part of AMD's ROCm, shipped with torch's ROCm builds or the device."""
    return _is_of(name, _ROCM, _ROCM_DLLS)


def is_oneapi(name: str) -> bool:
    """Whether a library is part of Intel's oneAPI, shipped with torch for XPU or the device."""
    return _is_of(name, _ONEAPI, _ONEAPI_DLLS)


def is_loader(name: str) -> bool:
    """Whether a library is the loader (``ld-linux-x86-64.so.2``, ``ld64.so.2``) or the vDSO."""
    stem, _, version = name.partition(".so.")
    if stem.startswith("ld-linux"):
        return version.isdecimal() and is_word(stem.replace("-", "_"))
    return stem.startswith("linux-vdso") or (stem in {"ld", "ld64"} and version.isdecimal())


def is_glibc(name: str) -> bool:
    """Whether a library is part of glibc: ``libc.so.6``, ``ld-linux-x86-64.so.2``."""
    stem, _, version = name.partition(".so.")
    return is_loader(name) or (stem in _GLIBC and version.partition(".")[0].isdecimal())


def is_musl(name: str) -> bool:
    """Whether a library is musl: ``libc.musl-x86_64.so.1``, ``ld-musl-aarch64.so.1``."""
    return (
        name.startswith(("libc.musl-", "ld-musl-"))
        and name.endswith(".so.1")
        and is_word(name.partition("musl-")[2].removesuffix(".so.1"))
    )


def is_windows_runtime(name: str) -> bool:
    """Whether a DLL is an API set of Windows or the Visual C++ runtime, which torch needs too.

    The name is in lower case.
    """
    if not name.endswith(".dll"):
        return False
    stem = name.removesuffix(".dll")
    return (
        stem.startswith(("api-ms-", "ext-ms-"))
        or stem in {"ucrtbase", "ucrtbased"}
        or (stem.startswith(_VISUAL_C) and is_word(stem))
    )


def _is_of(name: str, beginnings: tuple[str, ...], dlls: tuple[str, ...]) -> bool:
    plain = name.removeprefix("lib")
    if name.endswith(".dll"):
        return plain.startswith(dlls) and is_word(name[:-4].replace(".", "_"))
    stem, so, version = name.rpartition(".so")
    return (
        name.startswith("lib")
        and plain.startswith(beginnings)
        and bool(so)
        and is_word(f"{stem.replace('-', '_')}{version}".replace(".", "_"))
    )
