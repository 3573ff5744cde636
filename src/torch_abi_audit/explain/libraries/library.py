"""Explains why a library was not found, from its name. Pure: it reads only the export index."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause, Explanation, Fails, installed_torch
from torch_abi_audit.explain.kinds.known_libraries import known_library, old_library
from torch_abi_audit.explain.libraries.cuda_library import cuda_library
from torch_abi_audit.explain.libraries.device_library import device_library
from torch_abi_audit.explain.libraries.named_file import file_itself, of_homebrew, renamed_copy
from torch_abi_audit.explain.libraries.torch_library import runtime_library, torch_library
from torch_abi_audit.explain.torn_torch import REINSTALL
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.knowledge.names.system import MACOS_PATHS, is_loader, is_musl
from torch_abi_audit.knowledge.names.torch import is_runtime
from torch_abi_audit.knowledge.platforms import LINUX
from torch_abi_audit.knowledge.policies import is_linux_library, is_windows_library
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.explain.kinds.known import Known
    from torch_abi_audit.explain.scene import Scene

_KINDS = {
    Kind.TORCH_COPY: Explanation(
        "",
        "library",
        is_a=("a copy of one of torch's libraries, renamed by a wheel repair tool",),
        owner="libtorch",
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("only the repaired wheel contains a library with this name",),
        advice=(
            "reinstall the package",
            "or build its wheel without a copy of libtorch: see torch-abi-audit repair",
        ),
    ),
    Kind.NVIDIA_DRIVER: Explanation(
        "",
        "library",
        is_a=("a library of the NVIDIA driver, which no package contains",),
        owner="the NVIDIA driver",
        causes=(Cause.NOT_INSTALLED, Cause.OLD_DRIVER),
        why=("the NVIDIA driver is not installed, or not available in this container",),
        advice=("install the driver, or a build of the package without CUDA",),
    ),
    Kind.OPENCL: Explanation(
        "",
        "library",
        is_a=("the OpenCL loader, which the system or a device driver installs",),
        owner="the system",
        causes=(Cause.NOT_INSTALLED,),
        why=("it is not installed on this machine, or in this container",),
        advice=("install the OpenCL loader (ocl-icd) or the driver of the device",),
    ),
    Kind.PYTHON: Explanation(
        "",
        "library",
        is_a=("the Python interpreter as a shared library",),
        owner="CPython",
        causes=(Cause.WRONG_PYTHON,),
        why=("its name differs between Python versions, and extensions need not be linked to it",),
        advice=(
            "install the package's build for the running Python",
            "or rebuild it without linking it to libpython",
        ),
    ),
    Kind.SYSTEM: Explanation(
        "",
        "library",
        is_a=("a system library, which a package need not contain",),
        owner="the system",
        causes=(Cause.NOT_INSTALLED,),
        why=("it is not installed on this system, or in this container",),
        advice=("install it with the system package manager",),
    ),
    Kind.OTHER: Explanation(
        "",
        "library",
        causes=(Cause.INCOMPLETE_BUILD,),
        why=(
            "it is not part of torch, CUDA, Python or the system, so the package should contain it",
        ),
        advice=("install the package that provides it, or repair the wheel to bundle a copy",),
        unknown=("which project it belongs to",),
    ),
}
"""The answers that depend only on the kind of library."""
_OTHER_LIBC = Explanation(
    "",
    "library",
    is_a=("the C library or the dynamic loader of another kind of Linux",),
    owner="the system",
    causes=(Cause.WRONG_MACHINE,),
    why=("a package built for glibc does not load on musl (Alpine), and vice versa",),
    advice=("install the package's build for this system: manylinux is glibc, musllinux is musl",),
)


def library(path: str, scene: Scene) -> Explanation:
    """Explain what a library that was not found is, and why it may be missing.

    Args:
        path: The library's name or path, as in the error.
        scene: Where it was not found.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    answer = of_homebrew(_answer(path, scene), path)
    if scene.is_question:
        return replace(answer, causes=())
    return answer


def _answer(path: str, scene: Scene) -> Explanation:
    name = file_name(path)
    kind = kind_of(path)
    if path.startswith("/") and scene.file == path:
        return file_itself(path, scene)
    if kind is not Kind.TORCH_COPY and without_mark(name)[1]:
        return renamed_copy(name, scene)
    if not scene.is_of_torch and (old := old_library(name)) is not None:
        return _known(name, old, scene)
    if kind is Kind.CUDA:
        return cuda_library(name, scene)
    if kind is Kind.TORCH:
        return torch_library(name, scene)
    known = known_library(name)
    if kind in (Kind.ROCM, Kind.ONEAPI) and (known is None or known.owner == "the system"):
        return device_library(name, kind, scene)
    if is_loader(name) or is_musl(name):
        return replace(_OTHER_LIBC, subject=name)
    if is_runtime(path):
        return runtime_library(name, scene)
    if known is not None:
        return _known(name, known, scene)
    if kind is Kind.OTHER and _is_of_system(path, name):
        kind = Kind.SYSTEM
    answer = replace(_KINDS[kind], subject=name)
    if scene.native and kind is Kind.OTHER:
        return replace(
            answer,
            causes=(Cause.NOT_INSTALLED, Cause.SEARCH_PATH),
            why=("it is not installed, or not where the loader of this program looks",),
            advice=("install what contains it, or put its directory on the loader's search path",),
        )
    if scene.fails is Fails.TORCH and kind in (Kind.OTHER, Kind.SYSTEM):
        return _of_torn_torch(answer, scene)
    return answer


def _known(name: str, known: Known, scene: Scene) -> Explanation:
    advice = list(known.advice) if scene.system is LINUX else list(_elsewhere(known.advice))
    if scene.is_of_torch:
        advice.append(f"or {REINSTALL}" if advice else REINSTALL)
    return Explanation(
        name,
        "library",
        is_a=(known.is_a,),
        owner=known.owner,
        causes=known.causes,
        why=known.why,
        advice=tuple(advice),
        unknown=known.unknown,
        pair=installed_torch(scene.installed) if known.owner == "libtorch" else (),
    )


def _elsewhere(advice: Sequence[str]) -> Iterator[str]:
    """The advice without Debian's packages, which other systems do not have."""
    for one in advice:
        plain = _APT_LAST.sub("", _APT_FIRST.sub("", one))
        if "apt-get" not in plain:
            yield plain
        elif "brew install" not in " ".join(advice):
            yield "install it with a package manager: brew on macOS, vcpkg on Windows"


_APT_FIRST = re.compile(r"^apt-get install [^,;]{1,80}, or ")
_APT_LAST = re.compile(r",? or apt-get install [^,;]{1,80}")


def _of_torn_torch(answer: Explanation, scene: Scene) -> Explanation:
    """A library of nobody's that torch's own files need: the installation is incomplete."""
    return replace(
        answer,
        causes=(Cause.NOT_INSTALLED, Cause.MIXED),
        why=("a file of torch itself needs it, and it is neither beside it nor on this system",),
        unknown=(),
        advice=(REINSTALL, *answer.advice[:1] * (answer.owner == "the system")),
        pair=installed_torch(scene.installed),
    )


def dependency(path: str, scene: Scene) -> Explanation:
    """Explain a library that Windows did not load: it is missing, or what it needs is."""
    name = file_name(path)
    kind = kind_of(path)
    if scene.fails is Fails.TORCH:
        causes: tuple[Cause, ...] = (Cause.NOT_INSTALLED, Cause.OLD_SYSTEM, Cause.MIXED)
        advice: tuple[str, ...] = (
            "install the Visual C++ Redistributable, which torch's DLLs need",
            f"or {REINSTALL}",
        )
    else:
        causes = (Cause.CPU_TORCH, Cause.OTHER_TORCH, Cause.CUDA_MAJOR)
        advice = (
            "install the package's build for the installed torch and its CUDA release",
            f"or list what it needs: torch-abi-audit -v {name}, or explain --with the package",
        )
        if scene.may_lack_import:
            causes = (*causes, Cause.IMPORT_ORDER)
            advice = (*advice, "or import torch before it")
    return Explanation(
        name,
        "library",
        is_a=("one of torch's libraries",)
        if kind is Kind.TORCH
        else ("a library that was opened",),
        causes=causes,
        why=("the file may be there: Windows says the same if one of its dependencies is missing",),
        advice=advice,
        unknown=("which dependency is missing: Windows does not say",),
        pair=installed_torch(scene.installed),
    )


def _is_of_system(path: str, name: str) -> bool:
    """Whether it is in the tables of system libraries."""
    return (
        path.startswith(MACOS_PATHS) or is_linux_library(name) or is_windows_library(name.lower())
    )
