"""The values of a source view of the migration: uses of unstable APIs, edits and the order of work.

``reading`` finds the uses in a source, ``build_files`` what a build says, ``edits`` applies them.
"""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.port.migration import Way


class Kind(StrEnum):
    """What a source spells."""

    INCLUDE = "include"
    MACRO = "macro"
    TYPE = "type"
    CONSTANT = "constant"
    METHOD = "method"
    FUNCTION = "function"
    NAMESPACE = "namespace"


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes ``start`` to ``end`` of a file, to be replaced by ``text``."""

    start: int
    end: int
    text: str
    """Each character is a byte, as ISO 8859-1 has it: a source is carried whatever its encoding."""


@dataclass(frozen=True, slots=True)
class SourceUse:
    """A place of a source that the stable ABI does not have as it is spelt."""

    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    kind: Kind
    spelled: str
    """As the source has it, such as ``at::kFloat`` or ``.options()``."""
    api: str | None
    """The row of the table of replacements that it belongs to, which joins it with the symbols of
    a binary; None if no symbol comes of it."""
    way: Way
    write: str | None
    """What to write in its place; None if there is nothing."""
    header: str | None = None
    """The header that declares it; None if not torch's."""
    since: str | None = None
    floor: str | None = None
    note: str = ""
    edits: tuple[Edit, ...] = ()
    """What makes the change; empty if it must be done by hand."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A source and what it uses."""

    name: str
    """Path relative to the directory that was read, with forward slashes."""
    uses: tuple[SourceUse, ...] = ()
    """In the order of the text."""
    error: str | None = None
    """Why it could not be read, or read only in part; None if it was."""


@dataclass(frozen=True, slots=True)
class BuildFinding:
    """Something to change in a build file."""

    name: str
    """The build file, as in ``SourceFile``."""
    line: int | None
    what: str
    write: str | None = None
    edits: tuple[Edit, ...] = ()
    late: bool = False
    """Whether it can be done only when the sources have been ported."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the work, in order."""

    title: str
    why: str
    places: tuple[str, ...] = ()
    """``file:line`` of what belongs to it."""
    file: str | None = None
    """The source that it ports; None for a step of another kind."""


@dataclass(frozen=True, slots=True)
class SourceView:
    """What a directory of sources uses, and what to do."""

    root: str
    files: tuple[SourceFile, ...]
    build: tuple[BuildFinding, ...] = ()
    steps: tuple[Step, ...] = ()
    coverage: float = 1.0
    """Share of the uses that can be replaced, or go away, at the target; 1 if there are none."""
    notes: tuple[str, ...] = ()
    """What was left out, and what could not be told."""
