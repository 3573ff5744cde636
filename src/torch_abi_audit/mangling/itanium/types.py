"""Types in Itanium mangling, such as pointers, arrays and functions, and their classes."""

from __future__ import annotations

from torch_abi_audit.mangling.cursor import MAX_DEPTH, ManglingError, Name, NestingError
from torch_abi_audit.mangling.itanium.expressions import expression
from torch_abi_audit.mangling.itanium.tokens import BUILTINS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.mangling.itanium.names import Reader

_WRAPPED = 4
"""Approximate characters that a pointer, reference or qualifier adds to a type's text."""
_ZERO, _NINE, _UNDERSCORE = b"09_"
_A, _D, _E, _F, _I, _M, _N, _O, _S, _T, _U, _Z = b"ADEFIMNOSTUZ"


def read_type(  # noqa: PLR0912, PLR0915 - a branch for each letter of the grammar
    reader: Reader, *, conversion: bool = False
) -> Name | None:
    """Read a type, and return the name of its class without pointers, references and qualifiers.

    In the name of a ``conversion`` operator, arguments after ``T_`` belong to the operator.
    """
    reader.enter()
    start = reader.size
    wrappers = _wrappers(reader)
    text = reader.text
    c = text[reader.pos]
    name: Name | None = None
    fresh = True
    if c in BUILTINS:
        reader.pos += 1
        reader.size += 8
        fresh = False
    elif c == _N:
        name = reader.nested()
    elif c == _S and text[reader.pos + 1] != ord("t"):
        name = reader.substitution()
        fresh = reader.ahead(b"I")
        if fresh:
            reader.arguments()
        if name:
            reader.found.add(name)
    elif c == _T and text[reader.pos + 1] not in b"sue":
        reader.parameter()
        if reader.ahead(b"I") and not conversion:
            reader.candidate(None, start)
            reader.arguments()
    elif c == _F:
        _function(reader)
    elif c == _M:
        reader.pos += 1
        read_type(reader)
        read_type(reader)
    elif c == _D:
        fresh = _extended(reader)
    elif c == ord("u"):
        reader.pos += 1
        reader.identifier()
        if reader.ahead(b"I"):
            reader.arguments()
    elif c == _Z:
        name = reader.local()
        fresh = False
        reader.candidate(name if name and len(name) > 1 else None, start)  # f()::A is not f::A
    else:
        if c == _T:  # an elaborated type: struct, union or enum
            reader.pos += 2
        name = reader.name()
    if fresh:
        reader.candidate(name, start)
    for _ in range(wrappers):
        reader.size += _WRAPPED
        reader.candidate(name, start)
    reader.depth -= 1
    return name


def decltype(reader: Reader) -> None:
    """``Dt <expression> E``, ``DT <expression> E``."""
    reader.pos += 2
    expression(reader)
    reader.expect(_E)


def _wrappers(reader: Reader) -> int:
    """Skip pointers, references, qualifiers, arrays and vectors; returns their candidates' count.

    Raises:
        NestingError: there are more than ``MAX_DEPTH``.
    """
    text = reader.text
    pos = reader.pos
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
                count += 1  # a qualified function type is one candidate, not two
        elif c == _U and _ZERO <= text[pos + 1] <= _NINE:  # a vendor's qualifier
            reader.pos = pos + 1
            reader.identifier()
            if reader.ahead(b"I"):
                reader.arguments()
            pos = reader.pos
            if text[pos] not in b"UrVK":
                count += 1
        elif c == _A or (c == _D and text[pos + 1] == ord("v")):
            reader.pos = pos + (1 if c == _A else 2)
            _bound(reader, vector=c == _D)
            pos = reader.pos
            count += 1
        else:
            reader.pos = pos
            if count > MAX_DEPTH:
                raise NestingError
            return count


def _bound(reader: Reader, *, vector: bool) -> None:
    """The bound of an array or vector: a number, nothing, or an expression; then ``_``."""
    if reader.take(b"_"):
        if not vector:
            return
        expression(reader)
    elif _ZERO <= reader.text[reader.pos] <= _NINE:
        reader.number()
    else:
        expression(reader)
    reader.expect(_UNDERSCORE)
    if vector:
        reader.take(b"p")  # of AltiVec pixels


def _function(reader: Reader) -> None:
    """``F [Y] <types> [R|O] E``."""
    text = reader.text
    reader.expect(_F)
    reader.take(b"Y")
    while (c := text[reader.pos]) != _E:
        if c in BUILTINS or (c in b"RO" and text[reader.pos + 1] == _E):
            reader.pos += 1
            reader.size += 8
        else:
            read_type(reader)
    reader.pos += 1


def _extended(reader: Reader) -> bool:
    """The types that begin with ``D``; returns whether the type is a candidate."""
    kind = reader.text[reader.pos + 1]
    if kind in b"tT":
        decltype(reader)
        return True
    reader.pos += 2
    if kind == ord("p"):  # a pack expansion
        start = reader.size
        read_type(reader)
        reader.expand(start)
        return True
    reader.size += 10
    if kind in b"ehfdisuacn":
        return reader.clang and kind in b"ac"
    if kind == _F:  # _Float16, _Float32x, std::bfloat16_t
        reader.number()
        reader.pos += 1
        return False
    if kind in b"BU":  # _BitInt(N)
        _bound(reader, vector=False)
        return False
    if kind in b"kK":  # a constrained auto
        reader.name()
        return False
    if kind == _O:  # functions: noexcept(expression), throw(types), noexcept, transaction-safe
        expression(reader)
        reader.expect(_E)
    elif kind == ord("w"):
        reader.arguments_until_end()
    elif kind not in b"ox":
        raise ManglingError
    reader.take(b"Dx")
    _function(reader)
    return True
