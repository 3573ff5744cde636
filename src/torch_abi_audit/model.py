"""The vocabulary: what is read from a binary, what is judged of it, what is reported.

Everything here is a frozen value. Nothing here reads, decides or prints.
"""

from __future__ import annotations

import os

from torch_abi_audit.enumeration import StrEnum
from torch_abi_audit.record import MappingProxyType, dataclass, field, given_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import PurePath
    from typing import Protocol

    from torch_abi_audit.loads.matrix import LibraryLoads, LoadMatrix

    class Readable(Protocol):
        """Bytes that can be read by position: a file, an archive member, a buffer."""

        @property
        def size(self) -> int:
            """Length in bytes."""

        def read_at(self, offset: int, length: int) -> bytes:
            """The bytes of ``[offset, offset + length)``, fewer where the source ends there."""


NO_NAMES: Mapping[bytes, str] = MappingProxyType({})


class Format(StrEnum):
    """Container format of a library."""

    ELF = "elf"
    MACHO = "mach-o"
    PE = "pe"


@dataclass(frozen=True, slots=True)
class Binary:
    """What a dynamic loader would learn from one image (an ELF or PE file, one Mach-O slice).

    Names are C-level names as bytes: on Mach-O the leading underscore that the platform adds to
    every C name is taken off; ELF symbol versions are no part of a name.
    """

    format: Format
    arch: str
    """Architecture as wheel tags spell it where they do: ``x86_64``, ``aarch64`` (ELF), ``arm64``
    (Mach-O, PE), ``i686``, ``armv7l``, ``ppc64le``, ``s390x``, ``riscv64``; else ``machine-N``."""
    bits: int
    byteorder: str
    """``little`` or ``big``."""
    imports: tuple[bytes, ...]
    """Strong undefined dynamic symbols, each once, in bytewise order."""
    weak_imports: tuple[bytes, ...] = ()
    """Undefined symbols that the loader may leave unresolved, each once, in bytewise order."""
    needed: tuple[str, ...] = ()
    """Libraries the loader opens first: DT_NEEDED, LC_LOAD_DYLIB and kin, PE import DLLs."""
    delay_needed: tuple[str, ...] = ()
    """Libraries opened at first use: PE delay imports, Mach-O lazy and weak dylibs."""
    soname: str | None = None
    """The library's own name for itself: DT_SONAME, LC_ID_DYLIB, PE export directory name."""
    entry_points: tuple[bytes, ...] = ()
    """Exports that make it an extension module: ``PyInit_*``, ``PyInitU_*``, ``PyModExport_*``,
    ``PyModExportU_*``; sorted."""
    providers: Mapping[bytes, str] = field(default_factory=lambda: NO_NAMES)
    """Import to the library that must provide it, where the format says: Mach-O two-level names
    (an entry of ``needed``/``delay_needed``; no entry for flat lookup), PE (a DLL)."""
    version_needs: tuple[tuple[str, str], ...] = ()
    """ELF ``DT_VERNEED`` as (library, version) pairs, sorted."""
    rpaths: tuple[str, ...] = ()
    """DT_RPATH and DT_RUNPATH entries, LC_RPATH paths."""
    min_os: str | None = None
    """Oldest macOS the image says it runs on, such as ``11.0``."""
    device_code: bool = False
    """Whether a section holds CUDA device code; not seen where section headers were stripped."""
    offset: int = 0
    """Where the image starts in its file: not 0 in a universal Mach-O file alone."""


@dataclass(frozen=True, slots=True)
class NotALibrary:
    """A file that was recognised as something other than a shared library."""

    kind: str
    """A short noun phrase: ``executable``, ``object file``, ``static archive``, ``linker script``,
    ``text``, ``empty file`` …"""


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth a reader's attention, with its proof."""

    rule: str
    """Id of the rule in ``rules.RULES``."""
    severity: Severity
    message: str
    """One sentence that stands alone."""
    library: str | None = None
    """Path of the library below the package's root; None where the package as a whole is meant."""
    evidence: tuple[str, ...] = ()
    """Symbols, tags or paths that prove it, sorted."""
    fix: str = ""
    """What to do, as one sentence."""


class Label(StrEnum):
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
    def label(self) -> Label:
        """The row's label."""
        if self.intent:
            if self.violations:
                return Label.VIOLATIONS
            return Label.OK if self.compliant else Label.NO_CAPI
        return Label.PRIVATE if self.violations else Label.NOT_ABI3


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
    def label(self) -> str:
        """``STABLE``, ``UNSTABLE`` or ``NO-TORCH``."""
        if not self.uses_torch:
            return "NO-TORCH"
        return "STABLE" if self.stable else "UNSTABLE"


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
        return self.path.name if given is None else os.path.basename(given)  # noqa: PTH119

    @property
    def label(self) -> str:
        """``ERROR``, ``UNSTABLE``, ``STABLE`` or ``NO-TORCH``."""
        if self.error is not None or self.torch is None:
            return "ERROR"
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
        if self.error is not None or "ERROR" in labels:
            return "error"
        if "UNSTABLE" in labels:
            return "torch-unstable"
        return "torch-stable" if "STABLE" in labels else "no-torch"

    @property
    def uses_torch(self) -> bool:
        """Whether any library that could be read uses torch."""
        return any(one.torch is not None and one.torch.uses_torch for one in self.libraries)

    @property
    def cpython_verdict(self) -> str:
        """``abi3-compliant``, ``not-abi3``, ``mixed`` or ``no-extensions``: extensions alone."""
        if not self.extensions:
            return "no-extensions"
        kept = [
            one.cpython is not None and one.cpython.label is Label.OK for one in self.extensions
        ]
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


def release_key(version: str) -> tuple[int, ...]:
    """Order of final releases: ``2.9.1`` before ``2.10.0``, and ``2.10`` equal to ``2.10.0``.

    Raises:
        ValueError: a part is no number.
    """
    key = [int(part) for part in version.split(".")]
    while key and key[-1] == 0:
        key.pop()
    return tuple(key)


def file_name(path: str) -> str:
    """What stands behind the last slash or backslash of a path or an install name."""
    return path.replace("\\", "/").rpartition("/")[2]


def relative_path(library: ExtensionReport | LibraryLoads, package: PackageReport) -> str:
    """Its path below the package's root with forward slashes; its name where they are the same."""
    given, above = given_path(library, "path"), given_path(package, "root")
    if given and above and given.startswith(above + os.sep):  # then ``pathlib`` has no say in it
        return given[len(above) + 1 :].replace(os.sep, "/")
    if given and given == above:
        return os.path.basename(given)  # noqa: PTH119
    path, root = library.path, package.root
    if path == root:
        return path.name
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()
