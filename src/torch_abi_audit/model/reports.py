"""What is reported of a library, a package, an environment."""

from __future__ import annotations

import os

from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.verdicts import PythonLabel, TorchLabel
from torch_abi_audit.runtime.records import dataclass, given_path

TYPE_CHECKING = False

if TYPE_CHECKING:
    from pathlib import PurePath

    from torch_abi_audit.model.binary import Format
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.loads import LoadMatrix
    from torch_abi_audit.model.verdicts import CPythonABIVerdict, TorchABIVerdict


@dataclass(frozen=True, slots=True)
class SliceReport:
    """The verdicts on one architecture of a universal Mach-O file."""

    arch: str
    cpython: CPythonABIVerdict
    torch: TorchABIVerdict


@dataclass(frozen=True, slots=True)
class Linkage:
    """What one image asks of its platform; the fields are those of ``Binary``."""

    format: Format
    arch: str
    needed: tuple[str, ...] = ()
    delay_needed: tuple[str, ...] = ()
    soname: str | None = None
    version_needs: tuple[tuple[str, str], ...] = ()
    rpaths: tuple[str, ...] = ()
    min_os: str | None = None
    static_cuda: bool = False
    """It carries CUDA device code, and registers it with a runtime that is linked into it."""


@dataclass(frozen=True, slots=True)
class ExtensionReport:
    """One library: its verdicts, or why it could not be read."""

    path: PurePath
    cpython: CPythonABIVerdict | None = None
    """None where the library could not be read."""
    torch: TorchABIVerdict | None = None
    """None where the library could not be read."""
    error: str | None = None
    format: Format | None = None
    arch: str | None = None
    needed: tuple[str, ...] = ()
    """Libraries that the loader opens with it, as recorded in the file."""
    entry_points: tuple[str, ...] = ()
    """Exports that make it an extension module."""
    variant: str | None = None
    """The torch release, such as ``2.10``, that its path says it was built for, in a package that
    ships one library per release."""
    slices: tuple[SliceReport, ...] = ()
    """Each architecture of a universal file; the verdicts above are the worst of them."""
    linkage: tuple[Linkage, ...] = ()
    """What each of its images asks of the platform: one, or several in a universal file."""

    @property
    def path_text(self) -> str:
        """``str`` of its path; this and ``name`` seldom need ``pathlib``."""
        return given_path(self, "path") or str(self.path)

    @property
    def name(self) -> str:
        """Its file's name."""
        given = given_path(self, "path")
        return self.path.name if given is None else os.path.basename(given)

    @property
    def label(self) -> TorchLabel:
        """The torch label; ``ERROR`` where it could not be read."""
        if self.error is not None or self.torch is None:
            return TorchLabel.ERROR
        return self.torch.label


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was looked at and is no library."""

    path: str
    """Below the package's root."""
    kind: str


@dataclass(frozen=True, slots=True)
class Cuda:
    """The CUDA libraries that a package is linked to."""

    majors: tuple[int, ...]
    """CUDA releases that their names stand for, such as ``12``, oldest first."""
    libraries: tuple[str, ...]
    """The libraries, as recorded in the files: ``libcudart.so.12``; sorted."""
    bundled: tuple[str, ...] = ()
    """Those of them that the package brings itself."""
    dependencies: tuple[str, ...] = ()
    """Declared dependencies that bring CUDA libraries: ``nvidia-cuda-runtime-cu12``; sorted."""
    static: tuple[str, ...] = ()
    """The package's libraries, by path, that have the CUDA runtime linked into them; sorted."""


@dataclass(frozen=True, slots=True)
class PackageReport:
    """One package: its libraries, and what follows from them together."""

    name: str
    root: PurePath
    extensions: tuple[ExtensionReport, ...] = ()
    """Extension modules, sorted by path."""
    bundled_libs: tuple[ExtensionReport, ...] = ()
    """Every other library, sorted by path; unreadable ones too, unless named as extensions."""
    error: str | None = None
    distribution: str | None = None
    version: str | None = None
    import_names: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    loads: LoadMatrix | None = None
    """Which torch releases it loads on; None unless asked for: see ``compat``."""
    requires_torch: str | None = None
    """The declared requirement on torch, ``torch>=2.10``, where the metadata has one."""
    proposed_requires_torch: str | None = None
    """The requirement that the binaries call for; None where it is not known."""
    cuda: Cuda | None = None
    glibc: str | None = None
    """Oldest glibc that has every symbol version its libraries need, such as ``2.28``."""
    min_python: str | None = None
    """Oldest Python that its extension modules load on, as far as the files show."""

    @property
    def root_text(self) -> str:
        """``str`` of its root; seldom needs ``pathlib``."""
        return given_path(self, "root") or str(self.root)

    @property
    def libraries(self) -> tuple[ExtensionReport, ...]:
        """Extension modules, then the others."""
        return self.extensions + self.bundled_libs

    @property
    def torch_verdict(self) -> str:
        """``torch-stable``, ``torch-unstable``, ``no-torch`` or ``error``: the worst library's."""
        labels = {library.label for library in self.libraries}
        if self.error is not None or TorchLabel.ERROR in labels:
            return "error"
        if TorchLabel.UNSTABLE in labels:
            return "torch-unstable"
        return "torch-stable" if TorchLabel.STABLE in labels else "no-torch"

    @property
    def uses_torch(self) -> bool:
        """Whether any library that could be read uses torch."""
        return any(one.torch is not None and one.torch.uses_torch for one in self.libraries)

    @property
    def cpython_verdict(self) -> str:
        """``abi3-compliant``, ``not-abi3``, ``mixed`` or ``no-extensions``: extensions alone."""
        if not self.extensions:
            return "no-extensions"
        verdicts = [one.cpython for one in self.extensions]
        kept = [one is not None and one.label is PythonLabel.OK for one in verdicts]
        if all(kept):
            return "abi3-compliant"
        return "mixed" if any(kept) else "not-abi3"

    @property
    def min_torch_version(self) -> str | None:
        """Oldest torch release that a stable package loads on; None for any other package."""
        if self.torch_verdict != "torch-stable":
            return None
        floors = [
            one.torch.min_torch_version
            for one in self.libraries
            if one.torch is not None and one.torch.min_torch_version is not None
        ]
        return max(floors, key=release_key, default=None)

    @property
    def has_unknown_shims(self) -> bool:
        """Whether ``min_torch_version`` is a lower bound only."""
        return any(
            one.torch is not None and one.torch.unknown_shim_symbols for one in self.libraries
        )


@dataclass(frozen=True, slots=True)
class EnvironmentReport:
    """Every package of an environment, or every target of one run."""

    site_packages: PurePath | None = None
    """None where several targets were given instead of an environment."""
    packages: tuple[PackageReport, ...] = ()
