"""Tokens of Itanium mangling: identifiers, numbers, substitutions, template parameters."""

from __future__ import annotations

from torch_abi_audit.mangling.cursor import Cursor, ManglingError, Name

BUILTINS = b"vwbcahstijlmxynofdegz"
"""The types with one letter, from void to the ellipsis."""

_STD = b"std"
_STANDARD: dict[int, Name] = {
    ord("a"): (_STD, b"allocator"),
    ord("b"): (_STD, b"basic_string"),
    ord("s"): (_STD, b"basic_string"),
    ord("i"): (_STD, b"basic_istream"),
    ord("o"): (_STD, b"basic_ostream"),
    ord("d"): (_STD, b"basic_iostream"),
}
_LONGEST_NUMBER = 9
_ZERO, _NINE, _UNDERSCORE = b"09_"


class Tokens(Cursor):
    """A cursor that reads tokens and keeps the substitution table."""

    __slots__ = ("most", "subs", "widest")

    def __init__(self, text: bytes, pos: int) -> None:
        super().__init__(text, pos)
        self.subs: list[tuple[Name | None, int]] = []
        """The targets of ``S_``, ``S0_`` …: a name (None if it has none) and its text's size."""
        self.widest = 0
        """Text size of the longest template argument, to which ``T_`` may refer."""
        self.most = 1
        """Length of the longest list of template arguments, which may be a pack."""

    def candidate(self, name: Name | None, start: int) -> None:
        """Add a substitution for everything read since ``size`` was ``start``."""
        self.subs.append((name, self.size - start))

    def expand(self, start: int) -> None:
        """Count everything read since ``size`` was ``start`` once for each element of a pack."""
        self.repeat((self.size - start) * (self.most - 1))

    def substitution(self) -> Name | None:
        """``S_``, ``S0_`` …: an earlier candidate; ``Sa``, ``Ss`` …: a standard name."""
        self.pos += 1
        if name := _STANDARD.get(self.text[self.pos]):
            self.pos += 1
            self.tags()
            return name
        name, size = self.subs[self.sequence()]
        self.repeat(size)
        return name

    def parameter(self) -> None:
        """``T_``, ``T0_``, ``TL0__0_``: a template parameter."""
        self.pos += 1
        self.repeat(self.widest)
        if self.take(b"L"):
            self.number()
            self.expect(_UNDERSCORE)
        self.number()
        self.expect(_UNDERSCORE)

    def identifier(self) -> bytes:
        """A decimal length, then as many bytes."""
        text, pos = self.text, self.pos
        length = 0
        last = pos + _LONGEST_NUMBER
        while _ZERO <= (c := text[pos]) <= _NINE and pos < last:
            length = length * 10 + c - _ZERO
            pos += 1
        end = pos + length
        if not length or end > len(text):
            raise ManglingError
        self.pos = end
        self.size += length + 2
        return text[pos:end]

    def tags(self) -> None:
        """``B <identifier>``: ABI tags."""
        while self.take(b"B"):
            self.identifier()

    def module(self) -> None:
        """``W <identifier>``, ``WP <identifier>``: one part of a C++20 module's name."""
        self.pos += 1
        self.take(b"P")
        self.identifier()

    def call_offset(self) -> None:
        """A thunk's adjustment of ``this``: ``h`` with one number, ``v`` with two."""
        kind = self.text[self.pos]
        self.pos += 1
        self.number()
        self.expect(_UNDERSCORE)
        if kind == ord("v"):
            self.number()
            self.expect(_UNDERSCORE)
        elif kind != ord("h"):
            raise ManglingError

    def sequence(self) -> int:
        """A sequence number before ``_``: nothing is 0, and a base 36 number is one less."""
        end = self.text.find(b"_", self.pos, self.pos + _LONGEST_NUMBER)
        digits = self.text[self.pos : end]
        self.pos = end + 1
        if end < 0 or (digits and not (digits.isalnum() and digits.upper() == digits)):
            raise ManglingError
        return int(digits, 36) + 1 if digits else 0

    def number(self) -> None:
        """Skip ``n`` for minus and decimal digits, if there are any."""
        text, pos = self.text, self.pos
        end = len(text)
        if pos < end and text[pos] == ord("n"):
            pos += 1
        while pos < end and _ZERO <= text[pos] <= _NINE:
            pos += 1
        self.pos = pos
