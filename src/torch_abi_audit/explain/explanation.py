"""The values of an explanation: what something is, why it fails, what to do."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass


class Cause(StrEnum):
    """A likely cause of an error."""

    OTHER_TORCH = "built-for-another-torch"
    CPU_TORCH = "cpu-torch-with-cuda-extension"
    CUDA_MAJOR = "cuda-major"
    IMPORT_ORDER = "import-order"
    NOT_LINKED = "not-linked-to-torch"
    OTHER_COPY = "another-copy-loaded-first"
    NOT_INSTALLED = "library-not-installed"
    SEARCH_PATH = "not-on-search-path"
    MIXED = "mixed-installation"
    TWICE = "registered-twice"
    TWO_RUNTIMES = "two-runtimes"
    STATIC_TLS = "static-tls"
    EXECUTABLE_STACK = "executable-stack"
    SIGNATURE = "code-signature"
    OLD_DRIVER = "older-driver"
    OTHER_GPU = "built-for-other-gpus"
    EARLIER = "earlier-error"
    INCOMPLETE_BUILD = "incomplete-build"
    WRONG_PYTHON = "wrong-python"
    OLD_STRING = "pre-cxx11-abi"
    OLD_SYSTEM = "older-system-libraries"
    WRONG_MACHINE = "wrong-machine"
    DAMAGED = "damaged-file"
    NOT_EXCLUDED = "repair-without-exclude"
    NOT_FOUND = "repair-without-library"
    UNKNOWN = "unknown"
    """No known cause explains it."""


TITLES = {
    Cause.OTHER_TORCH: "built for another torch",
    Cause.CPU_TORCH: "a CPU build of torch with a CUDA extension",
    Cause.CUDA_MAJOR: "built for another CUDA major version",
    Cause.IMPORT_ORDER: "torch was not imported first",
    Cause.NOT_LINKED: "not linked to the library of torch that exports the symbol",
    Cause.OTHER_COPY: "another copy of the library, of another release, was loaded first",
    Cause.NOT_INSTALLED: "a library is not installed",
    Cause.SEARCH_PATH: "a library is not where the loader looks",
    Cause.MIXED: "an installation with files of several releases",
    Cause.TWICE: "registered twice",
    Cause.TWO_RUNTIMES: "two copies of a runtime in one process",
    Cause.STATIC_TLS: "no room left for thread-local variables",
    Cause.EXECUTABLE_STACK: "a library asks for an executable stack",
    Cause.SIGNATURE: "an invalid code signature",
    Cause.OLD_DRIVER: "the driver is older than the CUDA release",
    Cause.OTHER_GPU: "built for other GPUs",
    Cause.EARLIER: "an earlier error, which the text does not show",
    Cause.INCOMPLETE_BUILD: "an incomplete build",
    Cause.WRONG_PYTHON: "built for another Python",
    Cause.OLD_STRING: "built for the pre-C++11 ABI",
    Cause.OLD_SYSTEM: "the system's libraries are too old or missing",
    Cause.WRONG_MACHINE: "built for another machine or system",
    Cause.DAMAGED: "a damaged file",
    Cause.NOT_EXCLUDED: "the repair was not told to leave out what others bring",
    Cause.NOT_FOUND: "the repair was not told where to find a library",
    Cause.UNKNOWN: "unknown",
}


class Fails(StrEnum):
    """Who fails: whose file could not be loaded, built or run."""

    EXTENSION = "extension"
    TORCH = "torch"
    CUDA = "cuda-library"
    ROCM = "rocm-library"
    ONEAPI = "oneapi-library"
    CXX = "c++-runtime"
    PYTHON = "python"
    OTHER = "another-package"


@dataclass(frozen=True, slots=True)
class History:
    """Which torch releases export one symbol on one platform."""

    platform: str
    oldest: str
    """The oldest release in the export index."""
    newest: str
    """The newest release in the export index."""
    releases: tuple[str, ...] = ()
    """Releases that export the symbol in any indexed build, oldest first."""
    missing: tuple[str, ...] = ()
    """Releases that do not export it, oldest first."""
    libraries: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Each library that exports the symbol, with the releases in which it does."""
    cuda: bool = False
    """Whether only CUDA builds export it."""
    instead: tuple[str, ...] = ()
    """Other signatures of the same entity that releases without the symbol export, demangled."""
    old_string: bool = False
    """Whether it uses the pre-C++11 ABI of ``std::string``."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to one question."""

    subject: str
    """What the answer is about: a symbol, a library, a file, a label or a rule."""
    kind: str
    """``symbol``, ``library``, ``error``, ``label``, ``rule`` or ``unknown``."""
    is_a: tuple[str, ...] = ()
    """What the subject is, as sentences."""
    symbol: str | None = None
    """The raw (mangled) name."""
    demangled: str | None = None
    owner: str | None = None
    """The project it belongs to: ``libtorch``, ``libtorch's C shim``, ``CPython``, ``CUDA`` …"""
    provider: str | None = None
    """The library that should export the symbol."""
    history: History | None = None
    causes: tuple[Cause, ...] = ()
    """Likely causes, most likely first; empty if the question reports no failure."""
    why: tuple[str, ...] = ()
    """The evidence for the causes."""
    advice: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be determined, as sentences."""
    pair: tuple[str, ...] = ()
    """The installed torch, and the torch releases that a package given with ``--with`` fits."""
    fails: Fails | None = None
    """Who fails; None where the question does not say."""
    file: str | None = None
    """The file that fails, as the text names it."""
    others: tuple[str, ...] = ()
    """The other errors in the text, each in a line, in its order."""
    here: tuple[str, ...] = ()
    """What the simulated environment says of the failure; empty unless it was asked."""
    repairs: str | None = None
    """The system, by its word, of the wheel repair tool that failed; None for other questions."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The installed torch, or the one that ``--torch`` names."""

    version: str
    """The full version, such as ``2.13.0+cpu``."""
    cuda: str | None = None
    """The CUDA release it was built for; None for a build without CUDA."""
    stated: bool = True
    """Whether ``cuda`` is known: a plain release number does not say which build is meant."""

    @property
    def release(self) -> str:
        """The version without its local part."""
        return self.version.partition("+")[0]

    def __str__(self) -> str:
        """The version and its build: ``2.13.0+cu130 (CUDA 13.0)``."""
        if not self.stated:
            return f"{self.version} (unknown build)"
        return f"{self.version} ({f'CUDA {self.cuda}' if self.cuda else 'without CUDA'})"


def installed_torch(installed: Installed | None) -> tuple[str, ...]:
    """The sentence that names the installed torch and its build; none if no torch was found."""
    return () if installed is None else (f"the installed torch is {installed}",)
