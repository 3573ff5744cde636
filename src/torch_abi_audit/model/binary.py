"""What is read from a binary: frozen values that every reader gives, whatever the format."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import MappingProxyType, dataclass, field

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Readable(Protocol):
        """Bytes that can be read by position: a file, an archive member, a buffer."""

        @property
        def size(self) -> int:
            """Length in bytes."""

        def read_at(self, offset: int, length: int) -> bytes:
            """The bytes of ``[offset, offset + length)``, fewer where the source ends there."""


ENTRY_PREFIXES = (b"PyInit_", b"PyInitU_", b"PyModExport_", b"PyModExportU_")
"""How the names begin that Python looks up in an extension module: ``Binary.entry_points``.
From PEP 489 and PEP 793; a ``U`` stands before what is encoded with Punycode."""
DEVICE_SECTIONS = (b".nv_fatbin", b".nvFatBinSegment")
"""The sections in which nvcc lays down CUDA device code: ``Binary.device_code``."""

NO_NAMES: Mapping[bytes, str] = MappingProxyType({})


class Format(StrEnum):
    """Container format of a library."""

    ELF = "elf"
    MACHO = "mach-o"
    PE = "pe"


MAGICS = {
    b"\x7fELF": Format.ELF,
    b"\xfe\xed\xfa\xce": Format.MACHO,  # 32 bits, big-endian
    b"\xfe\xed\xfa\xcf": Format.MACHO,  # 64 bits, big-endian
    b"\xce\xfa\xed\xfe": Format.MACHO,  # 32 bits, little-endian
    b"\xcf\xfa\xed\xfe": Format.MACHO,  # 64 bits, little-endian
    b"\xca\xfe\xba\xbe": Format.MACHO,  # universal (and Java classes)
    b"\xca\xfe\xba\xbf": Format.MACHO,  # universal, 64-bit offsets
    b"MZ": Format.PE,
}
"""The first bytes of a file, four or two of them, to the format that they announce."""


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
    """Exports that make it an extension module, by ``ENTRY_PREFIXES``; sorted."""
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
