"""Libraries of a system, or of a device's driver or toolkit, by name: wheels need not ship them.

Every library that a wheel is linked to is tested. The tests are plain string operations, since
compiling regular expressions would take longer than the rest of an audit. Names are those of
``file_name``. The libraries that a platform tag guarantees are a table: ``policies``.
"""

from __future__ import annotations

from posixpath import normpath  # os.path, but of Linux on every host

from torch_abi_audit.knowledge.names.library_file import is_word, split_version

MACOS_PATHS = ("/usr/lib/", "/System/")
"""Directories of macOS' own libraries, which are recognised by their full path."""

_SEARCHED = frozenset(
    f"{prefix}/{directory}"
    for prefix in ("", "/usr", "/usr/local")
    for directory in ("lib", "lib32", "lib64", "libx32")
)
"""The directories that loaders search of their own accord: the built-in ones of glibc (``/lib``,
``/usr/lib``, and with ``64`` on 64-bit systems), musl (these and ``/usr/local/lib``) and dyld
(``/usr/local/lib``, ``/usr/lib``), and those in the ``ld.so.conf`` of Debian and openSUSE."""
_MULTIARCH = ("/lib/", "/usr/lib/", "/usr/local/lib/")
_TRIPLETS = frozenset(
    f"{cpu}-linux-{abi}"
    for cpu, abi in (
        *((cpu, "gnu") for cpu in ("x86_64", "i386", "i486", "i586", "i686", "aarch64")),
        *((cpu, "gnu") for cpu in ("powerpc64le", "s390x", "riscv64", "loongarch64")),
        *(("arm", "gnueabi"), ("arm", "gnueabihf"), ("x86_64", "gnux32")),
    )
)
"""Debian's names of architectures: it has a directory for each below those in ``_MULTIARCH``."""

_TOOLKITS = (
    *("/usr/local/cuda", "/usr/local/Ascend/", "/usr/local/musa", "/usr/local/opt/"),
    *("/opt/rocm", "/opt/intel/", "/opt/nvidia/", "/opt/mellanox/", "/opt/hpcx"),
    *("/opt/homebrew/lib/", "/opt/homebrew/opt/", "/opt/local/lib/"),
    *("/usr/lib/", "/usr/lib64/"),
)
"""Where vendors, Homebrew, MacPorts and Linux distributions install, by their own manuals."""

_DRIVER_VERSIONS = {"libcuda": ("", "1", "1.1"), "libnvcuvid": ("1",), "libnvoptix": ("1",)}
"""Libraries of NVIDIA's driver, and the versions in the names under which others need them."""
_DRIVER_RELEASE = 3
"""Digits of a driver's release, which is the version of the file itself: ``libcuda.so.550.54``."""
_NVIDIA_DRIVER_DLLS = frozenset({"nvcuda.dll", "nvml.dll", "nvcuvid.dll", "nvencodeapi64.dll"})
_FABRICS = frozenset(
    {"libibverbs", "librdmacm", "libibumad", "libmlx4", "libmlx5", "libefa"}  # rdma-core
    | {"libfabric", "libpsm2", "libcxi"}
)
_GLIBC = frozenset(
    {"libc", "libm", "libpthread", "libdl", "librt", "libutil", "libresolv", "libnsl", "libcrypt"}
    | {"libanl", "libmvec", "libthread_db", "libBrokenLocale"}
    | {"libnss_compat", "libnss_dns", "libnss_files", "libnss_hesiod"}
)
_OPENCL = frozenset({"libOpenCL.so", "libOpenCL.so.1", "opencl.dll"})
"""The OpenCL loader, the DLL in lower case. On Windows the graphics driver installs it into
System32, as Khronos' OpenCL-ICD-Loader says."""
_HIP = "blas blaslt fft fftw rand solver sparse sparselt tensor rtc rtc-builtins dnn file cub"
_ROC = "blas fft rand solver sparse alution jpeg decode shmem al"
_ROCM_OTHERS = (
    "amdhip64 amd_comgr amd_comgr_stub amd_smi rccl rccl-anp MIOpen migraphx migraphx_c "
    "composable_kernel hsa-runtime64 hsa-amd-aqlprofile64 hsakmt rocm-core rocm_smi64 rocm-dbgapi "
    "roctracer64 roctx64 rocprofiler64 rocprofiler64v2 rocprofiler-register rocprofiler-sdk "
    "rocprofiler-sdk-roctx rocdxg"
)
_ROCM = frozenset(
    [f"hip{name}" for name in _HIP.split()]
    + [f"roc{name}" for name in _ROC.split()]
    + _ROCM_OTHERS.split()
)
"""The libraries of ROCm 5 to 7 without ``lib``, suffix and version, by AMD's packages."""
_ROCM_DLLS = frozenset(name.lower().rstrip("0123456789") for name in _ROCM)
"""The same as DLLs, in lower case, without the numbers at their end."""
_ROCM_FAMILIES = ("rocm_sysdeps_", "hipdnn_", "migraphx_", "MIOpen_", "amd_comgr_")
_ONEAPI = (
    *("sycl", "ze_", "ur_", "ccl", "mkl_", "oneccl", "intel", "tbb", "imf", "irng", "svml"),
    "intlc",
)
_ONEAPI_DLLS = ("sycl", "ze_", "ur_", "mkl_", "tbb")
_DESKTOP = frozenset(
    f"lib{name}"
    for name in (
        # graphics: libglvnd, Mesa, the kernel's interfaces
        *("GL", "GLX", "OpenGL", "EGL", "GLESv1_CM", "GLESv2", "GLU", "GLdispatch", "glapi"),
        *("gbm", "drm", "drm_amdgpu", "drm_intel", "vulkan", "va", "va-drm", "va-x11", "vdpau"),
        # X11
        *("X11", "X11-xcb", "Xau", "Xcomposite", "Xcursor", "Xdamage", "Xdmcp", "Xext", "Xfixes"),
        *("Xft", "Xi", "Xinerama", "Xmu", "Xrandr", "Xrender", "Xss", "Xt", "Xtst", "Xxf86vm"),
        *("ICE", "SM", "xcb", "xkbcommon", "xkbcommon-x11", "xkbfile", "xshmfence"),
        # input, sound, print, messages, smart cards
        *("udev", "input", "mtdev", "evdev", "ts", "asound", "jack", "cups", "dbus-1", "speechd"),
        *("pcsclite",),
        # text and widgets
        *("fontconfig", "freetype", "harfbuzz", "gio-2.0", "gmodule-2.0", "gdk_pixbuf-2.0"),
        *("notify", "secret-1"),
        # NSS and NSPR, which Chromium takes from the system
        *("nss3", "nssutil3", "nspr4", "smime3", "plc4", "plds4", "ssl3"),
    )
)
"""Libraries of a Linux desktop without suffix and version, by the packages of Debian."""
_DESKTOP_FAMILIES = (
    *("libxcb-", "libwayland-", "libpulse", "libpipewire-", "libgst", "libgtk-", "libgdk-"),
    *("libatk-", "libatspi", "libpango", "libcairo"),
)
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
    stem, version = split_version(name)
    if stem in _DRIVER_VERSIONS and name.startswith(f"{stem}.so"):
        first = version.partition(".")[0]
        release = len(first) == _DRIVER_RELEASE and not version.strip(".0123456789")
        return version in _DRIVER_VERSIONS[stem] or release
    return name in _NVIDIA_DRIVER_DLLS


def is_fabric(name: str) -> bool:
    """Whether an ELF library drives a network fabric (RDMA): it fits a kernel, and has plug-ins."""
    return split_version(name)[0] in _FABRICS


def is_opencl(name: str) -> bool:
    """Whether a library, a DLL in lower case, is the OpenCL loader of the system or a driver."""
    return name in _OPENCL


def is_rocm(name: str) -> bool:
    """Whether a library is part of AMD's ROCm, shipped with torch's ROCm builds or the device."""
    stem, version = split_version(name)
    if stem == name or version.strip(".0123456789"):
        return False
    plain = stem.removeprefix("lib")
    if name.endswith(".dll"):  # amdhip64_7.dll, hiprtc0702.dll
        plain = plain.rstrip("0123456789").removesuffix("_").rstrip("0123456789")
        return plain in _ROCM_DLLS or plain.startswith(_ROCM_FAMILIES)
    return stem != plain and (plain in _ROCM or plain.startswith(_ROCM_FAMILIES))


def is_oneapi(name: str) -> bool:
    """Whether a library is part of Intel's oneAPI, shipped with torch for XPU or the device."""
    return _is_of(name, _ONEAPI, _ONEAPI_DLLS)


def is_oneapi_apart(name: str) -> bool:
    """Whether a DLL, in lower case, is of oneMKL or oneTBB: only torch for XPU requires these."""
    return name.endswith(".dll") and name.startswith(("mkl_", "tbb"))


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


def is_searched(directory: str) -> bool:
    """Whether the loaders of common systems search an absolute directory of their own accord."""
    path = normpath(directory)
    path = path[1:] if path.startswith("//") else path
    if path in _SEARCHED:
        return True
    head, _, last = path.rpartition("/")
    return f"{head}/" in _MULTIARCH and last in _TRIPLETS


def is_toolkit(directory: str) -> bool:
    """Whether an absolute directory is one in which users install a toolkit, such as CUDA.

    The packages of a Python are left out: ``/usr/lib/python3/dist-packages``.
    """
    path = f"{normpath(directory)}/"
    return path.startswith(_TOOLKITS) and "/python" not in path and "-packages/" not in path


def is_desktop(name: str) -> bool:
    """Whether an ELF library is one of a Linux desktop, or of its graphics driver."""
    stem = split_version(name)[0]
    return name.startswith("lib") and (stem in _DESKTOP or stem.startswith(_DESKTOP_FAMILIES))


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
