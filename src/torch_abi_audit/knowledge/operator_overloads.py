"""Which overload of an operator of ATen a C++ function calls, by its parameters.

The methods of ``at::Tensor`` and the functions of ``at`` are generated from the operators' schemas:
each parameter has the C++ type of the schema's argument. A few are written by hand, and call an
operator with its defaults.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from torch_abi_audit.knowledge import operators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch_abi_audit.knowledge.operators import Argument, Schema

_BY_HAND = {
    "operator+": "add",
    "operator-": "sub",
    "operator*": "mul",
    "operator/": "div",
    "operator%": "remainder",
    "operator&": "bitwise_and",
    "operator|": "bitwise_or",
    "operator^": "bitwise_xor",
    "operator<": "lt",
    "operator<=": "le",
    "operator>": "gt",
    "operator>=": "ge",
    "operator==": "eq",
    "operator!=": "ne",
    "operator~": "bitwise_not",
    "operator[]": "select",
    "operator+=": "add_",
    "operator-=": "sub_",
    "operator*=": "mul_",
    "operator/=": "div_",
    "operator&=": "bitwise_and_",
    "operator|=": "bitwise_or_",
    "operator^=": "bitwise_xor_",
}
"""C++ operators of ``at::Tensor`` to the operators that they call, in TensorBody.h and
TensorOperators.h."""
_OPTIONS = ("ScalarType?", "Layout?", "Device?", "bool?")
"""Arguments of a schema that are one ``c10::TensorOptions`` in C++."""
_SUFFIXES = (("_outf", False), ("_out", True))
"""Endings of functions that are given the tensor to write, and whether it is the first parameter
instead of the last."""

_WORDS = re.compile(r"\b(?:class|struct|enum|const|__ptr64|volatile)\b|[&\s]")
_SIZED = re.compile(r"\[\d+\]")
_PLAIN = {
    "at::Tensor": "Tensor",
    "at::TensorBase": "Tensor",
    "c10::Scalar": "Scalar",
    "at::Scalar": "Scalar",
    "long": "int",
    "longlong": "int",
    "__int64": "int",
    "c10::SymInt": "int",
    "double": "float",
    "bool": "bool",
    "c10::ScalarType": "ScalarType",
    "c10::Layout": "Layout",
    "c10::Device": "Device",
    "c10::MemoryFormat": "MemoryFormat",
    "at::Generator": "Generator",
    "at::Dimname": "Dimname",
    "c10::Storage": "Storage",
    "c10::Stream": "Stream",
    "c10::TensorOptions": "options",
    "caffe2::TypeMeta": "options",
}
_WRAPPERS = {
    "std::optional": "?",
    "std::__1::optional": "?",
    "c10::optional": "?",
    "c10::ArrayRef": "[]",
    "c10::List": "[]",
    "c10::IListRef": "[]",
    "std::vector": "[]",
    "std::__1::vector": "[]",
    "std::array": "[]",
    "std::__1::array": "[]",
    "c10::OptionalArrayRef": "[]?",
}


def operator(function: str, declared: str, *, member: bool) -> tuple[str, str | None] | None:
    """The operator that a function calls, as name and overload; None if it calls none.

    The overload is None if the parameters do not tell it. Without parameters it is the one that has
    no name, if there is one.

    Args:
        function: The name without its scope: ``add_``, ``mm_out``, ``operator+=``.
        declared: The declaration as a demangler prints it; empty if it is not known.
        member: Whether the function is a method, whose first argument is the object.
    """
    stated = parameters(declared)
    given = None if stated is None else tuple(_type(one) for one in stated)
    base = _BY_HAND.get(function, function)
    if function == "operator-" and given is not None and len(given) + member == 1:
        base = "neg"
    for name, first in _names(base):
        found = _schemas(name)
        if first is not None:
            found = tuple(one for one in found if _writes(one))
        if not found:
            continue
        for fits in (_equal, _older):
            for schema in found if given is not None else ():
                if _takes(schema, given or (), fits, member=member, first=first):
                    return name, schema.overload
        plain = [one for one in found if first is not None or not _writes(one)]
        if given is None and any(not one.overload for one in plain):
            return name, ""
        return name, plain[0].overload if len(plain) == 1 else None
    return None


def _names(function: str) -> Iterator[tuple[str, bool | None]]:
    """Names of the operators that a function may call, and the place of the tensor to write."""
    yield function, None
    plain = function.removesuffix("_symint")
    if plain != function:
        yield plain, None
    for ending, first in _SUFFIXES:
        if plain.endswith(ending):
            yield plain.removesuffix(ending), first


@cache
def _schemas(name: str) -> tuple[Schema, ...]:
    """The overloads of an operator in the newest release."""
    newest = operators.releases()[-1]
    found = (operators.schema(name, one, newest) for one in operators.overloads(name, newest))
    return tuple(one for one in found if one is not None)


def _writes(schema: Schema) -> bool:
    return any(one.written and one.keyword_only for one in schema.arguments)


def _equal(given: str, wanted: str) -> bool:
    return given == wanted


def _older(given: str, wanted: str) -> bool:
    """Whether a parameter is that of an older torch, where an argument was not yet optional."""
    return given in (wanted, wanted.removesuffix("?"))


def _takes(
    schema: Schema,
    given: tuple[str, ...],
    fits: Callable[[str, str], bool],
    *,
    member: bool,
    first: bool | None,
) -> bool:
    """Whether a function with these parameters calls an overload."""
    arguments = list(schema.arguments)
    if _writes(schema):
        if first is None:
            return False
        if first:
            out = [one for one in arguments if one.written and one.keyword_only]
            arguments = [*out, *(one for one in arguments if one not in out)]
    if member:
        if not arguments or arguments[0].name != "self":
            return False
        del arguments[0]
    at = 0
    for one in given:
        here = [_kind(argument) for argument in arguments[at : at + len(_OPTIONS)]]
        if one == "options" and tuple(here) == _OPTIONS:
            at += len(_OPTIONS)
        elif here and fits(one, here[0]):
            at += 1
        else:
            return False
    return all(argument.default is not None for argument in arguments[at:])


def _kind(argument: Argument) -> str:
    return _SIZED.sub("[]", argument.type).replace("SymInt", "int")


@lru_cache(maxsize=4096)
def parameters(declared: str) -> tuple[str, ...] | None:
    """The types of a declaration's parameters; None if it is not that of a function.

    They have no spaces, ``const``, ``class``, ``enum``, ``struct`` or ``&``.
    """
    text = declared.removesuffix("&").rstrip().removesuffix("const").rstrip()
    if not text.endswith(")"):
        return None
    depth, end = 0, len(text) - 1
    parts: list[str] = []
    for at in range(len(text) - 1, -1, -1):
        char = text[at]
        depth += (char in ")>]}") - (char in "(<[{")
        if (char == "," and depth == 1) or depth == 0:
            parts.append(_WORDS.sub("", text[at + 1 : end]))
            end = at
            if depth == 0:
                return () if parts in ([""], ["void"]) else tuple(reversed(parts))
    return None


def _type(text: str) -> str:
    """A C++ type without its qualifiers, as schemas name it; unchanged if they have no such one."""
    if "basic_string" in text or "c10::string_view" in text:
        return "str?" if "optional<" in text else "str"
    name, bracket, rest = text.partition("<")
    if not bracket:
        return _PLAIN.get(text, text)
    if (mark := _WRAPPERS.get(name)) is None:
        return text
    inner = rest.rpartition(">")[0]
    depth = 0
    for at, char in enumerate(inner):
        depth += (char == "<") - (char == ">")
        if char == "," and not depth:
            inner = inner[:at]
            break
    return _type(inner) + mark
