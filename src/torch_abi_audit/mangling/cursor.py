"""A position in a mangled name, and the two ways in which a name can refuse to be read."""

from __future__ import annotations

Name = tuple[bytes, ...]
"""The first two components of a qualified name; one, where it has one."""

MAX_DEPTH = 80
"""Types within types. No name of libtorch gets there; a level costs up to seven Python calls."""

_BEYOND = 1 << 40
"""A size at which it no longer matters how large it is."""


class ManglingError(ValueError):
    """The name breaks the grammar of its mangling."""


class NestingError(ValueError):
    """The name nests deeper than ``MAX_DEPTH``."""


class Cursor:
    """One pass over one name, from ``pos`` on; ``found`` collects the qualified names in it."""

    __slots__ = ("depth", "found", "pos", "size", "text")

    def __init__(self, text: bytes, pos: int) -> None:
        self.text = text
        self.pos = pos
        self.found: set[Name] = set()
        self.depth = 0
        self.size = 0
        """About how long the demangled text would be: repetition is short, what it repeats not."""

    def enter(self) -> None:
        """Count one level of nesting; whoever enters takes it off ``depth`` again."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NestingError

    def repeat(self, size: int) -> None:
        """Count text that stands here again; without end, for a few bytes may double it often."""
        if self.size < _BEYOND:
            self.size += size

    def expect(self, token: int) -> None:
        """Step over one byte that the grammar demands here."""
        if self.text[self.pos] != token:
            raise ManglingError
        self.pos += 1

    def ahead(self, token: bytes) -> bool:
        """Whether ``token`` comes next; never past the end."""
        return self.text.startswith(token, self.pos)

    def take(self, token: bytes) -> bool:
        """Step over ``token`` if it comes next."""
        if self.text.startswith(token, self.pos):
            self.pos += len(token)
            return True
        return False
