"""Scopes of a source as it is read, and what their names are: tensors, options, aliases of torch.

A parser of C++ would need the preprocessor and every header. This follows braces instead, and notes
only the declarations whose type it can tell.
"""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum

DEEPEST = 200
"""Braces that may be open at once."""


class Held(StrEnum):
    """What an expression or a name is."""

    TENSOR = "tensor"
    TENSORS = "tensors"
    """A list, a vector or a tuple of them."""
    OPTIONAL = "optional"
    """An optional tensor."""
    OPTIONS = "options"
    DTYPE = "dtype"
    DEVICE = "device"
    DEVICE_TYPE = "devicetype"
    SIZES = "sizes"
    OBJECT = "object"
    """Of another of torch's classes, such as an IValue."""
    LIBRARY = "library"
    """The variable of a block that registers operators."""
    OTHER = "other"
    """Something else, or unknown."""


class Scope:
    """What is between two braces; the outermost is the file."""

    __slots__ = (
        "around",
        "depth",
        "kind",
        "links",
        "opened",
        "parens",
        "pending",
        "restored",
        "types",
        "values",
    )

    def __init__(self, around: Scope | None, kind: str = "file") -> None:
        self.around = around
        self.kind = kind
        """``file``, ``namespace``, ``class``, ``block``, or ``macro`` for a macro's body."""
        self.depth: int = 0 if around is None else around.depth + 1
        self.values: dict[str, Held] = {}
        self.types: dict[str, Held] = {}
        self.links: dict[str, tuple[str, ...]] = {}
        """Names that mean a qualified one: by ``using at::Tensor``, by ``namespace F = …``."""
        self.opened: tuple[str, ...] = () if around is None else around.opened
        """Torch's namespaces whose names need no qualification here."""
        self.parens = 0
        self.pending: dict[str, Held] = {}
        """Declared in parentheses: the parameters of the brace that follows."""
        self.restored: dict[str, Held] | None = None
        """The pending names of the scope around, if it goes on after this one."""

    def value(self, name: str) -> Held | None:
        """What a variable or a function of the file is; None if nothing is known of it."""
        scope: Scope | None = self
        while scope is not None:
            if (found := scope.pending.get(name)) is not None:
                return found
            if (found := scope.values.get(name)) is not None:
                return found
            scope = scope.around
        return None

    def type(self, name: str) -> Held | None:
        """What objects of a type of the file are; None if nothing is known of it."""
        scope: Scope | None = self
        while scope is not None:
            if (found := scope.types.get(name)) is not None:
                return found
            scope = scope.around
        return None

    def link(self, name: str) -> tuple[str, ...] | None:
        """The parts of the qualified name that a name means; None if it is just itself."""
        scope: Scope | None = self
        while scope is not None:
            if (found := scope.links.get(name)) is not None:
                return found
            scope = scope.around
        return None

    def in_macro(self) -> bool:
        """Whether this is, or is within, the body of a macro."""
        scope: Scope | None = self
        while scope is not None:
            if scope.kind == "macro":
                return True
            scope = scope.around
        return False

    def declare(self, name: str, held: Held) -> None:
        """Note a variable, a parameter or a function."""
        (self.pending if self.parens else self.values)[name] = held
