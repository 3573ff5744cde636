"""The verdicts on one library, one for each stable ABI."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass


class TorchLabel(StrEnum):
    """The torch label of a library, spelled as in the CLI reference."""

    STABLE = "STABLE"
    UNSTABLE = "UNSTABLE"
    NO_TORCH = "NO-TORCH"
    ERROR = "ERROR"
    """The library could not be read."""


class PythonLabel(StrEnum):
    """The CPython label of a library, spelled as in the CLI reference."""

    OK = "abi3-ok"
    VIOLATIONS = "abi3-tagged-violations"
    NO_CAPI = "abi3-tagged-no-capi"
    PRIVATE = "uses-private-api"
    NOT_ABI3 = "not-abi3"


@dataclass(frozen=True, slots=True)
class CPythonABIVerdict:
    """How one library uses the CPython ABI."""

    intent: bool = False
    """It claims abi3, by its file name or by importing ``python3.dll``."""
    compliant: bool = False
    """It imports CPython names, and all of them are in the stable ABI of its platform."""
    violations: tuple[str, ...] = ()
    """Imported CPython names outside the stable ABI, sorted."""
    references: int = 0
    """Number of CPython names that it imports."""
    min_python: str | None = None
    """Oldest release, such as ``3.11``, whose stable ABI has all of its stable names."""
    floor_symbols: tuple[str, ...] = ()
    """The stable names that set ``min_python``, sorted."""
    exported_since: str | None = None
    """Oldest release, from 3.6 on, whose binaries export all of its stable names. It is older than
    ``min_python`` where a release exports names that only later ones have in the stable ABI."""
    late_symbols: tuple[str, ...] = ()
    """The stable names that set ``exported_since``, sorted."""
    newer: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The stable names that joined the stable ABI after its first release, by the release that
    added them, newest first. Reports are saved without it."""
    flavour: str | None = None
    """The claimed flavour, as far as it shows: ``abi3``, ``abi3t`` (PEP 803) or ``abi3.abi3t``."""
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> PythonLabel:
        """The label that reports show."""
        if self.intent:
            if self.violations:
                return PythonLabel.VIOLATIONS
            return PythonLabel.OK if self.compliant else PythonLabel.NO_CAPI
        return PythonLabel.PRIVATE if self.violations else PythonLabel.NOT_ABI3


@dataclass(frozen=True, slots=True)
class TorchABIVerdict:
    """How one library uses the torch ABI. Names are demangled, in the order of the mangled ones."""

    uses_torch: bool = False
    stable: bool = False
    """It uses torch, and only through the stable C shim."""
    unstable_symbols: tuple[str, ...] = ()
    """libtorch names whose text contains a type in ``at::``, ``c10::`` or unstable ``torch::``."""
    stable_shim_count: int = 0
    """Number of known stable C shims that it imports."""
    min_torch_version: str | None = None
    """Oldest torch release that has every known shim; None unless the verdict is stable. A lower
    bound if there are ``unknown_shim_symbols``."""
    version_defining_symbols: tuple[str, ...] = ()
    """The shims that set ``min_torch_version``, sorted."""
    unknown_shim_symbols: tuple[str, ...] = ()
    """Names with the form of a shim that no known torch release declares: newer than the table."""
    internal_symbols: tuple[str, ...] = ()
    """libtorch names without a torch type in their text: ``c10d::Store::wait()``."""
    weak_symbols: tuple[str, ...] = ()
    """Weakly imported libtorch names, which the loader may leave unresolved."""
    unresolved_symbols: tuple[str, ...] = ()
    """Names with torch types in their text that neither libtorch nor the package provides."""
    unresolvable_symbols: tuple[str, ...] = ()
    """Undefined names in ``torch::stable`` or ``torch::headeronly``, which no library exports."""
    header_evidence: tuple[str, ...] = ()
    """Names with torch types in their text that another library of the package provides."""
    exported_stable_symbols: tuple[str, ...] = ()
    """Names in ``torch::stable`` or ``torch::headeronly`` that it exports, sorted by mangled name.
    Empty for libraries that use no known shim, on Windows, and for torch itself."""
    links: tuple[str, ...] = ()
    """File names of the libtorch libraries that it is linked to, sorted."""
    required: tuple[bytes, ...] = ()
    """Raw names, sorted, that libtorch must export so that it loads: shims, unstable and internal
    names, and the unresolvable ones, which no libtorch exports."""
    required_from: tuple[str, ...] = ()
    """File name of the library that must provide each of ``required``, in the same order: stated by
    Mach-O two-level names and PE imports. Empty text if any may; no entries for ELF."""

    @property
    def label(self) -> TorchLabel:
        """The label that reports show."""
        if not self.uses_torch:
            return TorchLabel.NO_TORCH
        return TorchLabel.STABLE if self.stable else TorchLabel.UNSTABLE
