"""What the readers return for a binary, in one form for every format."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import MappingProxyType, dataclass, field

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from torch_abi_audit.model.device_code import DeviceCode

    class Readable(Protocol):
        """Bytes that can be read at any offset: a file, an archive member or a buffer."""

        @property
        def size(self) -> int:
            """Length in bytes."""

        def read_at(self, offset: int, length: int) -> bytes:
            """The bytes of ``[offset, offset + length)``, or fewer at the end of the source."""


ENTRY_PREFIXES = (b"PyInit_", b"PyInitU_", b"PyModExport_", b"PyModExportU_")
"""Prefixes of the symbols that Python looks up in an extension module: ``Binary.entry_points``.
From PEP 489 and PEP 793; the ``U`` marks a name that is encoded with Punycode."""

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
"""The first four or two bytes of a file to its format."""


@dataclass(frozen=True, slots=True)
class Binary:
    """What a dynamic loader reads from one image (an ELF or PE file, or one Mach-O slice).

    Names are C-level names as bytes: without the leading underscore that Mach-O platforms add to
    every C name, and without ELF symbol versions.
    """

    format: Format
    arch: str
    """Architecture, spelled as in wheel tags: ``x86_64``, ``aarch64`` (ELF), ``arm64`` (Mach-O,
    PE), ``i686``, ``armv7l``, ``ppc64le``, ``s390x``, ``riscv64``; any other as ``machine-N``."""
    bits: int
    byteorder: str
    """``little`` or ``big``."""
    imports: tuple[bytes, ...]
    """Strong undefined dynamic symbols, each once, in bytewise order."""
    weak_imports: tuple[bytes, ...] = ()
    """Undefined symbols that the loader may leave unresolved, each once, in bytewise order."""
    needed: tuple[str, ...] = ()
    """Libraries that must be present at load time: DT_NEEDED, LC_LOAD_DYLIB and its variants, PE
    imported DLLs."""
    delay_needed: tuple[str, ...] = ()
    """Libraries that may be loaded later or be absent: PE delay imports, Mach-O lazy and weak
    dylibs."""
    soname: str | None = None
    """The library's own name for itself: DT_SONAME, LC_ID_DYLIB, PE export directory name."""
    entry_points: tuple[bytes, ...] = ()
    """Exports that make it an extension module: those with ``ENTRY_PREFIXES``, sorted."""
    providers: Mapping[bytes, str] = field(default_factory=lambda: NO_NAMES)
    """Import to the library that must provide it, in formats that record it: for Mach-O two-level
    names an entry of ``needed`` or ``delay_needed`` (flat lookup has none), for PE a DLL."""
    version_needs: tuple[tuple[str, str], ...] = ()
    """ELF ``DT_VERNEED`` as (library, version) pairs, sorted."""
    weak_version_needs: tuple[tuple[str, str], ...] = ()
    """Those of ``version_needs`` that the loader does not insist on (VER_FLG_WEAK)."""
    version_definitions: tuple[str, ...] = ()
    """ELF ``DT_VERDEF``: the versions that it defines, in the order of the table; its own name,
    which heads the table, is left out."""
    executable_stack: bool | None = False
    """Whether the ELF header PT_GNU_STACK asks for an executable stack; None without one,
    where the loader decides by the architecture."""
    rpaths: tuple[str, ...] = ()
    """DT_RPATH and DT_RUNPATH entries, LC_RPATH paths."""
    min_os: str | None = None
    """Oldest macOS that the image declares it runs on, such as ``11.0``."""
    device_code: DeviceCode | None = None
    """The code for GPUs that its sections contain; None without such a section."""
    offset: int = 0
    """Offset of the image in its file; not 0 only in universal Mach-O files."""


@dataclass(frozen=True, slots=True)
class NotALibrary:
    """A file that was identified as something other than a shared library."""

    kind: str
    """A short noun phrase: ``executable``, ``object file``, ``static archive``, ``linker script``,
    ``text``, ``empty file`` …"""
