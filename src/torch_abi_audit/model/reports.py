"""The reports on a library, a package and an environment."""

from __future__ import annotations

import os

from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.verdicts import PythonLabel, TorchLabel
from torch_abi_audit.runtime.records import dataclass, given_path

TYPE_CHECKING = False

if TYPE_CHECKING:
    from pathlib import PurePath

    from torch_abi_audit.model.binary import Format
    from torch_abi_audit.model.declared import Declared
    from torch_abi_audit.model.device_code import DeviceCode, PackageCode
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.loads import LoadMatrix
    from torch_abi_audit.model.torch_fit import TorchFit
    from torch_abi_audit.model.verdicts import CPythonABIVerdict, TorchABIVerdict


@dataclass(frozen=True, slots=True)
class SliceReport:
    """The verdicts on one slice of a universal Mach-O file."""

    arch: str
    cpython: CPythonABIVerdict
    torch: TorchABIVerdict


@dataclass(frozen=True, slots=True)
class Linkage:
    """What one image needs of its platform; the fields are those of ``Binary``."""

    format: Format
    arch: str
    needed: tuple[str, ...] = ()
    delay_needed: tuple[str, ...] = ()
    soname: str | None = None
    version_needs: tuple[tuple[str, str], ...] = ()
    weak_version_needs: tuple[tuple[str, str], ...] = ()
    version_definitions: tuple[str, ...] = ()
    executable_stack: bool | None = False
    rpaths: tuple[str, ...] = ()
    min_os: str | None = None
    static_cuda: bool = False
    """Whether it contains CUDA device code and a statically linked CUDA runtime."""


@dataclass(frozen=True, slots=True)
class Lent:
    """Names that a library imports and a library of a required distribution exports.

    The verdicts count them as if nothing provided them; the findings leave them out.
    """

    requirement: str
    """The canonical name of the required distribution."""
    library: str
    """The library of that distribution, as the importing one is linked to it."""
    names: tuple[str, ...]
    """As the verdicts write them, sorted."""
    read: bool = True
    """Whether the requirement was read. If not, its name or the table of known wheels says that it
    exports them."""


@dataclass(frozen=True, slots=True)
class ExtensionReport:
    """The report on one library: its verdicts, or why it could not be read."""

    path: PurePath
    cpython: CPythonABIVerdict | None = None
    """None where the library could not be read."""
    torch: TorchABIVerdict | None = None
    """None where the library could not be read."""
    error: str | None = None
    format: Format | None = None
    arch: str | None = None
    needed: tuple[str, ...] = ()
    """Libraries that the loader opens with it: the file's DT_NEEDED or its equivalent."""
    entry_points: tuple[str, ...] = ()
    """Exports that make it an extension module."""
    variant: str | None = None
    """The torch release, such as ``2.10``, that its path names, in a package that ships one library
    per release."""
    slices: tuple[SliceReport, ...] = ()
    """The slices of a universal file; the verdicts above are the worst of theirs."""
    linkage: tuple[Linkage, ...] = ()
    """What each image needs of the platform: one image, or several in a universal file."""
    lent: tuple[Lent, ...] = ()
    """What libraries of required distributions export for it, of the names that would otherwise be
    findings."""
    device_code: DeviceCode | None = None
    """The code for GPUs that it contains; None without any. Of a universal file, that of the first
    image that has some."""

    @property
    def lent_names(self) -> frozenset[str]:
        """All names in ``lent``."""
        return frozenset(name for one in self.lent for name in one.names)

    @property
    def path_text(self) -> str:
        """``str`` of the path; neither this nor ``name`` imports ``pathlib`` in most cases."""
        return given_path(self, "path") or str(self.path)

    @property
    def name(self) -> str:
        """The name of the file."""
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
    """A file that was examined and is not a library."""

    path: str
    """Path below the package's root."""
    kind: str
    """What it is instead: see ``NotALibrary``."""
    device_code: DeviceCode | None = None
    """The code for GPUs that it consists of; None for any other file."""


@dataclass(frozen=True, slots=True)
class Cuda:
    """The CUDA libraries that a package is linked to."""

    majors: tuple[int, ...]
    """CUDA major releases in the names of the libraries, such as ``12``, oldest first."""
    libraries: tuple[str, ...]
    """The CUDA libraries as the files name them, such as ``libcudart.so.12``; sorted."""
    bundled: tuple[str, ...] = ()
    """The CUDA libraries that the package contains, linked to or not, by file name; sorted."""
    dependencies: tuple[str, ...] = ()
    """Requirements that bring CUDA libraries, such as ``nvidia-cuda-runtime-cu12``; sorted."""
    static: tuple[str, ...] = ()
    """Paths of the package's libraries into which the CUDA runtime is linked; sorted."""


@dataclass(frozen=True, slots=True)
class PackageReport:
    """The report on one package: its libraries, and what they amount to together."""

    name: str
    root: PurePath
    extensions: tuple[ExtensionReport, ...] = ()
    """Extension modules, sorted by path."""
    bundled_libs: tuple[ExtensionReport, ...] = ()
    """Every other library, sorted by path; also unreadable ones, unless their names are those of
    extension modules."""
    error: str | None = None
    distribution: str | None = None
    version: str | None = None
    import_names: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    loads: LoadMatrix | None = None
    """The torch releases it loads on; None unless asked for: see ``compat``."""
    requires_torch: str | None = None
    """The declared requirement on torch, such as ``torch>=2.10``; None without one."""
    proposed_requires_torch: str | None = None
    """The requirement on torch that fits the binaries; None if it is not known."""
    torch_fit: TorchFit | None = None
    """The torch releases that its binaries fit, for ``--fix``; None if it is not known. Reports
    are saved without it."""
    cuda: Cuda | None = None
    glibc: str | None = None
    """Oldest glibc that has every symbol version its libraries need, such as ``2.28``."""
    min_python: str | None = None
    """Oldest Python that its extension modules load on, as far as the files show."""
    declared: Declared | None = None
    """What its metadata says; None where it was not read, as in a saved report."""
    abi3_since: str | None = None
    """The Python, such as ``3.9``, from which its wheel promises abi3 for every library: all of its
    tags are abi3 or abi3t. None for other wheels, and without metadata."""
    device_code: PackageCode | None = None
    """The code for GPUs in its libraries and other files; None where that was not read, as in a
    report that an older version saved."""

    @property
    def root_text(self) -> str:
        """``str`` of the root; does not import ``pathlib`` in most cases."""
        return given_path(self, "root") or str(self.root)

    @property
    def libraries(self) -> tuple[ExtensionReport, ...]:
        """All libraries, extension modules first."""
        return self.extensions + self.bundled_libs

    @property
    def torch_verdict(self) -> str:
        """The worst verdict: ``error``, ``torch-unstable``, ``torch-stable`` or ``no-torch``."""
        labels = {library.label for library in self.libraries}
        if self.error is not None or TorchLabel.ERROR in labels:
            return "error"
        if TorchLabel.UNSTABLE in labels:
            return "torch-unstable"
        return "torch-stable" if TorchLabel.STABLE in labels else "no-torch"

    @property
    def uses_torch(self) -> bool:
        """Whether any readable library uses torch."""
        return any(one.torch is not None and one.torch.uses_torch for one in self.libraries)

    @property
    def cpython_verdict(self) -> str:
        """``abi3-compliant``, ``not-abi3``, ``mixed`` or ``no-extensions``; of extensions only."""
        if not self.extensions:
            return "no-extensions"
        verdicts = [one.cpython for one in self.extensions]
        kept = [one is not None and one.label is PythonLabel.OK for one in verdicts]
        if all(kept):
            return "abi3-compliant"
        return "mixed" if any(kept) else "not-abi3"

    @property
    def min_torch_version(self) -> str | None:
        """Oldest torch release on which a stable package loads; None for any other package.

        Of variants for several torch releases, the one that needs the oldest decides.
        """
        if self.torch_verdict != "torch-stable":
            return None
        floors: dict[str | None, list[str]] = {}
        for one in self.libraries:
            if one.torch is not None and one.torch.min_torch_version is not None:
                floors.setdefault(one.variant, []).append(one.torch.min_torch_version)
        fixed = floors.pop(None, [])
        lowest = [max(each, key=release_key) for each in floors.values()]
        fixed += [min(lowest, key=release_key)] if lowest else []
        return max(fixed, key=release_key, default=None)

    @property
    def has_unknown_shims(self) -> bool:
        """Whether ``min_torch_version`` is only a lower bound."""
        return any(
            one.torch is not None and one.torch.unknown_shim_symbols for one in self.libraries
        )


@dataclass(frozen=True, slots=True)
class EnvironmentReport:
    """The reports on all packages of an environment, or on all targets of one run."""

    site_packages: PurePath | None = None
    """None if several targets were given instead of an environment."""
    packages: tuple[PackageReport, ...] = ()
