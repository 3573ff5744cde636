"""The vocabulary of an explanation: what something is, why it fails, what to do. Values alone."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass


class Cause(StrEnum):
    """The likely reason of an error, as one of a few."""

    OTHER_TORCH = "built-for-another-torch"
    CPU_TORCH = "cpu-torch-with-cuda-extension"
    CUDA_MAJOR = "cuda-major"
    IMPORT_ORDER = "import-order"
    INCOMPLETE_BUILD = "incomplete-build"
    WRONG_PYTHON = "wrong-python"
    OLD_STRING = "pre-cxx11-abi"
    OLD_SYSTEM = "older-system-libraries"
    WRONG_MACHINE = "wrong-machine"
    DAMAGED = "damaged-file"
    UNKNOWN = "unknown"
    """Nothing that is known explains it."""


TITLES = {
    Cause.OTHER_TORCH: "built for another torch",
    Cause.CPU_TORCH: "a CPU build of torch with a CUDA extension",
    Cause.CUDA_MAJOR: "CUDA of another major release",
    Cause.IMPORT_ORDER: "torch was not imported first",
    Cause.INCOMPLETE_BUILD: "an incomplete build",
    Cause.WRONG_PYTHON: "built for another Python",
    Cause.OLD_STRING: "built for the pre-C++11 ABI",
    Cause.OLD_SYSTEM: "the system's libraries are older than the build's",
    Cause.WRONG_MACHINE: "built for another machine",
    Cause.DAMAGED: "a damaged file",
    Cause.UNKNOWN: "not known",
}


@dataclass(frozen=True, slots=True)
class History:
    """What is known of one symbol over torch's releases on one platform."""

    platform: str
    oldest: str
    """The oldest release that is known."""
    newest: str
    releases: tuple[str, ...] = ()
    """Those that export it, oldest first; of all builds that the index has."""
    missing: tuple[str, ...] = ()
    """Those that do not."""
    libraries: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Library to the releases in which it exports the name."""
    cuda: bool = False
    """Whether CUDA builds alone have it."""
    instead: tuple[str, ...] = ()
    """What releases without it export of the same entity, demangled."""
    old_string: bool = False
    """Whether its ``std::string`` is that of before the C++11 ABI."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer."""

    subject: str
    """What was understood to be asked: a symbol, a library, a label or a rule."""
    kind: str
    """``symbol``, ``library``, ``error``, ``label``, ``rule`` or ``unknown``."""
    is_a: tuple[str, ...] = ()
    """What it is, as sentences."""
    symbol: str | None = None
    """The raw name."""
    demangled: str | None = None
    owner: str | None = None
    """Whose it is: ``libtorch``, ``libtorch's C shim``, ``CPython``, ``CUDA`` …"""
    provider: str | None = None
    """The library that should provide it."""
    history: History | None = None
    causes: tuple[Cause, ...] = ()
    """The likely ones, the likeliest first; empty where nothing is said to fail."""
    why: tuple[str, ...] = ()
    """What speaks for the causes."""
    advice: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be told, as sentences."""
    pair: tuple[str, ...] = ()
    """The versions at hand: of the torch that is installed, of what was given to look at."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The torch of the environment at hand."""

    version: str
    """As it states it, such as ``2.13.0+cpu``."""
    cuda: str | None = None
    """Its CUDA release; None for a build without."""
    stated: bool = True
    """Whether ``cuda`` is known: a plain release number does not say which build it is of."""

    @property
    def release(self) -> str:
        """Without what follows a plus sign."""
        return self.version.partition("+")[0]
