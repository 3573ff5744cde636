"""What a library is by its file name: Python's own, a driver's, a runtime's, the loader.

Every library that a wheel is linked to is asked about. These are plain tests of text, since to
compile a pattern for each would cost more than the rest of an audit. A name is a ``file_name``.
"""

from __future__ import annotations

_FRAMEWORKS = frozenset({"Python", "PythonT", "Python3", "Python3T"})
_DRIVERS = frozenset(
    {"libcuda.so", "libcuda.so.1", "libOpenCL.so", "libOpenCL.so.1", "nvcuda.dll", "nvml.dll"}
)
_ROCM_AND_ONEAPI = (
    "hip roc amdhip rccl MIOpen hsa- sycl ze_ ur_ ccl mkl_ oneccl intel tbb imf irng svml intlc"
)
_DEVICES = tuple(f"lib{name}" for name in _ROCM_AND_ONEAPI.split())
_DEVICE_DLLS = ("amdhip", "hip", "roc", "sycl", "ze_")
_VISUAL_C = tuple(
    f"{name}{digit}"
    for name in ("msvcp", "vcruntime", "concrt", "vccorlib", "vcomp", "mfc")
    for digit in range(10)
)


def is_word(text: str) -> bool:
    """Whether it is letters, digits and underscores, one at least."""
    return text.replace("_", "a").isalnum()


def is_libpython(name: str) -> bool:
    """``libpython3.11.so.1.0``, ``libpython3.13t.dylib``, ``Python`` of a framework."""
    if name.startswith("libpython3"):
        return name.endswith(".dylib") or name.rstrip(".0123456789").endswith(".so")
    return name in _FRAMEWORKS


def is_driver(name: str) -> bool:
    """Whether it comes with the driver of the device: no wheel can bring it."""
    if name.startswith("libnvidia-"):
        stem, _, version = name.removeprefix("libnvidia-").partition(".")
        so, *numbers = version.split(".")
        return so == "so" and is_word(stem.replace("-", "_")) and all(map(str.isdecimal, numbers))
    return name in _DRIVERS


def is_device_runtime(name: str) -> bool:
    """Whether it is of ROCm or oneAPI: with the torch builds for them, or with the device."""
    if name.startswith(_DEVICES):
        stem, so, version = name.rpartition(".so")
        return bool(so) and is_word(f"{stem.replace('-', '_')}{version}".replace(".", "_"))
    return name.startswith(_DEVICE_DLLS) and name.endswith(".dll") and is_word(name[:-4])


def is_loader(name: str) -> bool:
    """``ld-linux-x86-64.so.2``, ``ld.so.1``, ``ld64.so.2``, and what the kernel brings itself."""
    stem, _, version = name.partition(".so.")
    if stem.startswith("ld-linux"):
        return version.isdecimal() and is_word(stem.replace("-", "_"))
    return stem.startswith("linux-vdso") or (stem in {"ld", "ld64"} and version.isdecimal())


def is_musl(name: str) -> bool:
    """``libc.musl-x86_64.so.1``, ``ld-musl-aarch64.so.1``."""
    return (
        name.startswith(("libc.musl-", "ld-musl-"))
        and name.endswith(".so.1")
        and is_word(name.partition("musl-")[2].removesuffix(".so.1"))
    )


def is_windows_runtime(name: str) -> bool:
    """API sets of Windows, Python itself, and the Visual C++ runtime that torch relies on, too.

    The name is in lower case.
    """
    if not name.endswith(".dll"):
        return False
    stem = name.removesuffix(".dll")
    if stem.startswith("python3"):
        minor = stem.removeprefix("python3").removesuffix("_d").removesuffix("t")
        return not minor or minor.isdecimal()
    return (
        stem.startswith(("api-ms-", "ext-ms-"))
        or stem in {"ucrtbase", "ucrtbased"}
        or (stem.startswith(_VISUAL_C) and is_word(stem))
    )
