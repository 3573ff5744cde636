"""Explains a C shim of libtorch: since when it is declared, and who exports it."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.symbols import builds
from torch_abi_audit.explain.symbols.builds import Has
from torch_abi_audit.explain.symbols.torch_symbol import versions
from torch_abi_audit.explain.torn_torch import torn_torch
from torch_abi_audit.knowledge import shim_headers, torch_shims
from torch_abi_audit.knowledge.names.torch import Build, link_option
from torch_abi_audit.knowledge.platforms import LINUX, MACOS, WINDOWS
from torch_abi_audit.model.releases import release_key, short
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.explanation import Explanation, History
    from torch_abi_audit.explain.scene import Scene
    from torch_abi_audit.knowledge.torch_shims import Shim

_DEVICES = {"cuda": Build.CUDA, "xpu": Build.XPU}
"""Devices whose shims only the builds for them have."""
_OF_LOADING = (Cause.NOT_LINKED, Cause.OTHER_COPY, Cause.IMPORT_ORDER)
_TITLES = {"cuda": "CUDA", "xpu": "XPU", "mps": "MPS", "cpu": "the CPU"}


def shim_symbol(base: Explanation, shim: Shim, known: History, scene: Scene) -> Explanation:
    """Explain a C shim.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    name = base.symbol or base.subject
    suffix = scene.system.suffix
    home = next((one for one in shim.exported_by if one.endswith(suffix)), None)
    answer = replace(
        base,
        is_a=tuple(_is_a(name, shim, known)),
        owner="libtorch's C shim",
        provider=home,
        history=known,
        pair=versions(known, scene.installed),
    )
    if scene.is_of_torch:
        return torn_torch(answer, scene)
    causes = _causes(shim, known, scene)
    if scene.is_question:  # nothing fails to load
        causes = [one for one in causes if one not in _OF_LOADING]
    return replace(
        answer,
        causes=() if scene.is_question else tuple(causes),
        why=tuple(_why(shim, known, home, scene)),
        advice=(
            *_advice(shim, known, home, causes, scene),
            *(
                ()
                if causes == [Cause.INCOMPLETE_BUILD] or not scene.is_question
                else _building(name, shim)
            ),
        ),
        unknown=tuple(_unknown(shim, known, scene)),
    )


def declared_by(name: str, shim: Shim) -> Iterator[str]:
    """Yield what a build needs for a shim: its header, a target, and the torch to run on."""
    yield f"declared by {shim_headers.header(name, shim)}"
    begins = torch_shims.STABLE_ABI_BEGINS
    first = max(shim.first_release, shim.guard or shim.first_release, key=release_key)
    if release_key(first) <= release_key(begins):
        yield f"a library of the stable ABI that uses it runs on torch {short(begins)} and later"
        return
    yield f"needs the headers of torch {short(shim.first_release)} or later"
    if shim.guard is not None:
        yield f"needs a TORCH_TARGET_VERSION of torch {short(shim.guard)} or later"
    yield f"a library that uses it runs on torch {short(first)} and later"


def _building(name: str, shim: Shim) -> Iterator[str]:
    yield f"include <{shim_headers.header(name, shim)}>"
    if (macro := shim_headers.macro(name, shim)) is not None:
        yield f"compile with -D{macro}: the header declares it only then"


def _is_a(name: str, shim: Shim, known: History) -> Iterator[str]:
    said = f"a C function of the LibTorch Stable ABI, since torch {shim.first_release}"
    if known.releases and known.missing and _first(known) != shim.first_release:
        said += f" by its headers; exported on {known.platform} since torch {_first(known)}"
    yield said
    if shim.device != "generic":
        yield f"only in {shim.device} builds"
    if release_key(shim.last_release) < release_key(torch_shims.newest_shim_release()):
        yield f"the headers have it until torch {shim.last_release}, no longer"
    yield from declared_by(name, shim)


def _first(known: History) -> str:
    return known.releases[0]


def _causes(shim: Shim, known: History, scene: Scene) -> list[Cause]:
    installed = scene.installed
    for_device = _DEVICES.get(shim.device)
    has = None if installed is None else builds.exports(known, installed)
    if installed is not None and for_device and installed.build not in (None, for_device):
        newer = [Cause.OTHER_TORCH] if installed.number in known.missing else []
        return [*newer, Cause.CPU_TORCH if for_device is Build.CUDA else Cause.OTHER_TORCH][:2]
    if has is Has.YES:
        return _though_exported(scene)
    if _is_nowhere(shim, known, scene):
        return [Cause.INCOMPLETE_BUILD]
    if for_device is None and known.releases and not known.missing and not _is_older(scene, known):
        return _though_exported(scene)
    causes = [Cause.OTHER_TORCH]
    if for_device is Build.CUDA and (installed is None or installed.build is None):
        causes.append(Cause.CPU_TORCH)
    if scene.linking:
        causes.append(Cause.NOT_LINKED)
        if not known.missing:
            causes.reverse()
    return causes


def _though_exported(scene: Scene) -> list[Cause]:
    """Why a shim is not found that the torch at hand exports, or every release."""
    if scene.linking:
        return [Cause.NOT_LINKED]
    if scene.system is LINUX:
        return [Cause.NOT_LINKED, Cause.OTHER_COPY]
    if scene.flat and scene.may_lack_import:
        return [Cause.IMPORT_ORDER, Cause.OTHER_COPY]
    return [Cause.OTHER_COPY]


def _is_nowhere(shim: Shim, known: History, scene: Scene) -> bool:
    """Whether no torch for the platform has a shim: one of MPS on Linux, of CUDA on macOS."""
    if shim.device == "generic" or known.releases:
        return False
    if shim.device == "mps":
        return scene.system is not MACOS
    return shim.device in _DEVICES and scene.system is MACOS


def _is_older(scene: Scene, known: History) -> bool:
    """Whether the installed torch is older than the oldest whose exports are known."""
    installed = scene.installed
    return installed is not None and release_key(installed.number) < release_key(known.oldest)


def _why(shim: Shim, known: History, home: str | None, scene: Scene) -> Iterator[str]:
    if known.releases and known.missing:
        yield f"torch releases before {_first(known)} do not export it on {known.platform}"
    elif known.releases:
        yield f"every known release, from {known.oldest} to {known.newest}, exports it"
    else:
        yield f"no known release exports it on {known.platform}"
    for_device = _DEVICES.get(shim.device)
    if _is_nowhere(shim, known, scene):
        title = _TITLES[shim.device]
        yield f"no build of torch for {scene.system.title} has {title}: no torch to install has it"
    elif for_device is not None:
        name = "CUDA" if for_device is Build.CUDA else "XPU"
        yield f"only {name} builds of torch export it"
        if scene.installed is not None and scene.installed.build not in (None, for_device):
            yield f"the installed torch, {scene.installed}, is not built for {name}"
    if scene.linking and home:
        yield f"no library on the linker's command line exports it ({home})"


def _advice(
    shim: Shim, known: History, home: str | None, causes: list[Cause], scene: Scene
) -> Iterator[str]:
    if _is_nowhere(shim, known, scene):
        yield (
            f"leave the code for {_TITLES[shim.device]} out of the build for {scene.system.title}"
        )
        return
    if Cause.CPU_TORCH in causes and causes[0] is Cause.CPU_TORCH:
        yield "install a CUDA build of torch, or a CPU build of the package"
    if Cause.NOT_LINKED in causes and home:
        if scene.system is WINDOWS:
            yield f"link {home.removesuffix('.dll')}.lib of the torch whose headers were used"
        else:
            yield f"link the library that needs it with {link_option(home)}"
    if Cause.IMPORT_ORDER in causes:
        yield "import torch before the extension"
    if Cause.OTHER_COPY in causes:
        yield f"look for another torch that is loaded first: {scene.how_to_see}"
    if Cause.OTHER_TORCH in causes or (scene.is_question and known.missing):
        yield from _newer(shim, known, scene)


def _newer(shim: Shim, known: History, scene: Scene) -> Iterator[str]:
    """Another torch, as an advice: only one that has the shim; or a target that does without it."""
    gone = known.releases and known.missing and known.newest in known.missing
    device = f"an {_TITLES['xpu']} build of " if shim.device == "xpu" else ""
    if gone:
        yield f"install torch {known.releases[-1]}, the last release that exports it"
    elif known.releases and (known.missing or _is_older(scene, known)):
        yield f"install {device}torch {_first(known)} or later"
    elif device:
        yield f"install {device}torch {shim.first_release} or later"
    if shim.guard is not None:  # no target hides the others
        yield (
            f"or rebuild with TORCH_TARGET_VERSION set to the oldest torch to support, below "
            f"{shim.first_release}"
        )


def _unknown(shim: Shim, known: History, scene: Scene) -> Iterator[str]:
    if scene.is_question or known.missing or not known.releases or scene.installed is not None:
        return
    if not scene.linking and shim.device == "generic":
        yield f"whether a torch before {known.oldest} was loaded"
