"""Values of the model as plain ones, and back: what ``marshal`` can carry between two processes.

A record becomes a list of its class and its fields, a member of an enumeration a list of its class
and its text, a long tuple of texts or of bytes a list of what it holds and all of it in one. Other
tuples, sets and mappings keep their shape, and all else stands for itself.
"""

from __future__ import annotations

import sys

from torch_abi_audit.runtime.records import MappingProxyType, is_record, put_together, taken_apart

_SHORT = 16
_PLAIN = frozenset({str, bytes, int, bool, float, type(None)})


def pack(value: object) -> object:
    """The value in plain ones."""
    kind = type(value)
    if kind in _PLAIN or value == ():  # most fields
        return value
    if kind is tuple:
        return _packed_tuple(value)  # type: ignore[arg-type]
    if is_record(kind):
        fields = taken_apart(value)
        return [_name(kind), *(one if type(one) in _PLAIN else pack(one) for one in fields)]
    if isinstance(value, frozenset):
        return value
    if isinstance(value, (dict, MappingProxyType)):
        return {key: pack(each) for key, each in value.items()}
    if isinstance(value, str):
        return [_name(kind), str(value)]
    raise TypeError(f"{_name(kind)} cannot be packed")


def _name(kind: type) -> str:
    """Where a class is found."""
    return f"{kind.__module__}:{kind.__qualname__}"


def _packed_tuple(value: tuple[object, ...]) -> object:
    kinds = set(map(type, value))
    if len(value) > _SHORT and kinds in ({str}, {bytes}):
        nul = b"\0" if kinds == {bytes} else "\0"
        joined = nul.join(value)  # type: ignore[arg-type]
        if joined.count(nul) == len(value) - 1:  # type: ignore[arg-type]
            return [type(joined).__name__, joined]
    return value if _PLAIN.issuperset(kinds) else tuple(map(pack, value))


def unpack(plain: object) -> object:
    """What was packed."""
    kind = type(plain)
    if kind in _PLAIN or plain == ():
        return plain
    if isinstance(plain, list):
        if plain[0] == "str":
            return tuple(plain[1].split("\0"))
        if plain[0] == "bytes":
            return tuple(plain[1].split(b"\0"))
        made = _found(plain[0])
        if is_record(made):
            fields = (one if type(one) in _PLAIN else unpack(one) for one in plain[1:])
            return put_together(made, fields)
        return made(plain[1])
    if isinstance(plain, dict):
        return {key: unpack(each) for key, each in plain.items()}
    if isinstance(plain, tuple) and not _PLAIN.issuperset(map(type, plain)):
        return tuple(map(unpack, plain))
    return plain


def _found(name: str) -> type:
    """The class of a name that was packed."""
    found = _classes.get(name)
    if found is None:
        module, _, inner = name.partition(":")
        __import__(module)
        found = _classes[name] = getattr(sys.modules[module], inner)
    return found


_classes: dict[str, type] = {}
