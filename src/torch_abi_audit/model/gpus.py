"""The GPUs that device code runs on: the question, and the answer for one library or package."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.device_code import KernelSet


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU, or a generation of GPUs with one architecture."""

    name: str
    """As people call it: ``RTX 4090``, ``H100/H200``; the architecture if it was asked by that."""
    target: str
    """Its architecture: ``sm_89`` or ``gfx942``, without suffixes; AMD's may have features."""

    @property
    def title(self) -> str:
        """Its name and architecture: ``RTX 4090 (sm_89)``; only one of them if they are equal."""
        return self.name if self.name == self.target else f"{self.name} ({self.target})"


class Runs(StrEnum):
    """Whether device code runs on a GPU."""

    YES = "yes"
    """All of it has machine code that the GPU executes, apart from fewer kernels for other GPUs
    alone (``sm_90a``), which a library chooses at run time."""
    JIT = "jit"
    """As ``YES``, but some of it only after the driver has compiled its PTX at first use."""
    PARTLY = "partly"
    """Some kernel sets run, by either means, and others have nothing for the GPU."""
    NO = "no"
    """Nothing in it runs on the GPU."""
    UNKNOWN = "unknown"
    """It could not be read."""


@dataclass(frozen=True, slots=True)
class Run:
    """How the device code of a library runs on one GPU."""

    answer: Runs
    used: tuple[str, ...] = ()
    """The architectures whose code is used there, ordered as in ``KernelSet.targets``."""
    lacking: tuple[KernelSet, ...] = ()
    """The kernel sets with nothing for the GPU; if ``YES`` or ``JIT``, those for others alone."""
    ptx_isa: str | None = None
    """The newest PTX version among the code that the driver must compile; None without any."""
