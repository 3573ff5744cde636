"""Explains a C shim of libtorch: since when it is declared, and who exports it."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.symbols import builds
from torch_abi_audit.explain.symbols.builds import Has
from torch_abi_audit.explain.symbols.torch_symbol import versions
from torch_abi_audit.explain.torn_torch import torn_torch
from torch_abi_audit.knowledge.names.torch import Build, link_option
from torch_abi_audit.knowledge.platforms import LINUX, WINDOWS
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.explanation import Explanation, History
    from torch_abi_audit.explain.scene import Scene
    from torch_abi_audit.knowledge.torch_shims import Shim

_DEVICES = {"cuda": Build.CUDA, "xpu": Build.XPU}
"""Devices whose shims only the builds for them have."""


def shim_symbol(base: Explanation, shim: Shim, known: History, scene: Scene) -> Explanation:
    """Explain a C shim.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    suffix = scene.system.suffix
    home = next((one for one in shim.exported_by if one.endswith(suffix)), None)
    answer = replace(
        base,
        is_a=tuple(_is_a(shim, known)),
        owner="libtorch's C shim",
        provider=home,
        history=known,
        pair=versions(known, scene.installed),
    )
    if scene.is_of_torch:
        return torn_torch(answer, scene)
    causes = _causes(shim, known, scene)
    return replace(
        answer,
        causes=() if scene.is_question else tuple(causes),
        why=tuple(_why(shim, known, home, scene)),
        advice=tuple(_advice(shim, known, home, causes, scene)),
    )


def _is_a(shim: Shim, known: History) -> Iterator[str]:
    said = f"a C function of the LibTorch Stable ABI, since torch {shim.first_release}"
    if known.releases and known.missing and _first(known) != shim.first_release:
        said += f" by its headers; exported on {known.platform} since torch {_first(known)}"
    yield said
    if shim.device != "generic":
        yield f"only in {shim.device} builds"


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
        if scene.linking:
            return [Cause.NOT_LINKED]
        if scene.system is LINUX:
            return [Cause.NOT_LINKED, Cause.OTHER_COPY]
        if scene.flat and scene.may_lack_import:
            return [Cause.IMPORT_ORDER, Cause.OTHER_COPY]
        return [Cause.OTHER_COPY]
    causes = [Cause.OTHER_TORCH]
    if for_device is Build.CUDA and (installed is None or installed.build is None):
        causes.append(Cause.CPU_TORCH)
    if scene.linking:
        causes.append(Cause.NOT_LINKED)
        if not known.missing:
            causes.reverse()
    return causes


def _why(shim: Shim, known: History, home: str | None, scene: Scene) -> Iterator[str]:
    if known.releases and known.missing:
        yield f"torch releases before {_first(known)} do not export it on {known.platform}"
    elif known.releases:
        yield f"every known release, from {known.oldest} to {known.newest}, exports it"
    else:
        yield f"no known release exports it on {known.platform}"
    for_device = _DEVICES.get(shim.device)
    if for_device is not None:
        name = "CUDA" if for_device is Build.CUDA else "XPU"
        yield f"only {name} builds of torch export it"
        if scene.installed is not None and scene.installed.build not in (None, for_device):
            yield f"the installed torch, {scene.installed}, is not built for {name}"
    if scene.linking and home:
        yield f"no library on the linker's command line exports it ({home})"


def _advice(
    shim: Shim, known: History, home: str | None, causes: list[Cause], scene: Scene
) -> Iterator[str]:
    since = _first(known) if known.releases and known.missing else shim.first_release
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
    if Cause.OTHER_TORCH in causes or scene.is_question:
        yield f"install torch {since} or later"
        yield (
            f"or rebuild with TORCH_TARGET_VERSION set to the oldest torch to support, below "
            f"{shim.first_release}"
        )
