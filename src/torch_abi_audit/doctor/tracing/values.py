"""What is known of a value in a source that is followed: the thing itself, or nothing."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from typing import Any

    Known = Any
    """A text, number, None, tuple, list or mapping, one of the records below, or ``UNKNOWN``."""


class _Unknown:
    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()
"""A value of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Path:
    """A ``pathlib.Path``."""

    text: str


@dataclass(frozen=True, slots=True)
class Named:
    """A module, or a thing in one that is not followed, by its dotted name: ``os.path.join``."""

    name: str


@dataclass(frozen=True, slots=True)
class Spec:
    """A module specification: where the module is, and what it is called."""

    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Flags:
    """Flags of ``dlopen``, by their names."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class File:
    """An open file."""

    path: str


@dataclass(frozen=True, slots=True)
class Finder:
    """An ``importlib.machinery.FileFinder`` of a directory."""

    directory: str
    suffixes: tuple[str, ...]
    """The endings of the files that it finds, in the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a known value."""

    of: Known
    name: str


class TorchRelease(str):
    """``torch.__version__``: a text that compares as a version does."""

    __slots__ = ()


class Scope:
    """The names of a module or of a function's call."""

    __slots__ = ("above", "module", "names", "perhaps")

    def __init__(self, module: Source, above: Scope | None = None) -> None:
        self.names: dict[str, Known] = {}
        self.perhaps: list[Known] = []
        """What a function may return before its end."""
        self.module = module
        self.above = above

    def find(self, name: str) -> Known:
        """The value of a name, ``UNKNOWN`` for others than those that were seen."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.above
        return UNKNOWN

    def has(self, name: str) -> bool:
        """Whether a name was seen."""
        return name in self.names or (self.above is not None and self.above.has(name))


@dataclass(frozen=True, slots=True)
class Source:
    """A module whose source is followed."""

    name: str
    path: str
    package: str
    """The package that relative imports are relative to."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a followed source defines."""

    node: ast.FunctionDef | ast.Lambda
    scope: Scope = field(repr=False, compare=False)
    defaults: tuple[Known, ...] = field(default=(), compare=False)


def truth(value: Known) -> bool | None:
    """Whether a value counts as true; None if that is not known."""
    if value is UNKNOWN or isinstance(value, (Named, Method)):
        return None
    if isinstance(value, (Path, Spec, Flags, File, Finder, Function)):
        return True
    return bool(value)


def text_of(value: Known) -> str | None:
    """The text of a value that is a text or a path; None for others."""
    if isinstance(value, Path):
        return value.text
    return value if isinstance(value, str) else None
