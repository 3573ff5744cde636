"""What a text says of the GPU, the driver and the torch where an error about GPUs happened."""

from __future__ import annotations

import re

from torch_abi_audit.explain.kinds.kind import Device
from torch_abi_audit.knowledge import gpu_names, gpus
from torch_abi_audit.knowledge.cuda_toolkits import toolkit_of_driver
from torch_abi_audit.model.errors import UnknownGpuError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.reading.error_text import Clue
    from torch_abi_audit.explain.scene import Scene
    from torch_abi_audit.model.gpus import Gpu

_LONGEST = 1 << 18
"""Characters of a text that are searched, half at its beginning and half at its end."""
_CAPABILITY = re.compile(
    r"(?i:capability|capabilities|compute)[`:* ]{1,4}(?:is |of )?\(?`?"
    r"(?P<major>\d{1,2})(?:\.|, ?)(?P<minor>\d)\b(?! or | and | ?\+| required)"
    r"|(?i:CUDA|compute|current) (?:device )?capability:? `?(?P<plain>(?:sm_)?\d{2,3})\b"
    r"|GPU arch ?: ?(?P<amd>gfx[0-9a-f]{3,5})\b"
)
"""Where a program says which compute capability it found; what it asks for begins with ``>``."""
_ASKED = re.compile(
    r"(?i:at least|below|minimum|require\w*|supports?|supported|>=?|<=?|==)[^\n]{0,40}$"
)
"""Words before a capability that a program wants, and did not find."""
_AMD = re.compile(r"(?<![\w_])gfx[0-9a-f]{3,5}(?![\w-])")
_NAME = re.compile(
    r"\b(?:NVIDIA |GeForce |Quadro |Tesla |Radeon |AMD ){0,3}"
    r"(?:(?i:RTX|GTX)(?: PRO| A)? ?\d{3,4}M?(?:[ -]?(?:Ti|TI|SUPER|Super|D|Ada Generation|Ada|"
    r"Blackwell))*|TITAN (?:X|V|RTX|Xp|Black)|Titan (?:X|V|RTX|Xp)"
    r"|RX ?\d{4}M?(?: ?(?:XTX|XT|GRE|S))?|Radeon VII|MI\d{2,3}[AX]?|GB(?:10|200|300)|GH200"
    r"|[AHBLPV]\d{3}[SX]?|L40S?|(?:(?<=NVIDIA )|(?<=Tesla )|(?<=GPU ))[ABHLPTVKM]\d{1,2}G?)"
    r"(?=[- ,.;:()\n\]'\"`*]|$)"
)
"""What may be the name of a GPU, to be looked up."""
_TORCH_HAS = re.compile(
    r"install supports CUDA capabilities "
    r"(?P<list>(?:(?:sm|compute)_\d{2,3}[af]?[ ,.\n]{0,3}){1,40})"
)
_FOUND = re.compile(r"found version (?P<api>\d{4,6})\)")
_SMI = re.compile(
    r"[Dd]river [Vv]ersion(?::| is)? {0,3}(?P<driver>\d{3}\.\d{2,3}(?:\.\d{2})?)"
    r"(?:\s{1,12}CUDA Version: {0,3}(?P<cuda>\d{1,2}\.\d))?"
)
_TORCH = re.compile(
    r"(?:[Pp]y[Tt]orch(?: [Vv]ersion)?: ?|\b(?:torch|pytorch)(?:==|-| {1,40}| version:? ?))"
    r"(?P<version>\d\.\d{1,2}\.\d(?:\.dev\d{8})?\+(?:cu\d{2,3}|rocm[\d.]{1,5}|cpu))"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the place of an error about GPUs."""

    kind: Device
    gpu: Gpu | None = None
    """The GPU that was asked about, or that the text names; None if it names none, or several."""
    several: tuple[Gpu, ...] = ()
    """The GPUs that the text names, if there are several architectures among them."""
    is_given: bool = False
    """Whether ``gpu`` was asked about, and not found in the text."""
    torch: str | None = None
    """The torch that the text names, with its build: ``2.8.0+cu128``."""
    torch_has: tuple[str, ...] = ()
    """The architectures that torch itself lists in the text."""
    torch_range: tuple[str, str] | None = None
    """The oldest and the newest compute capability that torch names instead: 8.0 and 12.0."""
    package: str | None = None
    """The import name of the package whose code fails."""
    driver: str | None = None
    """The driver's version, such as ``470.86``."""
    driver_cuda: str | None = None
    """The newest CUDA of the driver, such as ``11.4``: the one in the text, or by its version."""
    system: str = "linux"
    """``linux`` or ``windows``, by which drivers are numbered."""
    platform: str = "linux_x86_64"
    """The index platform, by which builds of torch differ."""


def seen(clue: Clue, kind: Device, text: str, gpu: Gpu | None, scene: Scene) -> Seen:
    """Read a text.

    Args:
        clue: The error that is explained.
        kind: What it says of a GPU.
        text: All that was pasted.
        gpu: The GPU that was asked about, if any.
        scene: Where the error happened.
    """
    if len(text) > _LONGEST:
        text = text[: _LONGEST // 2] + "\n" + text[-_LONGEST // 2 :]
    found = () if gpu is not None else _gpus(clue, text)
    has = _TORCH_HAS.search(text)
    smi = _SMI.search(text)
    api = _FOUND.search(text)
    torches = {match["version"] for match in _TORCH.finditer(text)}
    one = gpu or (found[0] if len(found) == 1 else None)
    system = "windows" if scene.platform.startswith("win") else "linux"
    driver = smi["driver"] if smi else None
    cuda = _cuda(api["api"]) if api else smi["cuda"] if smi else None
    return Seen(
        kind,
        one,
        several=found if len(found) > 1 else (),
        is_given=gpu is not None,
        torch=torches.pop() if len(torches) == 1 else None,
        torch_has=tuple(re.findall(r"(?:sm|compute)_\d{2,3}[af]?", has["list"])) if has else (),
        torch_range=(clue.a, clue.b) if kind is Device.TORCH and clue.a and clue.b else None,
        package=scene.package,
        driver=driver,
        driver_cuda=cuda or (None if driver is None else toolkit_of_driver(driver, system)),
        system=system,
        platform=scene.platform,
    )


def _gpus(clue: Clue, text: str) -> tuple[Gpu, ...]:
    """The GPUs of the error itself, else those that the text names, each architecture once.

    The name of a GPU is kept where the text has one beside its capability.
    """
    named = {one.target: one for one in _named(text)}
    said = [one for one in (_of_architecture(clue.version or ""), *_capabilities(clue.text)) if one]
    stated = {one.target: named.get(one.target, one) for one in said or _capabilities(text)}
    return tuple((stated or named).values())


def _capabilities(text: str) -> list[Gpu]:
    found = []
    for match in _CAPABILITY.finditer(text):
        if _ASKED.search(text, max(0, match.start() - 60), match.start()):
            continue
        word = match["plain"] or match["amd"] or f"{match['major']}.{match['minor']}"
        if (one := _of_architecture(word)) is not None:
            found.append(one)
    return found or [one for match in _AMD.finditer(text) if (one := _of_architecture(match[0]))]


def _named(text: str) -> Iterator[Gpu]:
    for word in dict.fromkeys(match[0].strip() for match in _NAME.finditer(text)):
        try:
            one = gpu_names.find(word)
        except UnknownGpuError:  # the name of several GPUs
            continue
        if one is not None:
            yield one


def _of_architecture(word: str) -> Gpu | None:
    """The GPU of a compute capability or an architecture, which has no name; None for others."""
    try:
        return gpus.gpu(word.replace(", ", ".")) if word else None
    except UnknownGpuError:
        return None


def _cuda(api: str) -> str:
    """A CUDA release from the driver's number for it: ``11.4`` from ``11040``."""
    return f"{int(api) // 1000}.{int(api) % 1000 // 10}"
