"""Explains why a library is missing that is named by its path, or that only one package has."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause, Explanation, installed_torch
from torch_abi_audit.explain.torn_torch import REINSTALL
from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.scene import Scene


def of_homebrew(answer: Explanation, path: str) -> Explanation:
    """The answer, with the package of Homebrew that a file names by its path."""
    match = _HOMEBREW.match(path)
    if match is None:
        return answer
    return replace(
        answer,
        causes=(
            Cause.NOT_INSTALLED,
            *(one for one in answer.causes if one in (Cause.SEARCH_PATH, Cause.OLD_SYSTEM)),
        ),
        why=("what needs it names Homebrew's copy by its path, and the file is not there",),
        unknown=(),
        advice=(
            f"brew install {match['formula']}",
            "or change the path in the file that needs it: install_name_tool -change OLD NEW FILE",
        ),
    )


_HOMEBREW = re.compile(r"/(?:opt/homebrew|usr/local)/(?:opt|Cellar)/(?P<formula>[\w@.+-]{1,80})/")


def file_itself(path: str, scene: Scene) -> Explanation:
    """Explain a library that was opened by its path, and is not there."""
    if _CACHES.search(path):
        return _built_when_used(path)
    return Explanation(
        file_name(path),
        "library",
        is_a=("the library that was to be loaded, given by its path",),
        causes=(Cause.NOT_INSTALLED, Cause.INCOMPLETE_BUILD),
        why=("the file does not exist: it was not built, not installed, or has another name",),
        advice=(
            "look into its directory: the build may have given the file another name, or none",
            "reinstall the package, or build it again",
        ),
        pair=installed_torch(scene.installed),
    )


def renamed_copy(name: str, scene: Scene) -> Explanation:
    """A library whose name a wheel repair tool gave it: only one wheel has it."""
    plain = without_mark(name)[0]
    of_torch = scene.is_of_torch
    package = "torch" if of_torch else scene.package or "the package"
    return Explanation(
        name,
        "library",
        is_a=(f"a copy of {plain} that a wheel contains, renamed when the wheel was made",),
        owner=package,
        causes=(Cause.MIXED, Cause.DAMAGED) if of_torch else (Cause.INCOMPLETE_BUILD, Cause.MIXED),
        why=(
            (
                f"only the wheel of {package} has a file of this name: it is missing, or not "
                f"where the "
                "file that needs it looks; no other copy replaces it"
            ),
        ),
        advice=(REINSTALL,)
        if of_torch
        else (f"reinstall {package}, and do not move single files out of its directory",),
        pair=installed_torch(scene.installed) if of_torch else (),
    )


_CACHES = re.compile(r"/(?:torch_extensions|\.?triton|torchinductor_\w+|flashinfer|\.cache)/")
"""Directories of files that are compiled when they are first used."""


def _built_when_used(path: str) -> Explanation:
    """A file that is compiled when it is first used, and is not there."""
    directory = path.rpartition("/")[0]
    return Explanation(
        file_name(path),
        "library",
        is_a=("a library that is compiled when it is first used",),
        causes=(Cause.EARLIER, Cause.INCOMPLETE_BUILD),
        why=("the file was not made: its build failed or was interrupted before this error",),
        advice=(
            "look for the first error of the compiler or linker before this one",
            f"or build it by hand to see the error: ninja -v -C {directory}",
            (
                "then delete that directory, and start again: a lock file of an interrupted build "
                "may be left in it"
            ),
        ),
        unknown=("why the build failed: this text does not say",),
    )
