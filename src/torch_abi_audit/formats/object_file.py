"""The contents of a relocatable object file: symbols, references to them, source lines.

These are plain values, shared by the readers for ELF, Mach-O and COFF object files.
"""

from __future__ import annotations

from torch_abi_audit.runtime.records import MappingProxyType, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_abi_audit.model.binary import Format


@dataclass(frozen=True, slots=True)
class Frame:
    """A function that code came from, and the line in it."""

    function: bytes | None
    """The linkage name, or the plain name of a function without one; None if unknown."""
    source: str | None = None
    """The source file, absolute if the debug information says where the compiler ran."""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class SourceUnit:
    """One run of the compiler, as the debug information describes it."""

    name: str | None
    """The source file that was compiled, as it was named to the compiler."""
    directory: str | None = None
    """Where the compiler ran."""
    files: tuple[str, ...] = field(default=(), compare=False)
    """The files in its line table, absolute if that is known."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where code at one address came from."""

    frames: tuple[Frame, ...]
    """The function and line of the instruction, then the line that each inlined function was called
    from, innermost first; at least one."""
    unit: SourceUnit | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to an undefined symbol, or several from one place."""

    function: bytes | None
    """The defined symbol that contains the reference; None if none does."""
    source: str | None = None
    """The source file, if there is a line table."""
    line: int | None = None
    count: int = 1
    """The number of references."""
    place: Place | None = None
    """The functions that were inlined there, if the debug information tells; its first frame has
    the same source and line."""


NO_REFERENCES: Mapping[bytes, tuple[Reference, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """One compiled translation unit. Names are C-level names, as in ``Binary``."""

    format: Format
    arch: str
    undefined: tuple[bytes, ...]
    """Strong undefined symbols in table order, whether or not anything refers to them."""
    weak_undefined: tuple[bytes, ...] = ()
    defined: frozenset[bytes] = frozenset()
    """Symbols that other object files can use, weak ones included."""
    weak: frozenset[bytes] = frozenset()
    """The subset of ``defined`` that several object files may define: inline functions, templates.
    """
    references: Mapping[bytes, tuple[Reference, ...]] = field(default_factory=lambda: NO_REFERENCES)
    """References to each undefined symbol, outside of debug and unwind sections."""
    source: str | None = None
    """The source file, if the object file names it."""
    has_lines: bool = False
    """Whether a line table could be read."""
    split: bool = False
    """Whether the functions are described in another file (``-gsplit-dwarf``)."""


@dataclass(frozen=True, slots=True)
class Relocation:
    """One entry of a relocation table."""

    section: int
    offset: int
    symbol: bytes


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or object in a section."""

    section: int
    start: int
    size: int
    """Size in bytes; 0 if the format does not state it: it then extends to the next definition."""
    name: bytes
