"""Qualified names in Itanium-mangled symbols: ``_Z…``, from GCC, Clang and NVCC, in ELF and Mach-O.

A recursive-descent parser for the grammar in the Itanium C++ ABI, section 5.1. It reads the tokens
once, keeps the substitution table and collects the names; it does not build the demangled text.
"""

from __future__ import annotations

from torch_abi_audit.mangling.cursor import ManglingError, Name, NestingError
from torch_abi_audit.mangling.itanium.expressions import expression, literal
from torch_abi_audit.mangling.itanium.tokens import BUILTINS, Tokens
from torch_abi_audit.mangling.itanium.types import decltype, read_type

_OPERATORS = frozenset(
    b"aN aS aa ad an aw cl cm co dV da de dl ds dv eO eo eq ge gt ix lS le ls lt mI mL mi ml mm na "
    b"ne ng nt nw oR oo or pL pl pm pp ps pt qu rM rS rm rs ss".split()
)
_NINE, _UNDERSCORE = b"9_"
_A, _B, _C, _D, _E, _G, _I, _L, _M, _N, _Q, _R, _S, _T, _U, _V, _W, _X, _Z = b"ABCDEGILMNQRSTUVWXZ"


def owner(symbol: bytes) -> Name:
    """The qualified name of the declared entity; empty if it has no name."""
    if b"sr" not in symbol:  # with "sr", only a parse to the end shows which dialect is right
        start = 2
        while symbol[start : start + 1] == b"Z":  # a local entity belongs to its function
            start += 1
        try:
            return Reader(symbol, start).entity() or ()
        except NestingError:
            return ()
        except (ValueError, IndexError):
            pass
    reader = _read(symbol)
    return reader.owner if reader else ()


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
    for clang in (False, True):
        reader = Reader(symbol, 2, clang=clang)
        try:
            reader.owner = reader.encoding() or ()
        except NestingError:
            return reader
        except (ValueError, IndexError):
            continue
        if reader.pos == len(symbol) or symbol[reader.pos] in b".@$":  # a clone, version, $tlv$init
            return reader
    return None


class Reader(Tokens):
    """A parser for one symbol; it starts after ``_Z``."""

    __slots__ = ("clang", "owner")

    def __init__(self, text: bytes, pos: int, *, clang: bool = False) -> None:
        super().__init__(text, pos)
        self.clang = clang
        """Whether to parse Clang's dialect where it differs from GCC's: ``E`` closes the scopes of
        a dependent name, and a substitution may refer to ``auto``."""
        self.owner: Name = ()
        """The qualified name of the declared entity, set after the whole symbol is read."""

    def encoding(self) -> Name | None:
        """A function with its signature, a variable, or a special entity such as a vtable."""
        self.enter()
        owner = self.entity()
        text = self.text
        end = len(text)
        if self.take(b"Ua"):  # Clang's enable_if attribute
            self.identifier()
            self.arguments()
        while self.pos < end and (c := text[self.pos]) not in b"E.@$":
            if c in BUILTINS:
                self.pos += 1
                self.size += 8
            elif c == _Q:  # a trailing requires-clause
                self.pos += 1
                expression(self)
            else:
                self.type()
        self.depth -= 1
        return owner

    def entity(self) -> Name | None:  # noqa: PLR0912 - a branch for each letter of the grammar
        """The declared entity without its signature; None if it has no name."""
        text = self.text
        while True:
            c, kind = text[self.pos : self.pos + 2]
            if c == _T:
                self.pos += 2
                if kind in b"hv":  # thunks: followed by the function that they call
                    self.pos -= 1
                    self.call_offset()
                elif kind == ord("c"):
                    self.call_offset()
                    self.call_offset()
                elif kind in b"VTISFJ":
                    return self.type()
                elif kind in b"HW":
                    return self.name()
                elif kind == _C:  # the construction vtable of one class in another
                    owner = self.type()
                    self.number()
                    self.expect(_UNDERSCORE)
                    self.type()
                    return owner
                else:
                    self.template_object(kind)
                    return None
            elif c == _G:
                self.pos += 2
                if kind == _V and text[self.pos] <= _Z:  # but _ZGVnN2v_sin is a C function
                    return self.name()
                if kind == _R:
                    owner = self.name()
                    self.sequence()
                    return owner
                if kind == _I:
                    while self.ahead(b"W"):
                        self.module()
                    return None
                if kind == _T:  # a transactional clone
                    self.pos += 1
                elif kind != _A:
                    raise ManglingError
            else:
                return self.name()

    def template_object(self, kind: int) -> None:
        """``TA``: the object of a template parameter with class type."""
        if kind != _A:
            raise ManglingError
        self.argument()

    def name(self, *, local: bool = False) -> Name | None:
        """A name with its template arguments; a ``local`` one starts no qualified name."""
        text = self.text
        c = text[self.pos]
        if c == _N:
            return self.nested(local=local)
        if c == _Z:
            return self.local()
        name: Name | None
        if c == _S and text[self.pos + 1] != ord("t"):
            name = self.substitution()
        else:
            start = self.size
            name = None if local else ()
            if c == _S:
                self.pos += 2
                name = _join(name, b"std")
            name = _join(name, self.unqualified())
            if self.ahead(b"I"):
                self.candidate(name, start)
        if self.ahead(b"I"):
            self.arguments()
        if name:
            self.found.add(name)
        return name

    def nested(  # noqa: PLR0912 - a branch for each letter of the grammar
        self, *, local: bool = False
    ) -> Name | None:
        """``N … E``: a name with its enclosing scopes, each a candidate for substitution."""
        text, subs, start = self.text, self.subs, self.size
        pos = self.pos + 1
        while text[pos] in b"rVKROH":
            pos += 1
        name: Name | None = None if local else ()
        while (c := text[pos]) != _E:
            self.pos = pos
            if c <= _NINE:
                name = _join(name, self.identifier())
                if text[self.pos] == _B:
                    self.tags()
                subs.append((name, self.size - start))
            elif c == _I:
                self.arguments()
                subs.append((name, self.size - start))
            elif c == _S:
                if text[pos + 1] == ord("t"):
                    self.pos += 2
                    name = _join(name, b"std")
                else:
                    name = self.substitution()
            elif c == _M:  # a member whose initialiser contains the closure
                self.pos += 1
            elif c == _T:
                self.parameter()
                name = None
                self.candidate(None, start)
            elif c == _D and text[pos + 1] in b"tT":
                decltype(self)
                name = None
                self.candidate(None, start)
            else:
                name = _join(name, self.unqualified())
                self.candidate(name, start)
            pos = self.pos
        self.pos = pos + 1
        if subs:
            subs.pop()  # the whole name is only a candidate if it is a type, which the caller adds
        if name:
            self.found.add(name)
        return name

    def local(self) -> Name | None:
        """``Z <function> E <entity>``: an entity in a function; returns the function's name."""
        self.pos += 1
        owner = self.encoding()
        self.expect(_E)
        if not self.take(b"s"):  # a string literal
            if self.take(b"d"):  # in a default argument, counted from the last
                self.number()
                self.expect(_UNDERSCORE)
            self.name(local=True)
        if self.take(b"__"):
            self.number()
            self.expect(_UNDERSCORE)
        elif self.take(b"_"):
            self.number()
        return owner

    def unqualified(self) -> bytes:
        """One component: an identifier, or a replacement for one in braces."""
        text = self.text
        while text[self.pos] == _W:
            self.module()
        while text[self.pos] in b"FL":  # a friend; internal linkage
            self.pos += 1
        c = text[self.pos]
        if c <= _NINE:
            part = self.identifier()
        elif c == _U:
            part = self.unnamed()
        elif c == _C:
            part = b"{constructor}"
            self.pos += 1
            inherited = self.take(b"I")
            self.pos += 1
            if inherited:
                self.type()
        elif self.take(b"DC"):
            part = b"{binding}"
            while not self.take(b"E"):
                self.identifier()
        elif c == _D:
            part = b"{destructor}"
            self.pos += 2
        else:
            part = b"{operator}"
            self.operator()
        self.tags()
        return part

    def unnamed(self) -> bytes:
        """``Ut``: an unnamed class, ``Ul … E``: a lambda and its parameters, ``Ub``: a block."""
        kind = self.text[self.pos + 1]
        self.pos += 2
        if kind == ord("l"):
            self.arguments_until_end()
        elif kind not in b"tb":
            raise ManglingError
        self.number()
        self.expect(_UNDERSCORE)
        return b"{lambda}" if kind == ord("l") else b"{unnamed}"

    def operator(self) -> None:
        """The name of an operator: a code of two letters, in some cases followed by more."""
        code = self.text[self.pos : self.pos + 2]
        self.pos += 2
        if code == b"cv":
            self.type(conversion=True)
        elif code == b"li" or (code[:1] == b"v" and code[1:].isdigit()):
            self.identifier()
        elif code not in _OPERATORS:
            raise ManglingError

    def arguments(self) -> None:
        """``I … E``, ``J … E``: template arguments."""
        self.pos += 1
        self.arguments_until_end()

    def arguments_until_end(self) -> None:
        """Template arguments, types or template parameters, up to and including ``E``."""
        text = self.text
        count = 0
        while (c := text[self.pos]) != _E:
            count += 1
            start = self.size
            if c in BUILTINS:
                self.pos += 1
                self.size += 8
            elif c in b"LXIJQT":
                self.argument()
            else:
                self.type()
            self.widest = max(self.widest, self.size - start)
        self.most = max(self.most, count)
        self.pos += 1

    def argument(self) -> None:
        """One template argument: a type, an expression, a literal, a pack."""
        text = self.text
        c = text[self.pos]
        if c == _L:
            self.pos += 1
            literal(self)
        elif c == _X:
            self.pos += 1
            expression(self)
            self.expect(_E)
        elif c in b"IJ":
            self.enter()
            self.arguments()
            self.depth -= 1
        elif c == _Q:  # a requires-clause
            self.pos += 1
            expression(self)
        elif c == _T and text[self.pos + 1] in b"yntpk":
            self.declared_parameter()
        else:
            self.type()

    def declared_parameter(self) -> None:
        """``Ty``, ``Tn <type>``, ``Tt … E``, ``Tp …``, ``Tk <concept>``: a template parameter."""
        self.enter()
        kind = self.text[self.pos + 1]
        self.pos += 2
        if kind == ord("n"):
            self.type()
        elif kind == ord("p"):
            self.declared_parameter()
        elif kind == ord("k"):
            self.name()
        elif kind == ord("t"):
            self.arguments_until_end()
        self.depth -= 1

    type = read_type


def _join(name: Name | None, part: bytes) -> Name | None:
    """``name`` with one more component, up to two of them; None stays None."""
    return name if name is None or len(name) > 1 else (*name, part)
