"""Explains why a CUDA library was not found: its release, who brings it, whether torch loads it."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Explanation, installed_torch
from torch_abi_audit.explain.libraries.nvidia import packages, releases_of
from torch_abi_audit.explain.torn_torch import REINSTALL
from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.names import cuda
from torch_abi_audit.knowledge.names.cuda import is_loaded_by_torch
from torch_abi_audit.knowledge.platforms import LINUX, WINDOWS, usual_platform
from torch_abi_audit.model.releases import release_key, release_runs
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.scene import Scene


@dataclass(frozen=True, slots=True)
class _Release:
    """The CUDA releases that a library belongs to."""

    majors: tuple[int, ...]
    """The CUDA majors, as far as they are known."""
    said: str
    """What the number in its name means, as a sentence; empty if it has none."""


def cuda_library(name: str, scene: Scene) -> Explanation:
    """Explain why one of NVIDIA's CUDA libraries was not found.

    Args:
        name: Its file name.
        scene: Where it was not found.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    release = _release(name)
    why = [release.said] if release.said else []
    other = _is_of_another_major(release, scene)
    if len(release.majors) == 1 and not (scene.installed and not other):
        why.append(_builds_for(release.majors[0], scene)[0])
    if not other and scene.installed is not None and scene.installed.cuda and release.majors:
        why.append(f"the installed torch is built for CUDA {scene.installed.cuda} as well")
    if not is_loaded_by_torch(name):
        why.append("no known torch release loads it")
    return Explanation(
        name,
        "library",
        is_a=("one of NVIDIA's CUDA libraries",),
        owner="CUDA",
        causes=_causes(name, release, scene, other=other),
        why=tuple(why),
        advice=tuple(_advice(name, release, scene, other=other)),
        pair=installed_torch(scene.installed),
    )


def _release(name: str) -> _Release:
    number, own = cuda.major(name), cuda.own_version(name)
    if number is not None:
        return _Release((number,), f"its major version is {number}")
    majors = releases_of(name)
    if own is None:
        return _Release(majors, "")
    said = f"its own major version is {own}, which is not CUDA's"
    if [*map(str, majors)] == [own]:
        return _Release(majors, f"it belongs to CUDA {own}")
    if majors:
        listed = [*map(str, majors)]
        every = " and ".join(filter(None, (", ".join(listed[:-1]), listed[-1])))
        said += f": it belongs to CUDA {every}"
    return _Release(majors, said)


def _is_of_another_major(release: _Release, scene: Scene) -> bool:
    """Whether the installed torch is built for another CUDA major, or for none."""
    installed = scene.installed
    if not release.majors or installed is None or installed.build is None:
        return False
    return installed.cuda is None or int(installed.cuda.partition(".")[0]) not in release.majors


def _causes(name: str, release: _Release, scene: Scene, *, other: bool) -> tuple[Cause, ...]:
    if scene.is_of_torch or scene.native:
        return (Cause.NOT_INSTALLED, Cause.SEARCH_PATH)
    for_cpu = scene.installed is not None and scene.installed.cuda is None and other
    first = [Cause.CUDA_MAJOR, *([Cause.CPU_TORCH] if for_cpu else [])] if other else []
    known = scene.installed is not None and scene.installed.build is not None
    if not first and len(release.majors) == 1 and not known:
        first = [Cause.CUDA_MAJOR]
    if not is_loaded_by_torch(name):
        return (*first, Cause.NOT_INSTALLED, Cause.SEARCH_PATH)
    if other:
        return tuple(first)
    if _import_helps(scene) and known:
        return (Cause.IMPORT_ORDER,)
    if _import_helps(scene) and first:
        return (*first, Cause.IMPORT_ORDER, Cause.NOT_INSTALLED)
    imports = [Cause.IMPORT_ORDER] if _import_helps(scene) else []
    return (*first, Cause.NOT_INSTALLED, Cause.SEARCH_PATH, *imports)


def _import_helps(scene: Scene) -> bool:
    """Whether torch, once imported, has the library in the process under its own name.

    Wheels before 1.13 contain CUDA's libraries statically, or as copies with other names.
    """
    installed = scene.installed
    is_old = installed is not None and release_key(installed.number) < release_key(_AS_PACKAGES)
    return scene.may_lack_import and not is_old


_AS_PACKAGES = "1.13"
"""The first torch whose wheels take CUDA's libraries from NVIDIA's packages."""


def _advice(name: str, release: _Release, scene: Scene, *, other: bool) -> list[str]:
    brought = packages(name, scene.installed)
    install = (
        f"install {' or '.join(brought)}, which {'bring' if len(brought) > 1 else 'brings'} it"
        if brought
        else f"install the package nvidia-{cuda.distribution_word(name)}"
        + (f"-cu{release.majors[0]}" if release.majors and release.majors[0] < _NO_SUFFIX else "")
        + " that contains it, or the CUDA toolkit of that release"
    )
    if scene.is_of_torch:
        return [install, f"or {REINSTALL}"]
    if scene.native:
        return [
            "put the directory that has it, of the CUDA toolkit or libtorch, on the search path",
            "or install the CUDA toolkit of the release that the program was built with",
        ]
    advice = []
    same = scene.installed is not None and scene.installed.cuda is not None and not other
    if release.majors and (other or (len(release.majors) == 1 and not same)):
        advice.append(
            "install the package's build for the CUDA major version of the installed torch"
        )
        advice += _builds_for(release.majors[0], scene)[1]
    if not other and is_loaded_by_torch(name) and _import_helps(scene):
        advice.append(
            f"{'or ' if advice else ''}import torch before the extension, so that its CUDA "
            "libraries are already loaded"
        )
    if not other:
        advice.append(f"or {install}")
        advice.append("or add the library's directory to the loader's search path")
    elif not is_loaded_by_torch(name):
        advice.append(f"or {install}")
    return advice


_NO_SUFFIX = 13
"""The CUDA release from which on NVIDIA's packages have no suffix such as ``-cu12``."""


def _builds_for(number: int, scene: Scene) -> tuple[str, tuple[str, ...]]:
    """Which releases are built for a CUDA major version, and the advice to install one."""
    on_windows = scene.system is WINDOWS
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
