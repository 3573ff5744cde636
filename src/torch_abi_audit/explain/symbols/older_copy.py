"""Explains a symbol that a library lacks which *was* found: another copy of it is older."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Fails
from torch_abi_audit.explain.libraries.nvidia import packages
from torch_abi_audit.explain.torn_torch import elsewhere
from torch_abi_audit.knowledge.names.functions import Project
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Explanation
    from torch_abi_audit.explain.scene import Scene
    from torch_abi_audit.knowledge.names.functions import Provider


def was_found(scene: Scene) -> str | None:
    """The library that was found and lacks the symbol, where the text proves that; else None."""
    if scene.version is not None and ".so" in scene.version:
        return scene.version
    return None if scene.flat else scene.expected_in


def older_copy(answer: Explanation, owner: Provider, scene: Scene) -> Explanation:
    """Explain a symbol of an older copy of a library.

    Args:
        answer: The answer so far.
        owner: The project and library that should export the symbol.
        scene: Where the error happened.
    """
    found = was_found(scene) or owner.library
    name = file_name(found)
    why = [_evidence(found, scene)]
    causes = [Cause.OTHER_COPY]
    advice = [f"see which copy of {name} is loaded: {_how(found, scene)}", *elsewhere(scene)]
    brought = packages(name, scene.installed)
    if scene.fails in (Fails.EXTENSION, None):
        why.append(
            f"what needs it was built with a newer release of {owner.title} than the one that is "
            f"loaded"
        )
        causes.append(Cause.OTHER_TORCH)
        if owner.project is Project.CUDA:
            advice.append("or install the package's build for the CUDA release of torch")
    elif owner.project is Project.CUDA:
        causes.append(Cause.MIXED)
        advice.append(
            "or upgrade the package that brings it to the release that torch requires"
            + (f": {', '.join(brought)}" if brought else f": the nvidia-* package of {owner.title}")
        )
    else:
        causes.append(Cause.MIXED)
        advice.append(f"or install the release of {owner.title} that torch requires")
    return replace(
        answer,
        provider=name,
        causes=tuple(causes),
        why=tuple(why),
        advice=tuple(advice),
        unknown=("which copy was loaded: the text does not name its directory",)
        if "/" not in found
        else (),
    )


def _evidence(found: str, scene: Scene) -> str:
    name = file_name(found)
    if scene.version is not None and ".so" in scene.version:
        return (
            f"{name} was found: the loader names it as the library that lacks the symbol, so the "
            "copy that is loaded is older than the one it was linked with"
        )
    if scene.expected_in:
        return f"{found} was found, and does not export the symbol: it is older, or of another kind"
    return (
        f"a copy of {name} is loaded, or the loader would have said that the library is missing; "
        "that copy is older and does not export the symbol"
    )


def _how(found: str, scene: Scene) -> str:
    if scene.system.word != "linux":
        return scene.how_to_see
    needs = scene.file or "FILE"
    return f"LD_DEBUG=libs python -c 'import torch' 2>&1 | grep {file_name(found)}, or ldd {needs}"
