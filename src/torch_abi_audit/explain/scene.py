"""What is known of where an error happened: the platform, the process, who fails."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Fails
from torch_abi_audit.knowledge.platforms import LINUX, WINDOWS, system_of_platform, usual_platform
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Installed
    from torch_abi_audit.knowledge.platforms import System


@dataclass(frozen=True, slots=True)
class Scene:
    """The surroundings of an error."""

    platform: str = usual_platform(None)
    """The index platform."""
    installed: Installed | None = None
    python: str | None = None
    """The Python of the environment, such as ``3.12``."""
    fails: Fails | None = None
    file: str | None = None
    """The file that fails."""
    expected_in: str | None = None
    """The library that was found and lacks the symbol, where the text names it."""
    version: str | None = None
    """The version of the symbol, or the SONAME that stands for it: ``libcudart.so.12``."""
    package: str | None = None
    """The import name of the package whose file, or whose code, fails."""
    native: bool = False
    """Whether the text shows a process that is not Python."""
    imported: bool = False
    """Whether the text shows that torch had been imported."""
    repairs_torch: bool = False
    """Whether the text shows that a wheel of torch itself is repaired."""
    linking: bool = False
    """Whether it is a linker that fails: nothing was loaded yet."""
    flat: bool = False
    """Whether the symbol was sought in all libraries of a process on macOS."""
    is_question: bool = False
    """Whether a name alone was asked about, and no failure reported."""

    @property
    def system(self) -> System:
        """The system of the platform."""
        return system_of_platform(self.platform)

    @property
    def may_lack_import(self) -> bool:
        """Whether an ``import torch`` before the failing one could bring what is missing.

        A *library* that torch opens is then found on Linux, as its SONAME is open, and on Windows.
        A *symbol* is found only where all libraries are searched: in a flat namespace of macOS.
        """
        of_others = self.fails in (None, Fails.EXTENSION)
        return of_others and not (self.imported or self.linking or self.native)

    @property
    def is_of_torch(self) -> bool:
        """Whether torch itself fails, or a library that torch opens when it is imported."""
        return self.fails in (Fails.TORCH, Fails.CUDA, Fails.ROCM, Fails.ONEAPI)

    @property
    def how_to_see(self) -> str:
        """The command that shows which copies of libraries a process opens."""
        if self.system is LINUX:
            return "LD_DEBUG=libs python -c 'import torch' 2>&1 | grep 'calling init'"
        if self.system is WINDOWS:
            return "run where.exe with the name of the DLL"
        return "DYLD_PRINT_LIBRARIES=1 python -c 'import torch'"
