"""The values of an explanation: what something is, why it fails, what to do."""

from __future__ import annotations

import re

from torch_abi_audit.knowledge.names.torch import Build
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.devices.seen import Seen
    from torch_abi_audit.model.gpus import Run


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
    REFUSED = "refused-by-system"
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
    Cause.REFUSED: "the system refuses to load the file, or lacks the memory for it",
    Cause.OLD_DRIVER: "the driver is older than the CUDA release",
    Cause.OTHER_GPU: "built for other GPUs",
    Cause.EARLIER: "an earlier error, which the text does not show",
    Cause.INCOMPLETE_BUILD: "an incomplete build",
    Cause.WRONG_PYTHON: "built for another Python",
    Cause.OLD_STRING: "built for another ABI of std::string (C++11 or pre-C++11)",
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
    before: tuple[str, ...] = ()
    """Releases before ``oldest`` that export the same function, oldest first; the last release of
    each minor one, as far as known: CPU builds only."""
    libraries: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Each library that exports the symbol, with the releases in which it does."""
    cuda: bool = False
    """Whether only CUDA builds export it."""
    instead: tuple[str, ...] = ()
    """Other signatures of the same entity that releases without the symbol export, demangled."""
    old_string: bool = False
    """Whether it uses the pre-C++11 ABI of ``std::string``."""
    new_string: bool = False
    """Whether it uses the C++11 ABI of ``std::string``."""


@dataclass(frozen=True, slots=True)
class CodeFor:
    """How somebody's code for GPUs runs on the GPU of an error."""

    owner: str
    """``torch 2.8.0+cu128``, or the path of a library below its package's root."""
    targets: tuple[str, ...]
    """All architectures that it has code for."""
    run: Run


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to one question."""

    subject: str
    """What the answer is about: a symbol, a library, a file, a label or a rule."""
    kind: str
    """``symbol``, ``library``, ``error``, ``label``, ``rule``, ``gpu`` or ``unknown``."""
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
    symbols: tuple[str, ...] = ()
    """All symbols that the text says a file lacks, demangled, if there are several."""
    others: tuple[str, ...] = ()
    """The other errors in the text, each in a line, in its order."""
    here: tuple[str, ...] = ()
    """What the simulated environment says of the failure; empty unless it was asked."""
    nearby: tuple[str, ...] = ()
    """Known names that may have been meant, if what was asked about is not known."""
    device: Seen | None = None
    """Of an error about GPUs: what the text and the question say of the GPU and its driver."""
    code: tuple[CodeFor, ...] = ()
    """Whose code for GPUs runs on that GPU, and whose does not, as far as it was looked at."""
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
    def rocm(self) -> str | None:
        """The ROCm release that the local part names: ``6.2`` of ``2.5.1+rocm6.2``."""
        match = re.match(r"rocm(\d+(?:\.\d+)+)", self.local)
        return match[1] if match else None

    @property
    def release(self) -> str:
        """The version without its local part: ``2.13.0``, ``2.2.0a0``."""
        return self.version.partition("+")[0]

    @property
    def local(self) -> str:
        """The local part of the version, which names the build: ``cu126``, ``cpu.cxx11.abi``."""
        return self.version.partition("+")[2]

    @property
    def number(self) -> str:
        """The number of the release, also of a pre-release: ``2.2.0`` for ``2.2.0a0``."""
        digits = re.match(r"\d+(?:\.\d+)*", self.version)
        return digits[0] if digits else self.release

    @property
    def is_final(self) -> bool:
        """Whether it is a release, not a version from before it."""
        return self.number == self.release

    @property
    def build(self) -> Build | None:
        """For which devices it was built, ``ANY`` for the CPU alone; None if that is not known."""
        for word, build in _BUILDS.items():
            if self.local.startswith(word):
                return build
        if self.cuda is not None:
            return Build.CUDA
        return Build.ANY if self.stated else None

    def __str__(self) -> str:
        """The version and its build: ``2.13.0+cu130 (CUDA 13.0)``."""
        if self.build is None:
            return f"{self.version} (unknown build)"
        if self.cuda is None and self.build in _TITLES:
            return f"{self.version} ({_TITLES[self.build]})"
        return f"{self.version} ({f'CUDA {self.cuda}' if self.cuda else 'without CUDA'})"


_BUILDS = {"cu": Build.CUDA, "rocm": Build.ROCM, "xpu": Build.XPU, "cpu": Build.ANY}
_TITLES = {Build.ROCM: "for ROCm, without CUDA", Build.XPU: "for XPU, without CUDA"}


def installed_torch(installed: Installed | None) -> tuple[str, ...]:
    """The sentence that names the installed torch and its build; none if no torch was found."""
    return () if installed is None else (f"the installed torch is {installed}",)


def in_order(advice: tuple[str, ...]) -> tuple[str, ...]:
    """Advice whose first sentence is no alternative, as it is if the one before did not apply."""
    return (advice[0].removeprefix("or "), *advice[1:]) if advice else ()
