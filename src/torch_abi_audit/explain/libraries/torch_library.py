"""Explains why a library of torch's wheels was not found: libtorch, and the runtimes beside it."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Explanation, installed_torch
from torch_abi_audit.explain.torn_torch import REINSTALL
from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.names.torch import Build, build_of
from torch_abi_audit.model.releases import release_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.scene import Scene

_OWN_BUILD = "install the package's build for the installed torch, or rebuild it against that torch"
_ELSEWHERE = {
    Build.CUDA: "CUDA builds ship it",
    Build.OLD: "releases before 2.0 shipped it",
    Build.ROCM: "ROCm builds ship it",
    Build.XPU: "XPU builds ship it",
}
"""Who ships a libtorch library that no indexed release contains."""
_NAMES = {Build.CUDA: "CUDA", Build.ROCM: "ROCm", Build.XPU: "XPU"}
_IMPORT = "import torch before the extension, so that its libraries are already loaded"


def torch_library(name: str, scene: Scene) -> Explanation:
    """Explain why one of libtorch's libraries was not found.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    build = build_of(name)
    releases = export_index.releases(scene.platform)
    shipping = [one.version for one in releases if name in one.libraries]
    why = [_where(build, shipping, scene)]
    causes, advice = _blame(name, build, scene, ships=bool(shipping) or build is Build.CUDA)
    if build in _NAMES and shipping:
        why.append(f"only {_NAMES[build]} builds of torch ship it")
    if scene.installed is not None and _is_for_others(build, scene):
        why.append(f"the installed torch is {scene.installed}, which does not contain it")
    return Explanation(
        name,
        "library",
        is_a=("one of torch's libraries",),
        owner="libtorch",
        provider=name if shipping else None,
        causes=tuple(causes),
        why=tuple(why),
        advice=tuple(advice),
        pair=installed_torch(scene.installed),
        unknown=("whether torch is installed where the error occurred",)
        if not scene.installed and shipping and not scene.native and not scene.is_of_torch
        else (),
    )


def _where(build: Build, shipping: list[str], scene: Scene) -> str:
    """Which releases have the library, and where."""
    known = [one.version for one in export_index.releases(scene.platform)]
    if not shipping:
        elsewhere = _ELSEWHERE.get(build, "other builds may ship it")
        span = f"from {known[0]} to {known[-1]}"
        return f"no release {span} ships it on {scene.platform}; {elsewhere}"
    runs = release_runs(shipping, known)
    if scene.is_of_torch and not scene.native:
        return f"torch {runs} has it in torch/lib, beside the file that needs it"
    whose = "libtorch/lib" if scene.native else "torch/lib"
    return f"it is in {whose} of torch {runs}, which the dynamic loader does not search"


def _is_for_others(build: Build, scene: Scene) -> bool:
    """Whether the installed torch was built for other devices than the library."""
    installed = scene.installed
    return build in _NAMES and installed is not None and installed.build not in (None, build)


def _blame(name: str, build: Build, scene: Scene, *, ships: bool) -> tuple[list[Cause], list[str]]:
    """Likely causes, and what to do about them."""
    if scene.native:
        return [Cause.SEARCH_PATH, Cause.NOT_INSTALLED], _of_program(scene)
    if scene.is_of_torch and "nvrtc" in name and scene.file is None:  # opened when it is used
        return [Cause.SEARCH_PATH, Cause.MIXED], [*_path(scene), f"or {REINSTALL}"]
    if scene.is_of_torch:
        return [Cause.MIXED, Cause.SEARCH_PATH], [REINSTALL]
    if _is_for_others(build, scene):
        cause = Cause.CPU_TORCH if build is Build.CUDA else Cause.OTHER_TORCH
        device = _NAMES[build]
        return [cause], [
            f"install a build of the package for the installed torch, {scene.installed}",
            f"or install a {device} build of torch",
        ]
    if not ships:
        causes, advice = [Cause.OTHER_TORCH], [_OWN_BUILD]
        if build in (Build.ROCM, Build.XPU):
            advice.insert(0, f"install a {_NAMES[build]} build of torch")
            if scene.may_lack_import:
                advice.append(f"or {_IMPORT}")
                causes.append(Cause.IMPORT_ORDER)
        return causes, advice
    if not scene.may_lack_import:
        causes = [Cause.SEARCH_PATH, Cause.OTHER_COPY]
        advice = [*_path(scene), _OWN_BUILD]
    else:
        causes = [Cause.IMPORT_ORDER]
        advice = [_IMPORT, "or install torch into the running environment"]
    for_cuda = scene.installed is not None and scene.installed.build is Build.CUDA
    if build is Build.CUDA and not for_cuda:
        causes.insert(0, Cause.CPU_TORCH)
        first = "install a CUDA build of torch, or a CPU build of the package"
        advice = [first, *(f"or {one.removeprefix('or ')}" for one in advice)]
    return causes, advice


def _of_program(scene: Scene) -> list[str]:
    """What to do where a program that is not Python does not find libtorch."""
    if scene.system.word == "windows":
        return ["copy libtorch\\lib\\*.dll beside the program, or put the directory on PATH"]
    variable = "DYLD_LIBRARY_PATH" if scene.system.word == "macos" else "LD_LIBRARY_PATH"
    return [
        (
            "link it with an rpath to the lib directory of libtorch: "
            "-Wl,-rpath,/path/to/libtorch/lib (find_package(Torch) of CMake sets it for the build "
            "directory only)"
        ),
        f"or put that directory on {variable} before the program starts",
    ]


def _path(scene: Scene) -> list[str]:
    if scene.system.word == "windows":
        return ["add torch\\lib with os.add_dll_directory"]
    variable = "DYLD_LIBRARY_PATH" if scene.system.word == "macos" else "LD_LIBRARY_PATH"
    return [f"put the directory torch/lib on {variable}, or into the RPATH of what needs it"]


def runtime_library(name: str, scene: Scene) -> Explanation:
    """Explain why a runtime that torch's wheels bundle was not found."""
    imported = ["import torch before the extension, so that torch's copy is already loaded"]
    return Explanation(
        name,
        "library",
        is_a=("a runtime library of another project that torch's wheels bundle beside libtorch",),
        causes=(Cause.IMPORT_ORDER, Cause.NOT_INSTALLED)
        if scene.may_lack_import
        else (Cause.NOT_INSTALLED, Cause.MIXED)
        if scene.is_of_torch
        else (Cause.NOT_INSTALLED, Cause.SEARCH_PATH),
        why=(
            (
                "the dynamic loader does not search torch/lib, and no copy is installed where it "
                "searches"
            ),
        ),
        advice=(
            *(imported if scene.may_lack_import else [REINSTALL] if scene.is_of_torch else []),
            "or install the library on the system",
        ),
        unknown=("whether the installed torch bundles it: not all releases and builds do",),
        pair=installed_torch(scene.installed),
    )
