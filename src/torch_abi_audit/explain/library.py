"""Why a library was not found, by its name. Pure but for the index that it asks."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Explanation
from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.names import cuda
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.system import MACOS_PATHS, is_loader, is_musl
from torch_abi_audit.knowledge.names.torch import Build, build_of
from torch_abi_audit.knowledge.platforms import LINUX, WINDOWS, usual_platform
from torch_abi_audit.knowledge.policies import is_linux_library, is_windows_library
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Installed

_OWN_BUILD = "install the package's build for the torch at hand, or rebuild it against that torch"

_KINDS = {
    Kind.TORCH_COPY: Explanation(
        "",
        "library",
        is_a=("a copy of one of torch's own libraries, under a name that wheel repair gave it",),
        owner="libtorch",
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("only the wheel that was repaired has a library of this name",),
        advice=(
            "install the package again",
            "or build its wheel so that repair leaves libtorch out (auditwheel repair --exclude)",
        ),
    ),
    Kind.NVIDIA_DRIVER: Explanation(
        "",
        "library",
        is_a=("a library of the NVIDIA driver, which no package brings",),
        owner="the NVIDIA driver",
        causes=(Cause.OLD_SYSTEM,),
        why=("there is no NVIDIA driver on this machine, or not in this container",),
        advice=("install the driver, or a build of the package without CUDA",),
    ),
    Kind.OPENCL: Explanation(
        "",
        "library",
        is_a=("the OpenCL loader, which comes with the system or a device's driver",),
        owner="the system",
        causes=(Cause.OLD_SYSTEM,),
        why=("this machine, or this container, does not have it",),
        advice=("install the OpenCL loader (ocl-icd), or the driver of the device",),
    ),
    Kind.ROCM: Explanation(
        "",
        "library",
        is_a=("one of AMD's ROCm libraries",),
        owner="ROCm",
        causes=(Cause.OTHER_TORCH, Cause.IMPORT_ORDER),
        why=("ROCm builds of torch bring theirs, and other builds have none",),
        advice=(
            "install a ROCm build of torch, and import it before the extension",
            "or install the package's build for the torch at hand",
        ),
        unknown=("whether the package expects the ROCm of the system instead",),
    ),
    Kind.ONEAPI: Explanation(
        "",
        "library",
        is_a=("one of Intel's oneAPI libraries",),
        owner="oneAPI",
        causes=(Cause.OTHER_TORCH, Cause.IMPORT_ORDER),
        why=(
            "XPU builds of torch bring the SYCL runtime and what it needs; other builds do not",
            "MKL and TBB are also packages of their own (mkl, tbb)",
        ),
        advice=(
            "install an XPU build of torch, and import it before the extension",
            "or install the package's build for the torch at hand",
        ),
        unknown=("whether the package expects the oneAPI of the system instead",),
    ),
    Kind.PYTHON: Explanation(
        "",
        "library",
        is_a=("Python itself, as a library",),
        owner="CPython",
        causes=(Cause.WRONG_PYTHON,),
        why=("extensions need not be linked to it, and other Pythons have another name",),
        advice=(
            "install the package's build for the Python that runs",
            "or rebuild it without linking it to libpython",
        ),
    ),
    Kind.SYSTEM: Explanation(
        "",
        "library",
        is_a=("a library of the system, which a package need not bring",),
        owner="the system",
        causes=(Cause.OLD_SYSTEM,),
        why=("this system, or this container, does not have it",),
        advice=("install it with the system's package manager",),
    ),
    Kind.OTHER: Explanation(
        "",
        "library",
        causes=(Cause.INCOMPLETE_BUILD,),
        why=(
            "it is not a library of torch, CUDA, Python or the system: the package should bring it",
        ),
        advice=("install what provides it, or repair the wheel so that it holds a copy",),
        unknown=("which project it belongs to",),
    ),
}
"""What is said of a library for its kind alone."""
_OTHER_LIBC = Explanation(
    "",
    "library",
    is_a=("the C library or the loader of another kind of Linux",),
    owner="the system",
    causes=(Cause.WRONG_MACHINE,),
    why=("a package built for glibc does not load on musl (Alpine), nor the other way around",),
    advice=("install the package's build for this system: manylinux is glibc, musllinux is musl",),
)


def library(path: str, system: str | None, installed: Installed | None) -> Explanation:
    """What a library that was not found is, and why it may be missing."""
    name = file_name(path)
    kind = kind_of(path)
    if kind is Kind.CUDA:
        return _of_cuda(name, system, installed)
    if kind is Kind.TORCH:
        return _of_torch(name, system, installed)
    if is_loader(name) or is_musl(name):
        return replace(_OTHER_LIBC, subject=name)
    if kind is Kind.OTHER and _is_of_system(path, name):
        kind = Kind.SYSTEM
    return replace(_KINDS[kind], subject=name)


def _is_of_system(path: str, name: str) -> bool:
    """Whether the tables of what systems have name it."""
    return (
        path.startswith(MACOS_PATHS) or is_linux_library(name) or is_windows_library(name.lower())
    )


_ELSEWHERE = {
    Build.OLD: "releases before 2.0 had it",
    Build.ROCM: "ROCm builds have it",
    Build.XPU: "XPU builds have it",
}
"""Where a library of libtorch's is that no indexed release ships."""


def _of_torch(name: str, system: str | None, installed: Installed | None) -> Explanation:
    platform = usual_platform(system)
    releases = export_index.releases(platform)
    known = [one.version for one in releases]
    shipping = [one.version for one in releases if name in one.libraries]
    is_a = ("one of torch's own libraries",)
    if not shipping:
        elsewhere = _ELSEWHERE.get(build_of(name), "other builds may have it")
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
            pair=_at_hand(installed),
        )
    why = [
        (
            f"torch ships it ({release_runs(shipping, known)}) in torch/lib, where the system's "
            "loader does not look"
        )
    ]
    causes = [Cause.IMPORT_ORDER]
    advice = [
        "import torch before the extension: its libraries are then already loaded",
        "or install torch into the environment that runs",
    ]
    if build_of(name) is Build.CUDA:
        why.append("only CUDA builds of torch have it")
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
        pair=_at_hand(installed),
        unknown=("whether torch is installed where the error came from",) if not installed else (),
    )


def _of_cuda(name: str, system: str | None, installed: Installed | None) -> Explanation:
    releases = export_index.releases(
        usual_platform(WINDOWS.word if system == WINDOWS.word else LINUX.word)
    )
    version, number = cuda.own_version(name), cuda.major(name)
    why = [f"it is of major release {version}"] if version else []
    advice = ["install the package's build for the CUDA major of the torch at hand"]
    if number is not None:
        same = [one.version for one in releases if one.cuda_major == number]
        if same:
            runs = release_runs(same, [one.version for one in releases])
            why.append(f"torch's CUDA {number} builds are, among those known, {runs}")
            advice.append(f"or install a torch for CUDA {number}, such as torch=={same[-1]}")
        else:
            why.append(f"no torch that is known was published for CUDA {number}")
    advice.append("import torch before the extension: it loads the CUDA libraries that it brings")
    return Explanation(
        name,
        "library",
        is_a=("one of NVIDIA's CUDA libraries",),
        owner="CUDA",
        causes=(Cause.CUDA_MAJOR, Cause.IMPORT_ORDER),
        why=tuple(why),
        advice=tuple(advice),
        pair=_at_hand(installed),
    )


def _at_hand(installed: Installed | None) -> tuple[str, ...]:
    if installed is None:
        return ()
    if not installed.stated:
        return (f"the torch at hand is {installed.version}, in a build that is not known",)
    cuda = f"for CUDA {installed.cuda}" if installed.cuda else "without CUDA"
    return (f"the torch at hand is {installed.version}, {cuda}",)
