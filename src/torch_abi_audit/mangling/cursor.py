"""A position in a mangled name, and the two errors of reading one."""

from __future__ import annotations

Name = tuple[bytes, ...]
"""The first two components of a qualified name, or its only one."""

MAX_DEPTH = 80
"""Most levels of nested types. No name of libtorch has as many; a level takes up to seven calls."""

_BEYOND = 1 << 40
"""Size above which text is not counted any more."""


class ManglingError(ValueError):
    """The name breaks the grammar of its mangling."""


class NestingError(ValueError):
    """The name nests deeper than ``MAX_DEPTH``."""


class Cursor:
    """One pass over a name, starting at ``pos``; ``found`` collects the qualified names in it."""

    __slots__ = ("depth", "found", "pos", "size", "text")

    def __init__(self, text: bytes, pos: int) -> None:
        self.text = text
        self.pos = pos
        self.found: set[Name] = set()
        self.depth = 0
        self.size = 0
        """Approximate length of the demangled text, with repeated parts counted in full."""

    def enter(self) -> None:
        """Count one level of nesting; the caller must decrement ``depth`` when it leaves.

        Raises:
            NestingError: the name nests deeper than ``MAX_DEPTH``.
        """
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NestingError

    def repeat(self, size: int) -> None:
        """Count repeated text, up to a limit: a few bytes may double the text many times."""
        if self.size < _BEYOND:
            self.size += size

    def expect(self, token: int) -> None:
        """Skip one byte that the grammar requires here.

        Raises:
            ManglingError: there is another byte.
        """
        if self.text[self.pos] != token:
            raise ManglingError
        self.pos += 1

    def ahead(self, token: bytes) -> bool:
        """Whether ``token`` comes next; False at the end."""
        return self.text.startswith(token, self.pos)

    def take(self, token: bytes) -> bool:
        """Skip ``token`` if it comes next, and return whether it did."""
        if self.text.startswith(token, self.pos):
            self.pos += len(token)
            return True
        return False
