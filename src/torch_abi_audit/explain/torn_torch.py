"""Explains why torch itself does not load: its files and the copies of what it needs disagree."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause, Fails
from torch_abi_audit.knowledge.names.system import is_searched
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
    return replace(
        answer,
        causes=(Cause.MIXED, Cause.OTHER_COPY),
        why=(
            (
                "a library of torch lacks it, and both come from one build: files of several "
                "releases are mixed, or a library of another torch is loaded first"
            ),
        ),
        advice=(
            REINSTALL,
            f"or see which copies are loaded: {scene.how_to_see}",
            *elsewhere(scene),
        ),
    )


def left_over(answer: Explanation, scene: Scene) -> Explanation:
    """The answer, unless the file that fails is one that only torch before 2.0 has."""
    name = file_name(scene.file or "")
    if scene.fails is not Fails.TORCH or build_of(name) is not Build.OLD or _is_old(scene):
        return answer
    if answer.owner not in (None, "torch", "libtorch"):  # what it lacks is of another project
        return answer
    return replace(
        answer,
        causes=(Cause.MIXED, *(one for one in answer.causes if one is not Cause.MIXED)),
        why=(
            f"{name} is a library of torch before 2.0, left over from an old release",
            *answer.why,
        ),
        advice=(REINSTALL, *(one for one in answer.advice if "reinstall torch" not in one)),
    )


def stray(answer: Explanation, scene: Scene) -> Explanation:
    """The answer, with what follows if the file that fails is of a torch outside of Python's."""
    path = scene.file or ""
    if scene.fails is not Fails.TORCH or not _STRAY.search(path) or "-packages/" in path:
        return answer
    if scene.native:
        return answer
    directory = path.rpartition("/")[0]
    if directory.endswith(("/torch/lib", "/torch/.dylibs")):
        return answer
    if is_searched(directory):  # of a Linux distribution
        return answer
    variable = "DYLD_LIBRARY_PATH" if scene.system.word == "macos" else "LD_LIBRARY_PATH"
    return replace(
        answer,
        causes=tuple(dict.fromkeys((*answer.causes, Cause.OTHER_COPY))),
        why=(
            (
                f"{file_name(path)} is of another torch than the one that Python imports: of a "
                f"libtorch or a build in {directory}"
            ),
            *answer.why,
        ),
        advice=(
            f"take {directory} off {variable}, so that torch finds its own libraries",
            *answer.advice,
        ),
    )


_STRAY = re.compile(r"^/.*/lib(?:torch|c10)[\w.]*$")


def _is_old(scene: Scene) -> bool:
    """Whether the installed torch is older than 2.0."""
    return scene.installed is not None and scene.installed.number.startswith(("0.", "1."))


def elsewhere(scene: Scene) -> tuple[str, ...]:
    """Where other copies of libraries come from, as an advice."""
    variable = {"linux": "LD_LIBRARY_PATH", "macos": "DYLD_LIBRARY_PATH", "windows": "PATH"}
    word = variable[scene.system.word]
    if scene.system.word == "windows":
        return ("or take directories with other copies of its DLLs out of PATH",)
    return (f"or unset {word}: other copies come from there, from conda or from the system",)
