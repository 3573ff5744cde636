"""Qualified names in an Itanium-mangled symbol: ``_Z…``, of GCC, Clang, NVCC, on ELF and Mach-O.

A recursive-descent reader of the grammar in the Itanium C++ ABI, section 5.1. It walks the tokens
once, keeps the substitution table and notes the names it meets; it builds no text.
"""

from __future__ import annotations

from string import ascii_uppercase

from .cursor import Cursor, ManglingError, Name, NestingError
from .expressions import expression, literal

_STD = b"std"
_STANDARD = {
    ord("a"): (_STD, b"allocator"),
    ord("b"): (_STD, b"basic_string"),
    ord("s"): (_STD, b"basic_string"),
    ord("i"): (_STD, b"basic_istream"),
    ord("o"): (_STD, b"basic_ostream"),
    ord("d"): (_STD, b"basic_iostream"),
}
_OPERATORS = frozenset(
    b"aN aS aa ad an aw cl cm co dV da de dl ds dv eO eo eq ge gt ix lS le ls lt mI mL mi ml mm na "
    b"ne ng nt nw oR oo or pL pl pm pp ps pt qu rM rS rm rs ss".split()
)
_BUILTINS = b"vwbcahstijlmxynofdegz"
_LONGEST_NUMBER = 9
_ZERO, _NINE, _UNDERSCORE = b"09_"
_A, _B, _C, _D, _E, _F, _G, _H, _I, _J, _K, _L, _M = ascii_uppercase[:13].encode()
_N, _O, _P, _Q, _R, _S, _T, _U, _V, _W, _X, _Y, _Z = ascii_uppercase[13:].encode()


def owner(symbol: bytes) -> Name:
    """Where the declared entity lives; empty where nothing named is declared."""
    start = 2
    while symbol[start : start + 1] == b"Z":  # what is local to a function belongs with it
        start += 1
    for clang in (False, True):
        try:
            return Reader(symbol, start, clang=clang).entity() or ()
        except NestingError:
            return ()
        except (ValueError, IndexError):
            continue
    return ()


def mentions(symbol: bytes) -> frozenset[Name]:
    """Every qualified name in the symbol, at its outermost level."""
    for clang in (False, True):
        reader = Reader(symbol, 2, clang=clang)
        try:
            reader.encoding()
        except NestingError:
            return frozenset(reader.found)
        except (ValueError, IndexError):
            continue
        if reader.pos == len(symbol) or symbol[reader.pos] in b".@":  # a clone, a version
            return frozenset(reader.found)
    return frozenset()


class Reader(Cursor):
    """Reads one symbol; start it behind ``_Z``."""

    __slots__ = ("clang", "subs")

    def __init__(self, text: bytes, pos: int, *, clang: bool = False) -> None:
        super().__init__(text, pos)
        self.clang = clang
        """Whether a dependent name's scopes end with ``E``, as Clang has it, and GCC has not."""
        self.subs: list[Name | None] = []
        """The substitution table; None where an entry can head no qualified name."""

    def encoding(self) -> Name | None:
        """A function with its signature, a variable, or a special entity such as a vtable."""
        self.enter()
        owner = self.entity()
        text = self.text
        end = len(text)
        if self.take(b"Ua"):  # Clang's enable_if attribute
            self.identifier()
            self.arguments()
        while self.pos < end and (c := text[self.pos]) not in b"E.@":
            if c in _BUILTINS:
                self.pos += 1
            elif c == _Q:  # a trailing requires-clause
                self.pos += 1
                expression(self)
            else:
                self.type()
        self.depth -= 1
        return owner

    def entity(self) -> Name | None:  # noqa: PLR0912 - a branch for each letter of the grammar
        """What is declared, without its signature; None where that has no name."""
        text = self.text
        while True:
            c, kind = text[self.pos : self.pos + 2]
            if c == _T:
                self.pos += 2
                if kind in b"hv":  # thunks: the function they lead to follows
                    self.pos -= 1
                    self.call_offset()
                elif kind == ord("c"):
                    self.call_offset()
                    self.call_offset()
                elif kind in b"VTISFJ":
                    return self.type()
                elif kind in b"HW":
                    return self.name()
                elif kind == _C:  # construction vtable: of one class, within another
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
                if kind == _V and text[self.pos] <= _Z:  # _ZGVnN2v_sin is a function of C
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
        """``TA``: the object behind a template parameter of class type."""
        if kind != _A:
            raise ManglingError
        self.argument()

    def call_offset(self) -> None:
        """How far a thunk moves ``this``: ``h`` has one number, ``v`` two."""
        kind = self.text[self.pos]
        self.pos += 1
        self.number()
        self.expect(_UNDERSCORE)
        if kind == ord("v"):
            self.number()
            self.expect(_UNDERSCORE)
        elif kind != ord("h"):
            raise ManglingError

    def name(self, *, local: bool = False) -> Name | None:
        """A name with its template arguments; a ``local`` one heads no qualified name."""
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
            name = None if local else ()
            if c == _S:
                self.pos += 2
                name = _join(name, _STD)
            name = _join(name, self.unqualified())
            if self.ahead(b"I"):
                self.subs.append(name)
        if self.ahead(b"I"):
            self.arguments()
        if name:
            self.found.add(name)
        return name

    def nested(  # noqa: PLR0912 - a branch for each letter of the grammar
        self, *, local: bool = False
    ) -> Name | None:
        """``N … E``: a name with its enclosing scopes."""
        text, subs = self.text, self.subs
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
                subs.append(name)
            elif c == _I:
                self.arguments()
                subs.append(name)
            elif c == _S:
                if text[pos + 1] == ord("t"):
                    self.pos += 2
                    name = _join(name, _STD)
                else:
                    name = self.substitution()
            elif c == _M:  # the member whose initialiser holds the closure
                self.pos += 1
            elif c == _T:
                self.parameter()
                name = None
                subs.append(None)
            elif c == _D and text[pos + 1] in b"tT":
                self.decltype()
                name = None
                subs.append(None)
            else:
                name = _join(name, self.unqualified())
                subs.append(name)
            pos = self.pos
        self.pos = pos + 1
        if subs:
            subs.pop()  # the whole is a candidate only where it is a type: type() adds it there
        if name:
            self.found.add(name)
        return name

    def local(self) -> Name | None:
        """``Z <function> E <entity>``: an entity within a function; returns the function's name."""
        self.pos += 1
        owner = self.encoding()
        self.expect(_E)
        if self.take(b"s"):  # a string literal
            pass
        else:
            if self.take(b"d"):  # within a default argument, counted from the last
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
        """One component: an identifier, or in braces what stands for one."""
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

    def tags(self) -> None:
        """``B <identifier>``: ABI tags."""
        while self.take(b"B"):
            self.identifier()

    def unnamed(self) -> bytes:
        """``Ut`` an unnamed class, ``Ul … E`` a lambda and its parameters, ``Ub`` a block."""
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
        """The name of an operator: a code of two letters, some with more behind it."""
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
        """Template arguments, types or template parameters, up to and with ``E``."""
        text = self.text
        while (c := text[self.pos]) != _E:
            if c in _BUILTINS:
                self.pos += 1
            elif c in b"LXIJQT":
                self.argument()
            else:
                self.type()
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

    def type(  # noqa: PLR0912 - a branch for each letter of the grammar
        self, *, conversion: bool = False
    ) -> Name | None:
        """A type; returns the name of the class behind pointers, references and qualifiers.

        In a ``conversion`` operator's name, arguments behind ``T_`` are the operator's.
        """
        self.enter()
        wrappers = self.wrappers()
        text, subs = self.text, self.subs
        c = text[self.pos]
        name: Name | None = None
        fresh = True
        if c in _BUILTINS:
            self.pos += 1
            fresh = False
        elif c == _N:
            name = self.nested()
        elif c == _S and text[self.pos + 1] != ord("t"):
            name = self.substitution()
            fresh = self.ahead(b"I")
            if fresh:
                self.arguments()
            if name:
                self.found.add(name)
        elif c == _T and text[self.pos + 1] not in b"sue":
            self.parameter()
            if self.ahead(b"I") and not conversion:
                subs.append(None)
                self.arguments()
        elif c == _F:
            self.function()
        elif c == _M:
            self.pos += 1
            self.type()
            self.type()
        elif c == _D:
            fresh = self.extended()
        elif c == ord("u"):
            self.pos += 1
            self.identifier()
            if self.ahead(b"I"):
                self.arguments()
        elif c == _Z:
            name = self.local()
            if name and len(name) < 2:
                subs.append(None)  # foo()::Bar is no foo::Bar
                fresh = False
        else:
            if c == _T:  # struct, union or enum, spelled out
                self.pos += 2
            name = self.name()
        if fresh:
            subs.append(name)
        for _ in range(wrappers):
            subs.append(name)
        self.depth -= 1
        return name

    def wrappers(self) -> int:
        """Step over pointers, references, qualifiers, arrays and vectors; how many candidates."""
        text = self.text
        pos = self.pos
        count = 0
        while True:
            c = text[pos]
            if c in b"PROCG":
                pos += 1
                count += 1
            elif c in b"rVK":
                while text[pos] in b"rVK":
                    pos += 1
                if text[pos] != _F and not (text[pos] == _D and text[pos + 1] in b"oOwx"):
                    count += 1  # a qualified function type is one candidate
            elif c == _U and _ZERO <= text[pos + 1] <= _NINE:  # a vendor's qualifier
                self.pos = pos + 1
                self.identifier()
                if self.ahead(b"I"):
                    self.arguments()
                pos = self.pos
                if text[pos] not in b"UrVK":
                    count += 1
            elif c == _A or (c == _D and text[pos + 1] == ord("v")):
                self.pos = pos + (1 if c == _A else 2)
                self.bound(vector=c == _D)
                pos = self.pos
                count += 1
            elif c == _D and text[pos + 1] == ord("p"):
                pos += 2
                count += 1
            else:
                self.pos = pos
                return count

    def bound(self, *, vector: bool) -> None:
        """How long an array or vector is: a number, nothing, or an expression; then ``_``."""
        if self.take(b"_"):
            if not vector:
                return
            expression(self)
        elif _ZERO <= self.text[self.pos] <= _NINE:
            self.number()
            self.take(b"p")  # of AltiVec pixels
        else:
            expression(self)
        self.expect(_UNDERSCORE)

    def function(self) -> None:
        """``F [Y] <types> [R|O] E``."""
        text = self.text
        self.expect(_F)
        self.take(b"Y")
        while (c := text[self.pos]) != _E:
            if c in _BUILTINS or (c in b"RO" and text[self.pos + 1] == _E):
                self.pos += 1
            else:
                self.type()
        self.pos += 1

    def extended(self) -> bool:
        """The types behind ``D``; whether they are a substitution candidate."""
        text = self.text
        kind = text[self.pos + 1]
        if kind in b"tT":
            self.decltype()
            return True
        self.pos += 2
        if kind in b"ehfdisuacn":
            return False
        if kind == _F:  # _Float16, _Float32x, bfloat16
            self.number()
            self.pos += 1
            return False
        if kind in b"BU":  # _BitInt(N)
            self.bound(vector=False)
            return False
        if kind in b"kK":  # a constrained auto
            self.name()
            return False
        if kind == _O:  # functions: noexcept(expression), throw(types), noexcept, transaction-safe
            expression(self)
            self.expect(_E)
        elif kind == ord("w"):
            self.arguments_until_end()
        elif kind not in b"ox":
            raise ManglingError
        self.take(b"Dx")
        self.function()
        return True

    def decltype(self) -> None:
        """``Dt <expression> E``, ``DT <expression> E``."""
        self.pos += 2
        expression(self)
        self.expect(_E)

    def identifier(self) -> bytes:
        """A length in decimal and that many bytes."""
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
        return text[pos:end]

    def module(self) -> None:
        """``W <identifier>``, ``WP <identifier>``: one part of a C++20 module's name."""
        self.pos += 1
        self.take(b"P")
        self.identifier()

    def substitution(self) -> Name | None:
        """``S_``, ``S1_`` …: an earlier candidate; ``Sa``, ``Ss`` …: the standard ones."""
        self.pos += 1
        if name := _STANDARD.get(self.text[self.pos]):
            self.pos += 1
            self.tags()
            return name
        return self.subs[self.sequence()]

    def sequence(self) -> int:
        """A number in base 36, one less than its worth, or nothing for 0; and ``_``."""
        end = self.text.find(b"_", self.pos, self.pos + _LONGEST_NUMBER)
        digits = self.text[self.pos : end]
        self.pos = end + 1
        if end < 0 or (digits and not (digits.isalnum() and digits.upper() == digits)):
            raise ManglingError
        return int(digits, 36) + 1 if digits else 0

    def parameter(self) -> None:
        """``T_``, ``T1_``, ``TL0__1_``: a template parameter."""
        self.pos += 1
        if self.take(b"L"):
            self.number()
            self.expect(_UNDERSCORE)
        self.number()
        self.expect(_UNDERSCORE)

    def number(self) -> None:
        """Step over ``[n]`` and decimal digits, if there are any."""
        text, pos = self.text, self.pos
        end = len(text)
        if pos < end and text[pos] == ord("n"):
            pos += 1
        while pos < end and _ZERO <= text[pos] <= _NINE:
            pos += 1
        self.pos = pos


def _join(name: Name | None, part: bytes) -> Name | None:
    """``name`` with one more component, as far as two; None is never the head of a name."""
    return name if name is None or len(name) > 1 else (*name, part)
