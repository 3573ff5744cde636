"""Explains a GPU or an architecture that was asked about by its name: ``sm_120``, ``RTX 5090``."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause, Explanation, installed_torch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.scene import Scene
    from torch_abi_audit.model.gpus import Gpu

_NVIDIA = re.compile(r"(?P<kind>sm_|compute_)\d{2,3}(?P<suffix>[a-z]?)")
_AMD = re.compile(r"gfx\d{1,2}[0-9a-f]{2}")
_GENERIC = re.compile(r"gfx[\d-]{1,6}-generic")
_LONG = re.compile(r"\d{3}|\w \w")
_LIKE_A_NAME = re.compile(
    r"(?:nvidia |amd )?(?:geforce|rtx|gtx|gt|quadro|tesla|titan|radeon|rx|instinct|jetson) ?\w.*"
    r"|nvidia \w.*|[abhlpv]\d{2,3}[a-z]{0,2}|g[bh]\d{2,3}|mi ?\d{2,3}\w?",
    re.IGNORECASE,
)
"""What looks like the name of a GPU, whether or not there is one."""
_KINDS = {
    ("sm_", ""): "machine code for compute capability {0}",
    ("sm_", "a"): "machine code for exactly compute capability {0}",
    ("sm_", "f"): "machine code for the family of compute capability {0}",
    ("compute_", ""): "PTX that the driver compiles for compute capability {0} and all newer ones",
    ("compute_", "a"): "PTX for exactly compute capability {0}",
    ("compute_", "f"): "PTX for the family of compute capability {0}",
}


def architecture(asked: str, scene: Scene) -> Explanation | None:
    """The answer to an architecture as compilers spell it; None for other words."""
    if (match := _NVIDIA.fullmatch(asked)) is not None:
        from torch_abi_audit.knowledge.cuda_toolkits import is_known  # reads a table
        from torch_abi_audit.knowledge.gpus import capability

        if not is_known(asked):
            return _unknown(asked, "an architecture that no known CUDA release compiles for", scene)
        kind = _KINDS[match["kind"], match["suffix"]]
        return _explained(asked, kind.format(capability(asked)), scene)
    if _GENERIC.fullmatch(asked):
        return _generic(asked, scene)
    if not _AMD.fullmatch(asked):
        return None
    from torch_abi_audit.knowledge.gpus import gpu  # reads a table
    from torch_abi_audit.model.errors import UnknownGpuError

    try:
        gpu(asked)
    except UnknownGpuError:
        return _unknown(asked, "an architecture of no known AMD GPU", scene)
    return _explained(asked, "machine code for this AMD GPU", scene)


def gpu_name(asked: str, scene: Scene) -> Explanation | None:
    """The answer to the name of a GPU; None for other words, and for names of several GPUs.

    Short names such as ``T10`` are left out: rules have such names, too.
    """
    if _LONG.search(asked) is None:
        return None
    from torch_abi_audit.knowledge.gpu_names import find  # reads a table
    from torch_abi_audit.model.errors import UnknownGpuError

    try:
        found = find(asked)
    except UnknownGpuError as several:
        return _unknown(asked, str(several), scene)
    return None if found is None else _explained(found.target, None, scene, found.name)


def misspelt_gpu(asked: str, scene: Scene) -> Explanation | None:
    """The answer to what looks like the name of a GPU and is none; None for other words."""
    if len(asked) > 80 or not _LIKE_A_NAME.fullmatch(asked):
        return None
    return _unknown(asked, "no known GPU is called so", scene)


def _unknown(asked: str, what: str, scene: Scene) -> Explanation:
    from torch_abi_audit.knowledge.gpu_names import close  # reads a table

    return Explanation(
        asked,
        "unknown",
        causes=(Cause.UNKNOWN,),
        unknown=(f"what this is: {what}",),
        nearby=close(asked),
        pair=installed_torch(scene.installed),
    )


def _generic(asked: str, scene: Scene) -> Explanation:
    from torch_abi_audit.knowledge.gpus import members_of  # reads a table

    members = members_of(asked)
    if not members:
        return _unknown(asked, "a generic architecture of no known AMD GPUs", scene)
    return Explanation(
        asked,
        "gpu",
        is_a=(f"machine code for the AMD GPUs {', '.join(members)}",),
        advice=(f"to compile for it: --offload-arch={asked}",),
        pair=installed_torch(scene.installed),
    )


def _explained(target: str, kind: str | None, scene: Scene, name: str | None = None) -> Explanation:
    from torch_abi_audit.explain.devices.answer import for_build
    from torch_abi_audit.explain.devices.torch_builds import history, to_install
    from torch_abi_audit.knowledge.cuda_toolkits import dropped_in, first_toolkit
    from torch_abi_audit.knowledge.gpus import gpu_of

    gpu = gpu_of(target)
    first, dropped = first_toolkit(target), dropped_in(target)
    torch = history(gpu, scene.platform)
    return Explanation(
        name or target,
        "gpu",
        is_a=(f"a GPU of architecture {target}",) if kind is None else (kind, *_where(target, gpu)),
        why=(
            *([f"CUDA knows it since release {first}"] if first else []),
            *([f"CUDA dropped it in release {dropped}"] if dropped else []),
            *([torch] if torch else []),
        ),
        advice=(
            *to_install(gpu, scene.platform, None),
            f"to compile for it: {for_build(target)}",
        ),
        pair=installed_torch(scene.installed),
    )


def _where(target: str, gpu: Gpu) -> Iterator[str]:
    """Yield the GPUs that code for an architecture runs on, as a sentence."""
    from torch_abi_audit.judges.gpus import fits
    from torch_abi_audit.knowledge.gpus import every_generation

    if target.startswith("compute_") and target[-1:].isdigit():
        yield f"runs on {gpu.title} and newer GPUs, once the driver has compiled it"
        return
    known = [one.title for one in every_generation() if fits(target, one.target)]
    if known:
        yield f"runs on {', '.join(known)}"
