"""Explains why a CUDA library was not found: its release, and whether torch loads it."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Explanation, installed_torch
from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.names import cuda
from torch_abi_audit.knowledge.names.cuda import is_loaded_by_torch
from torch_abi_audit.knowledge.platforms import LINUX, WINDOWS, usual_platform
from torch_abi_audit.model.releases import release_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Installed


def cuda_library(name: str, system: str | None, installed: Installed | None) -> Explanation:
    """Explain why one of NVIDIA's CUDA libraries was not found.

    Args:
        name: Its file name.
        system: The system of the error, ``windows`` for example; None if the text does not say.
        installed: The installed torch, if there is one.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    number, own = cuda.major(name), cuda.own_version(name)
    why: list[str] = []
    advice: list[str] = []
    causes: list[Cause] = []
    if number is not None:
        why.append(f"its major version is {number}")
        if (
            installed is not None
            and installed.cuda is not None
            and (installed.cuda.partition(".")[0] == str(number))
        ):
            why.append(f"the installed torch is built for CUDA {number} as well")
        else:
            causes.append(Cause.CUDA_MAJOR)
            built, another = _builds_for(number, system)
            why.append(built)
            advice += [
                "install the package's build for the CUDA major version of the installed torch",
                *another,
            ]
    elif own is not None:
        why.append(f"its own major version is {own}, which is not CUDA's")
    if is_loaded_by_torch(name):
        causes.append(Cause.IMPORT_ORDER)
        advice.append(
            "import torch before the extension, so that its CUDA libraries are already loaded"
        )
        if number is None:
            causes.append(Cause.OTHER_TORCH)
            advice.append("or install the package's build for the installed torch")
        elif Cause.CUDA_MAJOR not in causes:
            advice.append("or add the library's directory to the loader's search path")
    else:
        causes.append(Cause.OLD_SYSTEM)
        why.append("no known torch release loads it")
        release = f"CUDA {number}" if number is not None else "CUDA"
        advice.append(
            f"install the nvidia-* package for {release} that contains it, or the {release} toolkit"
        )
    return Explanation(
        name,
        "library",
        is_a=("one of NVIDIA's CUDA libraries",),
        owner="CUDA",
        causes=tuple(causes),
        why=tuple(why),
        advice=tuple(advice),
        pair=installed_torch(installed),
    )


def _builds_for(number: int, system: str | None) -> tuple[str, tuple[str, ...]]:
    """Which releases are built for a CUDA major version, and the advice to install one."""
    on_windows = system == WINDOWS.word
    releases = export_index.releases(usual_platform(WINDOWS.word if on_windows else LINUX.word))
    same = [one.version for one in releases if one.cuda_major == number]
    if not same:
        where = "Windows" if on_windows else "Linux"
        return (
            f"no known torch release on the package index is built for CUDA {number} on {where}",
            (),
        )
    runs = release_runs(same, [one.version for one in releases])
    return (
        f"known torch builds for CUDA {number}: {runs}",
        (f"or install a torch for CUDA {number}, such as torch=={same[-1]}",),
    )
