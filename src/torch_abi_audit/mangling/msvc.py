"""Qualified names in MSVC-mangled symbols: ``?…``, from cl and clang-cl, in PE files.

Microsoft does not document the grammar; this one follows LLVM's MicrosoftDemangle. Names are
written innermost first. Components and types of parameters are numbered as they appear, and one
digit repeats them; template arguments have a numbering of their own.
"""

from __future__ import annotations

import re

from torch_abi_audit.mangling.cursor import Cursor, ManglingError, Name, NestingError

_PLAIN = re.compile(rb"\?(?:\?(?:([0-9A-Z])|_[78S]))?+((?:[^\d@?][^@?]*+@)++)@").match
_LOCAL = re.compile(rb"\?(?:[0-9@]|[B-P][A-P]*+@)\?").match
_VALUES = {
    ord("0"): 1,
    ord("1"): 0,
    ord("E"): 0,
    ord("F"): 2,
    ord("G"): 3,
    ord("H"): 1,
    ord("I"): 2,
    ord("J"): 3,
}
"""Template arguments that are not types, with the count of numbers at their end: integers,
addresses of symbols, offsets of members and member functions by kind of inheritance."""
_STRUCTORS = {b"0": b"{constructor}", b"1": b"{destructor}"}
_TABLES = (b"?_7", b"?_8", b"?_S", b"?_R4")
_MEMORY = 10
"""Most components, and most types, that a digit can repeat."""
_LONGEST_NUMBER = 17
_CONST_VOLATILE = b"ABCD"
_OF_A_MEMBER = b"QRST"
_FUNCTIONS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_AT, _QUESTION, _UNDERSCORE, _Z = b"@?_Z"


def owner(symbol: bytes) -> Name:
    """The qualified name of the declared entity; empty if it has no name."""
    if match := _PLAIN(symbol):  # no templates, no repetition, no local scopes
        code, scopes = match.groups()
        parts = scopes[:-1].rsplit(b"@", 2)[-2:]
        if code and len(parts) == 1:
            parts.insert(0, _STRUCTORS.get(code, b"{operator}"))
        return tuple(reversed(parts))
    try:
        return Reader(symbol, 0).entity()[0] or ()
    except (ValueError, IndexError):
        return ()


def mentions(symbol: bytes) -> frozenset[Name]:
    """Every qualified name in the symbol, up to two components each."""
    reader = _read(symbol)
    return frozenset(reader.found) if reader else frozenset()


def text_size(symbol: bytes) -> int | None:
    """Approximate length of the demangled text; None if the symbol cannot be read to its end."""
    reader = _read(symbol)
    return reader.size if reader and not reader.depth else None


def _read(symbol: bytes) -> Reader | None:
    """One pass over the symbol; ``depth`` is not 0 afterwards if the symbol nests too deep.

    None if the symbol breaks the grammar.
    """
    reader = Reader(symbol, 0)
    try:
        reader.symbol()
    except NestingError:
        return reader
    except (ValueError, IndexError):
        return None
    return reader


class Reader(Cursor):
    """A parser for one symbol; it starts at the leading ``?``."""

    __slots__ = ("last", "names", "types")

    def __init__(self, text: bytes, pos: int) -> None:
        super().__init__(text, pos)
        self.names: dict[bytes, tuple[bytes, int]] = {}
        """Components that a digit can repeat: mangled text, to component and length of text."""
        self.types: list[int] = []
        """Parameter types that a digit can repeat: length of text."""
        self.last = (b"", b"", 0)
        """The innermost component of the last symbol, as arguments of ``remember``."""

    def symbol(self) -> Name | None:
        """A whole symbol; returns the name that it declares."""
        self.enter()
        name, typed = self.entity()
        last = self.last
        if typed:
            self.encoding()
        self.last = last
        self.depth -= 1
        return name

    def entity(  # noqa: PLR0912 - a branch for each kind of special name
        self,
    ) -> tuple[Name | None, bool]:
        """The declared name, and whether the encoding of a variable or function follows."""
        self.expect(_QUESTION)
        if not self.ahead(b"?_") and not self.ahead(b"?@"):
            return self.qualified(leaf=True), True
        if self.take(b"?@"):  # the hash of a name that is too long
            self.until_at()
            return None, False
        if self.take(b"?_C@_"):  # a string literal: length, checksum, text
            self.pos += 1
            self.number()
            self.until_at()
            self.until_at()
            return None, False
        if self.take(b"?_R0"):
            name = self.type(qualified=self.take(b"?"))
            self.take(b"@8")
            return name, False
        if self.take(b"?__E") or self.take(b"?__F"):  # a variable's initialiser or destructor
            if not self.ahead(b"?"):
                return self.qualified(leaf=True), True
            name = self.symbol()
            self.take(b"@@")
            return name, True
        if any(self.take(table) for table in _TABLES):
            name = self.scopes([])
            self.pos += 2
            while not self.take(b"@"):  # the base classes
                self.qualified()
            return name, False
        if self.take(b"?_R1"):
            for _ in range(4):
                self.number()
        elif not any(map(self.take, (b"?_R2", b"?_R3", b"?_9", b"?_B", b"?__J"))):
            return self.qualified(leaf=True), True
        name = self.scopes([])
        if self.take(b"$B"):
            self.number()
            self.pos += 1
        elif self.take(b"5"):
            self.number()
        elif not self.take(b"4IA"):
            self.take(b"8")
        return name, False

    # --- names -----------------------------------------------------------------------------------

    def qualified(self, *, leaf: bool = False) -> Name | None:
        """A component and its scopes; with ``leaf``, the component may be an operator."""
        start, size = self.pos, self.size
        part = self.leaf() if leaf else self.component()
        last = self.text[start : self.pos], part, self.size - size
        name = self.scopes([part])
        self.last = last
        return name

    def scopes(self, parts: list[bytes]) -> Name | None:
        """Scopes, innermost first, up to ``@``; returns the name of ``parts`` in these scopes."""
        function: Name | None = None
        while not self.take(b"@"):
            if match := _LOCAL(self.text, self.pos):
                self.pos = match.end()
                function = self.symbol()
                parts = []
            else:
                parts.append(self.component())
        name = tuple(reversed(parts[-2:])) or function
        if name:
            self.found.add(name)
        return name

    def component(self) -> bytes:
        """One class or namespace."""
        text, start = self.text, self.pos
        if text.startswith(b"?$", start):
            part = self.template()
        elif text.startswith(b"?A", start):
            self.until_at()
            part = b"_GLOBAL__N_1"
            self.size += 22
        elif text[start : start + 1].isdigit():
            part, size = list(self.names.values())[text[start] - 48]
            self.pos += 1
            self.repeat(size)
            return part
        else:
            part = self.until_at()
            self.remember(part, part, len(part))
            return part
        self.remember(text[start : self.pos], part, len(part))
        return part

    def leaf(self) -> bytes:
        """The innermost component of a symbol, which may be an operator or a function template."""
        if self.ahead(b"?$"):
            return self.template()
        if not self.take(b"?"):
            return self.component()
        if self.take(b"__K"):
            self.until_at()
            return b"{operator}"
        code = b"" if self.take(b"__") or self.take(b"_") else self.text[self.pos : self.pos + 1]
        self.pos += 1
        return _STRUCTORS.get(code, b"{operator}")

    def template(self) -> bytes:
        """``?$``, a name and its arguments, with a numbering of their own."""
        self.enter()
        self.pos += 2
        outside = self.names, self.types
        self.names, self.types = {}, []
        part = self.leaf()
        while not self.take(b"@"):
            self.argument()
        self.names, self.types = outside
        self.depth -= 1
        return part

    def remember(self, key: bytes, part: bytes, size: int) -> None:
        """Number a component, so that a digit can repeat it."""
        if len(self.names) < _MEMORY:
            self.names.setdefault(key, (part, size))

    def until_at(self) -> bytes:
        """The text up to ``@``; skips the ``@``."""
        end = self.text.find(b"@", self.pos)
        if end <= self.pos:
            raise ManglingError
        part = self.text[self.pos : end]
        self.pos = end + 1
        self.size += len(part) + 2
        return part

    def number(self) -> int:
        """``0`` to ``9`` for 1 to 10, or hexadecimal digits ``A`` to ``P`` and ``@``.

        Returns the number without its sign.
        """
        text = self.text
        self.take(b"?")  # a minus
        value = 0
        for pos in range(self.pos, self.pos + _LONGEST_NUMBER):
            c = text[pos]
            if c in b"0123456789" and pos == self.pos:
                self.pos += 1
                return c - 47
            if c == _AT:
                self.pos = pos + 1
                return value
            if c not in b"ABCDEFGHIJKLMNOP":
                break
            value = value * 16 + c - 65
        raise ManglingError

    # --- types -----------------------------------------------------------------------------------

    def argument(self) -> None:
        """One template argument."""
        if any(map(self.take, (b"$S", b"$$V", b"$$$V", b"$$Z"))):  # an empty pack
            return
        if self.take(b"$$Y"):  # an alias template
            self.qualified()
        elif self.take(b"$$B"):
            self.type()
        elif self.take(b"$$C"):
            self.type(qualified=True)
        elif self.ahead(b"$$") or not self.take(b"$"):
            self.type()
        else:
            if self.take(b"M"):  # for an auto parameter: the type, then the value
                self.type()
            kind = self.text[self.pos]
            self.pos += 1
            if kind not in _VALUES:
                raise ManglingError
            if self.ahead(b"?") and kind not in b"0FG":
                self.symbol()
                self.remember(*self.last)
            for _ in range(_VALUES[kind]):
                self.number()

    def encoding(self) -> None:
        """After a symbol's name: the type of a variable or function."""
        code = self.text[self.pos]
        self.pos += 1
        if code in b"01234":
            self.type()
            self.extensions()
            member = self.text[self.pos] in _OF_A_MEMBER
            self.pos += 1
            if member:
                self.qualified()
        elif code == ord("$"):
            self.take(b"$J0")
            moves = 4 if self.take(b"R") else 2
            if self.text[self.pos] in b"012345":  # a thunk that adjusts through virtual bases
                self.pos += 1
                for _ in range(moves):
                    self.number()
                self.function(member=True)
            else:
                self.encoding()
        elif code in _FUNCTIONS:
            if code in b"GHOPWX":  # a thunk
                self.number()
            self.function(member=code not in b"CDKLSTYZ")
        elif code != ord("9"):  # 9: extern "C", without a type
            raise ManglingError

    def function(self, *, member: bool = False) -> None:
        """Qualifiers of this, calling convention, return type, parameters, noexcept."""
        if member:
            self.extensions()
            if self.text[self.pos] in b"GH":  # & and &&
                self.pos += 1
            self.pos += 1
        self.pos += 1
        if not self.take(b"@"):
            self.type(qualified=self.take(b"?"))
        if not self.take(b"X"):
            self.parameters()
        if not self.take(b"_E"):
            self.expect(_Z)

    def parameters(self) -> None:
        """Types up to ``@``, or to the ``Z`` of an ellipsis."""
        text = self.text
        while not (self.take(b"@") or self.take(b"Z")):
            start, size = self.pos, self.size
            if 48 <= text[start] <= 57:
                self.pos += 1
                self.repeat(self.types[text[start] - 48])
                continue
            self.type()
            if self.pos - start > 1 and len(self.types) < _MEMORY:
                self.types.append(self.size - size)

    def type(self, *, qualified: bool = False) -> Name | None:
        """Read a type, and return its class without pointers.

        A ``qualified`` type begins with a letter for const and volatile.
        """
        self.enter()
        text = self.text
        name: Name | None = None
        if qualified:
            self.extensions()
            if text[self.pos] not in _CONST_VOLATILE:
                raise ManglingError
            self.pos += 1
        c = text[self.pos]
        self.pos += 1
        self.size += 8
        if c in b"TUV":
            name = self.qualified()
        elif c == ord("W"):  # an enum, and its underlying type
            self.pos += 1
            name = self.qualified()
        elif c in b"ABPQRS":
            name = self.pointer()
        elif c == ord("Y"):
            self.array()
        elif c == ord("?"):
            name = self.qualified()
        elif c == _UNDERSCORE:
            self.pos += 1
        elif c == ord("$"):
            name = self.extended()
        elif c not in b"CDEFGHIJKMNOXZ":
            raise ManglingError
        self.depth -= 1
        return name

    def pointer(self) -> Name | None:
        """After the letter of a pointer or reference; returns the class that it points to."""
        if self.take(b"6"):
            self.function()
            return None
        if self.take(b"8"):
            self.qualified()
            self.function(member=True)
            return None
        self.extensions()
        if self.text[self.pos] in _OF_A_MEMBER:
            self.pos += 1
            self.qualified()
            self.type()
            return None
        return self.type(qualified=True)

    def extended(self) -> Name | None:
        """The types that begin with ``$``."""
        if self.take(b"$Q") or self.take(b"$R"):  # an rvalue reference
            return self.pointer()
        if self.take(b"$A6"):
            self.function()
        elif self.take(b"$A8@@"):
            self.function(member=True)
        elif self.take(b"$C"):
            return self.type(qualified=True)
        elif self.take(b"$B"):
            return self.type()
        elif not self.take(b"$T"):  # nullptr_t
            raise ManglingError
        return None

    def array(self) -> None:
        """After ``Y``: the number of dimensions, each of them, and the type of the elements."""
        for _ in range(self.number()):
            self.number()
        self.type()

    def extensions(self) -> None:
        """``E``: 64 bits, ``I``: restrict, ``F``: unaligned."""
        while self.text[self.pos] in b"EIF":
            self.pos += 1
