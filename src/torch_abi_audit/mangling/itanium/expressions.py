"""Expressions in Itanium mangling: ``X … E`` arguments, ``decltype``, array bounds, literals.

An expression declares nothing, but the names in it are part of the symbol's text.
"""

from __future__ import annotations

from torch_abi_audit.mangling.cursor import ManglingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from torch_abi_audit.mangling.itanium.names import Reader

# The operands of a code: e an expression, t a type, i an identifier, * expressions up to E,
# A template arguments up to E.
_SHAPES = {
    "e": "ad aw az co da de dl ng nt nx ps sZ sz te tw",
    "ee": "aN aS aa an cm dV ds dt dv dx eO eo eq ge gt ix lS le ls lt mI mL mi ml ne oR oo or "
    "pL pl pm pt rM rS rm rs ss",
    "eee": "dX qu",
    "ie": "di",
    "t": "at st ti",
    "te": "cc dc rc sc",
    "": "tr",
    "*": "cl cp il",
    "t*": "tl",
    "A": "sP",
}
_OPERANDS = {code.encode(): shape for shape, codes in _SHAPES.items() for code in codes.split()}
_DIGITS = b"0123456789"
_LITERAL = b"0123456789abcdefn_."
_E = ord("E")


def literal(reader: Reader) -> None:
    """After ``L``: a value of any type, or the address of an entity."""
    if reader.take(b"_Z"):
        reader.encoding()
    else:
        reader.type()
        text = reader.text
        while text[reader.pos] in _LITERAL:
            reader.pos += 1
    reader.expect(_E)


def expression(reader: Reader) -> None:
    """One expression."""
    reader.enter()
    reader.take(b"gs")
    text = reader.text
    code = text[reader.pos : reader.pos + 2]
    if (shape := _OPERANDS.get(code)) is not None:
        reader.pos += 2
        _operands(reader, shape)
    elif (special := _SPECIAL.get(code)) is not None:
        reader.pos += 2
        special(reader)
    elif reader.take(b"L"):
        literal(reader)
    elif code[:1] == b"T":
        reader.parameter()
    elif code[:1] == b"f":
        reader.pos += 2
        _fold_or_parameter(reader, code)
    elif code[:1] == b"u":
        reader.pos += 1
        reader.identifier()
        reader.arguments_until_end()
    elif code[0] in _DIGITS or code in {b"dn", b"on"}:
        _base(reader)
    else:
        raise ManglingError
    reader.depth -= 1


def _operands(reader: Reader, shape: str) -> None:
    for operand in shape:
        if operand == "e":
            expression(reader)
        elif operand == "t":
            reader.type()
        elif operand == "i":
            reader.identifier()
        elif operand == "A":
            reader.arguments_until_end()
        else:
            _list(reader)


def _list(reader: Reader) -> None:
    while not reader.take(b"E"):
        expression(reader)


def _fold_or_parameter(reader: Reader, code: bytes) -> None:
    """``fp_``, ``fL0p_``: a function's parameter; ``fl``, ``fr``, ``fL``, ``fR``: a fold."""
    text = reader.text
    if code == b"fp" or (code == b"fL" and text[reader.pos] in _DIGITS):
        if code == b"fL":
            reader.number()
            reader.expect(ord("p"))
        if not reader.take(b"T"):  # this
            while text[reader.pos] in b"rVK":
                reader.pos += 1
            reader.number()
            reader.expect(ord("_"))
        return
    if code[1] not in b"lrLR":
        raise ManglingError
    reader.pos += 2  # the operator
    start = reader.size
    _operands(reader, "ee" if code[1] in b"LR" else "e")
    reader.expand(start)


def _expansion(reader: Reader) -> None:
    start = reader.size
    expression(reader)
    reader.expand(start)


def _step(reader: Reader) -> None:
    """``pp_``, ``mm_``: before the operand; ``pp``, ``mm``: after it."""
    reader.take(b"_")
    expression(reader)


def _conversion(reader: Reader) -> None:
    reader.type(conversion=True)
    if reader.take(b"_"):
        _list(reader)
    else:
        expression(reader)


def _new(reader: Reader) -> None:
    while not reader.take(b"_"):
        expression(reader)
    reader.type()
    if reader.take(b"E"):
        return
    if not (reader.take(b"pi") or reader.take(b"il")):
        raise ManglingError
    _list(reader)


def _scoped(reader: Reader) -> None:
    """After ``sr``: a name in a type, or (Clang) in scopes that ``E`` closes."""
    parts: tuple[bytes, ...] = ()
    if reader.text[reader.pos] in _DIGITS and reader.clang:
        while not reader.take(b"E"):
            parts += (_component(reader),)
    elif reader.clang and reader.take(b"N"):
        reader.type()
        while not reader.take(b"E"):
            _component(reader)
        _base(reader)
        return
    else:
        parts = reader.type() or ()
    last = _base(reader)
    if parts:
        reader.found.add((*parts, last)[:2])


def _component(reader: Reader) -> bytes:
    part = reader.identifier()
    if reader.ahead(b"I"):
        reader.arguments()
    return part


def _base(reader: Reader) -> bytes:
    """The last component: an identifier, an operator, a destructor."""
    if reader.take(b"on"):
        reader.operator()
        if reader.ahead(b"I"):
            reader.arguments()
        return b"{operator}"
    if reader.take(b"dn"):
        if reader.text[reader.pos] in _DIGITS:
            _component(reader)
        else:
            reader.type()
        return b"{destructor}"
    return _component(reader)


def _subobject(reader: Reader) -> None:
    """After ``so``: a part of an object, ``<type> <expression> [offset] [_ choice]… [p] E``."""
    reader.type()
    expression(reader)
    reader.number()
    while reader.take(b"_"):
        reader.number()
    reader.take(b"p")
    reader.expect(_E)


def _requires(reader: Reader) -> None:
    """After ``rq``: ``X`` expressions, ``T`` types and ``Q`` constraints up to ``E``."""
    while not reader.take(b"E"):
        if reader.take(b"T"):
            reader.type()
        elif reader.take(b"Q"):
            expression(reader)
        else:
            reader.expect(ord("X"))
            expression(reader)
            reader.take(b"N")
            if reader.take(b"R"):
                reader.name()


def _requires_of(reader: Reader) -> None:
    """After ``rQ``: parameters, ``_``, then the same as after ``rq``."""
    while not reader.take(b"_"):
        reader.type()
    _requires(reader)


_SPECIAL: dict[bytes, Callable[[Reader], None]] = {
    b"cv": _conversion,
    b"mm": _step,
    b"na": _new,
    b"nw": _new,
    b"pp": _step,
    b"rq": _requires,
    b"rQ": _requires_of,
    b"so": _subobject,
    b"sp": _expansion,
    b"sr": _scoped,
}
