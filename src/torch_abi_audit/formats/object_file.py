"""What is read of a relocatable object file: symbols, references to them, source lines.

Values alone, shared by the readers of ELF, Mach-O and COFF objects.
"""

from __future__ import annotations

from torch_abi_audit.runtime.records import MappingProxyType, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_abi_audit.model.binary import Format


@dataclass(frozen=True, slots=True)
class Reference:
    """One place, or several of one function and line, that refers to an undefined symbol."""

    function: bytes | None
    """The defined symbol that the place belongs to; None where none covers it."""
    source: str | None = None
    """The file of the line that it was compiled from, where a line table says."""
    line: int | None = None
    count: int = 1


NO_REFERENCES: Mapping[bytes, tuple[Reference, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """One translation unit, compiled. Names are C-level names, as in ``Binary``."""

    format: Format
    arch: str
    undefined: tuple[bytes, ...]
    """Strong undefined symbols that something refers to or that are merely named, in order."""
    weak_undefined: tuple[bytes, ...] = ()
    defined: frozenset[bytes] = frozenset()
    """Symbols that other object files can use, weak ones included."""
    weak: frozenset[bytes] = frozenset()
    """Of those, the ones that several object files may define: inline functions, templates."""
    references: Mapping[bytes, tuple[Reference, ...]] = field(default_factory=lambda: NO_REFERENCES)
    """Undefined symbol to where it is referred to, outside of debug and unwind sections."""
    source: str | None = None
    """The source file that it says it was compiled from."""
    has_lines: bool = False
    """Whether a line table could be read."""


@dataclass(frozen=True, slots=True)
class Relocation:
    """One entry of a relocation table."""

    section: int
    offset: int
    symbol: bytes


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or object of a section."""

    section: int
    start: int
    size: int
    """0 where the format does not say: it then reaches to the next one."""
    name: bytes
