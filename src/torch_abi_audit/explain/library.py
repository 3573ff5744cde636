"""Why a library was not found, by its name. Pure but for the index that it asks."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause, Explanation
from torch_abi_audit.knowledge import export_index, libtorch
from torch_abi_audit.model.paths import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Installed

_CUDA = re.compile(
    r"(?:lib)?(?:cudart|cublas|cublasLt|cudnn\w*|cufft|curand|cusolver|cusparse\w*|nvrtc|nvJitLink"
    r"|nccl|cupti|nvToolsExt|cufile|nvshmem\w*)(?:64_|32_)?(?:\.so\.)?(?P<major>\d+)?.*",
    re.IGNORECASE,
)
_OLD_SPLIT = re.compile(
    r"(?:lib)?(?:torch_cuda_(?:cu|cpp)|caffe2(?:_gpu|_detectron\w*)?|shm_\w+)\..*"
)
_PYTHON = re.compile(r"(?:lib)?python(?P<version>\d(?:\.?\d+)?)t?[.\w]*")
_RELEASES = {"linux": "linux_x86_64", "macos": "macosx_arm64", "windows": "win_amd64"}


def library(path: str, system: str | None, installed: Installed | None) -> Explanation:
    """What a library that was not found is, and why it may be missing."""
    name = file_name(path)
    if name == "libcuda.so.1" or name.lower() == "nvcuda.dll":
        return Explanation(
            name,
            "library",
            is_a=("the CUDA driver's library, which no package brings",),
            owner="the NVIDIA driver",
            causes=(Cause.OLD_SYSTEM,),
            why=("there is no NVIDIA driver on this machine, or not in this container",),
            advice=("install the driver, or a build of the package without CUDA",),
        )
    if match := _CUDA.fullmatch(name):
        return _of_cuda(name, match["major"], system, installed)
    if libtorch.is_libtorch(name) or libtorch.is_vendored_copy(name) or _OLD_SPLIT.fullmatch(name):
        return _of_torch(name, system, installed)
    if match := _PYTHON.fullmatch(name):
        return Explanation(
            name,
            "library",
            is_a=("Python itself, as a library",),
            owner="CPython",
            causes=(Cause.WRONG_PYTHON,),
            why=("extensions need not be linked to it, and other Pythons have another name",),
            advice=(
                "install the package's build for the Python that runs",
                "or rebuild it without linking it to libpython",
            ),
        )
    return Explanation(
        name,
        "library",
        causes=(Cause.INCOMPLETE_BUILD,),
        why=(
            (
                "it is no library of torch's, of CUDA or of Python: the package should bring it, "
                "or say that the system must have it"
            ),
        ),
        advice=("install what provides it, or repair the wheel so that it holds a copy",),
        unknown=("which project it belongs to",),
    )


def _of_torch(name: str, system: str | None, installed: Installed | None) -> Explanation:
    platform = _RELEASES.get(system or "linux", "linux_x86_64")
    releases = export_index.releases(platform)
    shipping = [one.version for one in releases if name in one.libraries]
    is_a = ("one of torch's own libraries",)
    if not shipping:
        split = _OLD_SPLIT.fullmatch(name) is not None
        kind = "releases before 2.0 had it" if split else "other builds may have it"
        if "hip" in name or "xpu" in name:
            kind = "ROCm and XPU builds have theirs"
        return Explanation(
            name,
            "library",
            is_a=is_a,
            owner="libtorch",
            causes=(Cause.OTHER_TORCH,),
            why=(
                (
                    f"no release from {releases[0].version} to {releases[-1].version} ships it on "
                    f"{platform}; {kind}"
                ),
            ),
            advice=(
                (
                    "install the package's build for the torch at hand, or rebuild it against "
                    "that torch"
                ),
            ),
            pair=_at_hand(installed),
        )
    why = [
        (
            f"torch ships it ({shipping[0]} to {shipping[-1]}) in torch/lib, where the system's "
            "loader does not look"
        )
    ]
    causes = [Cause.IMPORT_ORDER]
    advice = [
        "import torch before the extension: its libraries are then already loaded",
        "or install torch into the environment that runs",
    ]
    if export_index.is_cuda_library(name):
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


def _of_cuda(
    name: str, major: str | None, system: str | None, installed: Installed | None
) -> Explanation:
    number = major[:2] if major and "cudart" in name.lower() else major
    releases = export_index.releases(_RELEASES["windows" if system == "windows" else "linux"])
    toolkit = re.match(r"(?:lib)?(?:cudart|cublas|cublasLt|nvrtc|nvJitLink)", name, re.IGNORECASE)
    why = [f"it is of major release {number}"] if number else []
    advice = ["install the package's build for the CUDA major of the torch at hand"]
    if toolkit and number:
        same = [one.version for one in releases if str(one.cuda_major) == number]
        if same:
            why.append(f"torch's CUDA {number} builds are, among those known, {', '.join(same)}")
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
