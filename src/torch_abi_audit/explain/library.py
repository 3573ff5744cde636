"""Explains why a library was not found, from its name. Pure: it reads only the export index."""

from __future__ import annotations

from torch_abi_audit.explain.cuda_library import cuda_library
from torch_abi_audit.explain.explanation import Cause, Explanation, installed_torch
from torch_abi_audit.explain.kinds.known_libraries import known_library
from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.system import MACOS_PATHS, is_loader, is_musl
from torch_abi_audit.knowledge.names.torch import Build, build_of, is_runtime
from torch_abi_audit.knowledge.platforms import usual_platform
from torch_abi_audit.knowledge.policies import is_linux_library, is_windows_library
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Installed

_OWN_BUILD = "install the package's build for the installed torch, or rebuild it against that torch"

_KINDS = {
    Kind.TORCH_COPY: Explanation(
        "",
        "library",
        is_a=("a copy of one of torch's libraries, renamed by a wheel repair tool",),
        owner="libtorch",
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("only the repaired wheel contains a library with this name",),
        advice=(
            "reinstall the package",
            "or build its wheel without a copy of libtorch: see torch-abi-audit repair",
        ),
    ),
    Kind.NVIDIA_DRIVER: Explanation(
        "",
        "library",
        is_a=("a library of the NVIDIA driver, which no package contains",),
        owner="the NVIDIA driver",
        causes=(Cause.OLD_SYSTEM,),
        why=("the NVIDIA driver is not installed, or not available in this container",),
        advice=("install the driver, or a build of the package without CUDA",),
    ),
    Kind.OPENCL: Explanation(
        "",
        "library",
        is_a=("the OpenCL loader, which the system or a device driver installs",),
        owner="the system",
        causes=(Cause.OLD_SYSTEM,),
        why=("it is not installed on this machine, or in this container",),
        advice=("install the OpenCL loader (ocl-icd) or the driver of the device",),
    ),
    Kind.ROCM: Explanation(
        "",
        "library",
        is_a=("one of AMD's ROCm libraries",),
        owner="ROCm",
        causes=(Cause.OTHER_TORCH, Cause.IMPORT_ORDER),
        why=("ROCm builds of torch contain the ROCm libraries; other builds do not",),
        advice=(
            "install a ROCm build of torch, and import it before the extension",
            "or install the package's build for the installed torch",
        ),
        unknown=("whether the package expects ROCm to be installed on the system",),
    ),
    Kind.ONEAPI: Explanation(
        "",
        "library",
        is_a=("one of Intel's oneAPI libraries",),
        owner="oneAPI",
        causes=(Cause.OTHER_TORCH, Cause.IMPORT_ORDER),
        why=(
            "XPU builds of torch install the SYCL runtime and what it needs; other builds do not",
            "MKL and TBB are also available as packages (mkl, tbb)",
        ),
        advice=(
            "install an XPU build of torch, and import it before the extension",
            "or install the package's build for the installed torch",
        ),
        unknown=("whether the package expects oneAPI to be installed on the system",),
    ),
    Kind.PYTHON: Explanation(
        "",
        "library",
        is_a=("the Python interpreter as a shared library",),
        owner="CPython",
        causes=(Cause.WRONG_PYTHON,),
        why=("its name differs between Python versions, and extensions need not be linked to it",),
        advice=(
            "install the package's build for the running Python",
            "or rebuild it without linking it to libpython",
        ),
    ),
    Kind.SYSTEM: Explanation(
        "",
        "library",
        is_a=("a system library, which a package need not contain",),
        owner="the system",
        causes=(Cause.OLD_SYSTEM,),
        why=("it is not installed on this system, or in this container",),
        advice=("install it with the system package manager",),
    ),
    Kind.OTHER: Explanation(
        "",
        "library",
        causes=(Cause.INCOMPLETE_BUILD,),
        why=(
            "it is not part of torch, CUDA, Python or the system, so the package should contain it",
        ),
        advice=("install the package that provides it, or repair the wheel to bundle a copy",),
        unknown=("which project it belongs to",),
    ),
}
"""The answers that depend only on the kind of library."""
_OTHER_LIBC = Explanation(
    "",
    "library",
    is_a=("the C library or the dynamic loader of another kind of Linux",),
    owner="the system",
    causes=(Cause.WRONG_MACHINE,),
    why=("a package built for glibc does not load on musl (Alpine), and vice versa",),
    advice=("install the package's build for this system: manylinux is glibc, musllinux is musl",),
)
_RUNTIME = Explanation(
    "",
    "library",
    is_a=("a runtime library of another project that torch's wheels bundle beside libtorch",),
    causes=(Cause.IMPORT_ORDER, Cause.OLD_SYSTEM),
    why=(
        "the dynamic loader does not search torch/lib, and no copy is installed where it searches",
    ),
    advice=(
        "import torch before the extension, so that torch's copy is already loaded",
        "or install the library on the system",
    ),
    unknown=("whether the installed torch bundles it: not all releases and builds do",),
)


def library(path: str, system: str | None, installed: Installed | None) -> Explanation:
    """Explain what a library that was not found is, and why it may be missing.

    Args:
        path: The library's name or path, as in the error.
        system: ``linux``, ``macos`` or ``windows``; None if not known.
        installed: The installed torch, if any.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    name = file_name(path)
    kind = kind_of(path)
    if kind is Kind.CUDA:
        return cuda_library(name, system, installed)
    if kind is Kind.TORCH:
        return _of_torch(name, system, installed)
    if is_loader(name) or is_musl(name):
        return replace(_OTHER_LIBC, subject=name)
    if is_runtime(path):
        return replace(_RUNTIME, subject=name, pair=installed_torch(installed))
    if (known := known_library(name)) is not None:
        return Explanation(
            name,
            "library",
            is_a=(known.is_a,),
            owner=known.owner,
            causes=known.causes,
            why=known.why,
            advice=known.advice,
            unknown=known.unknown,
        )
    if kind is Kind.OTHER and _is_of_system(path, name):
        kind = Kind.SYSTEM
    return replace(_KINDS[kind], subject=name)


def _is_of_system(path: str, name: str) -> bool:
    """Whether it is in the tables of system libraries."""
    return (
        path.startswith(MACOS_PATHS) or is_linux_library(name) or is_windows_library(name.lower())
    )


_ELSEWHERE = {
    Build.OLD: "releases before 2.0 shipped it",
    Build.ROCM: "ROCm builds ship it",
    Build.XPU: "XPU builds ship it",
}
"""Who ships a libtorch library that no indexed release contains."""


def _of_torch(name: str, system: str | None, installed: Installed | None) -> Explanation:
    platform = usual_platform(system)
    releases = export_index.releases(platform)
    known = [one.version for one in releases]
    shipping = [one.version for one in releases if name in one.libraries]
    is_a = ("one of torch's libraries",)
    if not shipping:
        elsewhere = _ELSEWHERE.get(build_of(name), "other builds may ship it")
        return Explanation(
            name,
            "library",
            is_a=is_a,
            owner="libtorch",
            causes=(Cause.OTHER_TORCH,),
            why=(
                (
                    f"no release from {releases[0].version} to {releases[-1].version} ships it on "
                    f"{platform}; {elsewhere}"
                ),
            ),
            advice=(_OWN_BUILD,),
            pair=installed_torch(installed),
        )
    why = [
        (
            f"it is in torch/lib of torch {release_runs(shipping, known)}, which the dynamic "
            "loader does not search"
        )
    ]
    causes = [Cause.IMPORT_ORDER]
    advice = [
        "import torch before the extension, so that its libraries are already loaded",
        "or install torch into the running environment",
    ]
    if build_of(name) is Build.CUDA:
        why.append("only CUDA builds of torch ship it")
        advice.insert(0, "install a CUDA build of torch, or a CPU build of the package")
        causes.insert(0, Cause.CPU_TORCH)
        if installed is not None and installed.cuda is not None:
            causes = [Cause.IMPORT_ORDER]
    return Explanation(
        name,
        "library",
        is_a=is_a,
        owner="libtorch",
        provider=name,
        causes=tuple(causes),
        why=tuple(why),
        advice=tuple(advice),
        pair=installed_torch(installed),
        unknown=("whether torch is installed where the error occurred",) if not installed else (),
    )
