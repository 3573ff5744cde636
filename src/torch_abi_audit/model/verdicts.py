"""What is judged of one library: its verdict on each stable ABI."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass


class TorchLabel(StrEnum):
    """Torch label of one library, as the CLI reference spells it."""

    STABLE = "STABLE"
    UNSTABLE = "UNSTABLE"
    NO_TORCH = "NO-TORCH"
    ERROR = "ERROR"
    """It could not be read."""


class PythonLabel(StrEnum):
    """CPython label of one library, as the CLI reference spells it."""

    OK = "abi3-ok"
    VIOLATIONS = "abi3-tagged-violations"
    NO_CAPI = "abi3-tagged-no-capi"
    PRIVATE = "uses-private-api"
    NOT_ABI3 = "not-abi3"


@dataclass(frozen=True, slots=True)
class CPythonABIVerdict:
    """What one library asks of CPython."""

    intent: bool = False
    """It claims abi3: by its file name, or by importing ``python3.dll``."""
    compliant: bool = False
    """It refers to CPython, and every reference is in the stable ABI of its platform."""
    violations: tuple[str, ...] = ()
    """References outside the stable ABI, sorted."""
    references: int = 0
    """How many CPython names it imports."""
    min_python: str | None = None
    """Newest release, such as ``3.11``, in which one of its stable names joined the stable ABI."""
    floor_symbols: tuple[str, ...] = ()
    """The stable names that set ``min_python``, sorted."""
    flavour: str | None = None
    """``abi3``, ``abi3t`` (PEP 803) or ``abi3.abi3t`` where it claims one, as far as shown."""
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> PythonLabel:
        """The row's label."""
        if self.intent:
            if self.violations:
                return PythonLabel.VIOLATIONS
            return PythonLabel.OK if self.compliant else PythonLabel.NO_CAPI
        return PythonLabel.PRIVATE if self.violations else PythonLabel.NOT_ABI3


@dataclass(frozen=True, slots=True)
class TorchABIVerdict:
    """What one library asks of libtorch. Lists hold demangled names in order of mangled ones."""

    uses_torch: bool = False
    stable: bool = False
    """It uses torch, and through the stable C shim alone."""
    unstable_symbols: tuple[str, ...] = ()
    """libtorch's own names whose text names ``at::``, ``c10::`` or unstable ``torch::``."""
    stable_shim_count: int = 0
    """Known stable C shims it imports."""
    min_torch_version: str | None = None
    """Oldest torch release that has every shim; None unless the verdict is stable. A lower bound
    where there are ``unknown_shim_symbols``."""
    version_defining_symbols: tuple[str, ...] = ()
    """The shims that set ``min_torch_version``, sorted."""
    unknown_shim_symbols: tuple[str, ...] = ()
    """Names of the shim's form that no known torch release declares: newer than the table."""
    internal_symbols: tuple[str, ...] = ()
    """libtorch's own names that name no torch type: ``c10d::Store::wait()``."""
    weak_symbols: tuple[str, ...] = ()
    """libtorch's names that the loader may leave unresolved."""
    unresolved_symbols: tuple[str, ...] = ()
    """Names that speak of torch types and that neither libtorch nor the package provides."""
    unresolvable_symbols: tuple[str, ...] = ()
    """Undefined names of ``torch::stable`` or ``torch::headeronly``: no library exports any."""
    header_evidence: tuple[str, ...] = ()
    """Names of torch types that the package's own libraries pass among themselves."""
    links: tuple[str, ...] = ()
    """Libraries of libtorch that it is linked to, sorted."""
    required: tuple[bytes, ...] = ()
    """Raw names, sorted, that some libtorch must export for it to load: shims, unstable, internal;
    and those that none can: undefined names of ``torch::stable`` and ``torch::headeronly``."""
    required_from: tuple[str, ...] = ()
    """File name of the library that must provide each of ``required``, in the same order, empty
    where any may: Mach-O two-level names and PE imports. No entries at all for ELF."""

    @property
    def label(self) -> TorchLabel:
        """The row's label."""
        if not self.uses_torch:
            return TorchLabel.NO_TORCH
        return TorchLabel.STABLE if self.stable else TorchLabel.UNSTABLE
