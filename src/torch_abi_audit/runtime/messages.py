"""Converts values of the model to builtin ones that ``marshal`` can serialize, and back.

A record becomes a list of its class and its fields, a member of an enumeration a list of its class
and its text. The items of a long tuple of ``str``, of ``bytes`` or of members of one enumeration
are joined into one value, since there may be a hundred thousand of them. The same applies to long
sets and to the keys and values of long mappings. Short tuples, sets and mappings keep their type.
All other values are unchanged.
"""

from __future__ import annotations

import sys

from torch_abi_audit.runtime.records import MappingProxyType, is_record, put_together, taken_apart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHORT = 16
_PLAIN = frozenset({str, bytes, int, bool, float, type(None)})
_JOINED, _SET, _MAPPING = "joined", "set", "mapping"
"""Markers that replace the class in lists that stand for tuples, sets and mappings."""


def pack(value: object) -> object:
    """Convert a value to builtin ones.

    Raises:
        TypeError: the value is or contains one of an unsupported type.
    """
    kind = type(value)
    if kind in _PLAIN or value == ():  # most fields
        return value
    if kind is tuple:
        return _packed_tuple(value)  # type: ignore[arg-type]
    if is_record(kind):
        fields = taken_apart(value)
        return [_name(kind), *(one if type(one) in _PLAIN else pack(one) for one in fields)]
    if isinstance(value, frozenset):
        return [_SET, _packed_tuple(tuple(value))] if len(value) > _SHORT else value
    if isinstance(value, (dict, MappingProxyType)):
        if len(value) > _SHORT:
            return [_MAPPING, _packed_tuple(tuple(value)), _packed_tuple(tuple(value.values()))]
        return {key: pack(each) for key, each in value.items()}
    if isinstance(value, str):
        return [_name(kind), str(value)]
    raise TypeError(f"{_name(kind)} cannot be packed")


def _name(kind: type) -> str:
    """Return the module and the qualified name of a class."""
    return f"{kind.__module__}:{kind.__qualname__}"


def _packed_tuple(value: tuple[object, ...]) -> object:
    kinds = set(map(type, value))
    if len(value) > _SHORT and len(kinds) == 1:
        (kind,) = kinds
        if kind is bytes or issubclass(kind, str):
            nul = b"\0" if kind is bytes else "\0"
            joined = nul.join(value)  # type: ignore[arg-type]
            if joined.count(nul) == len(value) - 1:  # type: ignore[arg-type]
                return [_JOINED, None if kind in _PLAIN else _name(kind), joined]
    return value if _PLAIN.issuperset(kinds) else tuple(map(pack, value))


def unpack(plain: object) -> object:
    """Return the value that was packed."""
    kind = type(plain)
    if kind in _PLAIN or plain == ():
        return plain
    if isinstance(plain, list):
        return _unpacked(*plain)
    if isinstance(plain, dict):
        return {key: unpack(each) for key, each in plain.items()}
    if isinstance(plain, tuple) and not _PLAIN.issuperset(map(type, plain)):
        return tuple(map(unpack, plain))
    return plain


def _unpacked(name: str, *fields: Any) -> object:  # noqa: ANN401 - as many types as fields
    """Return the value that a list stands for."""
    if name == _JOINED:
        kind, joined = fields
        parts = joined.split("\0" if isinstance(joined, str) else b"\0")
        return tuple(parts if kind is None else map(_members(kind).__getitem__, parts))
    if name == _SET:
        return frozenset(unpack(fields[0]))  # type: ignore[call-overload]
    if name == _MAPPING:
        return dict(zip(*map(unpack, fields), strict=True))
    made = _found(name)
    if is_record(made):
        return put_together(made, (one if type(one) in _PLAIN else unpack(one) for one in fields))
    return made(fields[0])


def _members(name: str) -> dict[str, str]:
    """Map texts to members of the enumeration with a packed name."""
    return {str(one): one for one in _found(name)}  # type: ignore[attr-defined]


def _found(name: str) -> type:
    """Return the class with a packed name."""
    found = _classes.get(name)
    if found is None:
        module, _, inner = name.partition(":")
        __import__(module)
        found = _classes[name] = getattr(sys.modules[module], inner)
    return found


_classes: dict[str, type] = {}
