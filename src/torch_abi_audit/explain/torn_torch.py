"""Explains why torch itself does not load: its files and the copies of what it needs disagree."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.knowledge.names.torch import Build, build_of
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Explanation
    from torch_abi_audit.explain.scene import Scene

REINSTALL = (
    "reinstall torch with all that it requires: pip uninstall torch until none is left, delete "
    "what remains of site-packages/torch, then install it again"
)


def torn_torch(answer: Explanation, scene: Scene) -> Explanation:
    """Explain a symbol that torch's own libraries lack, and no other project should provide."""
    why = [
        (
            "a library of torch lacks it, and both come from one build of torch: files of several "
            "releases are mixed, or a library of another torch is loaded first"
        )
    ]
    if scene.file is not None and build_of(file_name(scene.file)) is Build.OLD:
        why.insert(0, f"{file_name(scene.file)} is a library of torch before 2.0, left over here")
    return replace(
        answer,
        causes=(Cause.MIXED, Cause.OTHER_COPY),
        why=tuple(why),
        advice=(
            REINSTALL,
            f"or see which copies are loaded: {scene.how_to_see}",
            *elsewhere(scene),
        ),
    )


def elsewhere(scene: Scene) -> tuple[str, ...]:
    """Where other copies of libraries come from, as an advice."""
    variable = {"linux": "LD_LIBRARY_PATH", "macos": "DYLD_LIBRARY_PATH", "windows": "PATH"}
    word = variable[scene.system.word]
    if scene.system.word == "windows":
        return ("or take directories with other copies of its DLLs out of PATH",)
    return (f"or unset {word}: other copies come from there, from conda or from the system",)
