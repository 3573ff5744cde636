"""The answer for one package: its libraries with code for GPUs, and how each runs on each GPU."""

from __future__ import annotations

from torch_abi_audit.model.device_code import NO_PACKAGE_CODE
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.judges.arch_list import Adding
    from torch_abi_audit.knowledge.torch_gpus import TorchGpus
    from torch_abi_audit.model.device_code import DeviceCode, PackageCode
    from torch_abi_audit.model.gpus import Gpu, Run, Runs


@dataclass(frozen=True, slots=True)
class Library:
    """A library or an object file with code for GPUs."""

    name: str
    """Its path below the package's root; of an object file, that below the directory."""
    code: DeviceCode
    runs: tuple[Run, ...]
    """How it runs on each of ``Answer.gpus``."""


@dataclass(frozen=True, slots=True)
class Torch:
    """The torch that a package requires."""

    release: str
    """The newest that is admitted and that brings the CUDA of the package."""
    builds: tuple[TorchGpus, ...]
    """Its builds for the platforms of the package."""
    runs: tuple[Runs, ...]
    """How it runs on each of ``Answer.gpus``: the worst of the builds."""
    best: tuple[Runs, ...]
    """The same for the best of the builds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One package, or one build directory."""

    name: str
    root: str
    gpus: tuple[Gpu, ...]
    """The GPUs in question: those asked for, or every known one of the makers whose code it has."""
    libraries: tuple[Library, ...] = ()
    """Those with code for GPUs that count: see ``PackageCode``; sorted by name."""
    runs: tuple[Run, ...] = ()
    """How the package runs on each of ``gpus``; empty without libraries."""
    version: str | None = None
    asked: bool = False
    """Whether the GPUs were asked for."""
    noun: str = "library"
    """What one of its files is called: ``library``, or ``file`` in a build directory."""
    others: int = 0
    """How many libraries have no code for GPUs."""
    unread: tuple[tuple[str, str], ...] = ()
    """The libraries of which nothing could be read, with the reasons."""
    is_arm: bool = False
    """Whether a library is for 64-bit Arm, as those of Jetson boards are."""
    code: PackageCode = NO_PACKAGE_CODE
    """What its code amounts to."""
    torch: Torch | None = None
    """None if it requires none, or none of which the architectures are known."""
    adding: Adding | None = None
    """None if nothing is missing."""
    notes: tuple[str, ...] = ()
    error: str | None = None
    """Why the TARGET was not found; nothing else is known then."""

    @property
    def is_unread(self) -> bool:
        """Whether some code, or some library, could not be read."""
        return bool(self.unread) or any(one.code.problem is not None for one in self.libraries)


@dataclass(frozen=True, slots=True)
class Survey:
    """The packages of a run."""

    packages: tuple[Answer, ...]
    directory: str | None = None
    """The site-packages directory, if an environment was inspected."""
