"""Values of the model as plain ones, and back: what ``marshal`` can carry between two processes.

A record becomes a list of its class and its fields, a member of an enumeration a list of its class
and its text, a long tuple of texts or of bytes a list of what it holds and all of it in one. Other
tuples, sets and mappings keep their shape, and all else stands for itself.
"""

from __future__ import annotations

import sys

from torch_abi_audit.record import MappingProxyType, is_record, put_together, taken_apart

_SHORT = 16
_PLAIN = frozenset({str, bytes, int, bool, float, type(None)})


def pack(value: object) -> object:
    """The value in plain ones."""
    kind = type(value)
    if kind in _PLAIN or value == ():  # most fields
        return value
    if isinstance(value, tuple):
        return _packed_tuple(value)
    if isinstance(value, frozenset):
        return value
    if isinstance(value, (dict, MappingProxyType)):
        return {key: pack(each) for key, each in value.items()}
    where = f"{kind.__module__}:{kind.__qualname__}"
    if is_record(value):
        return [where, *map(pack, taken_apart(value))]
    if isinstance(value, str):
        return [where, str(value)]
    raise TypeError(f"{where} cannot be packed")


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
    if type(plain) in _PLAIN or plain == ():
        return plain
    if isinstance(plain, list):
        if plain[0] == "str":
            return tuple(plain[1].split("\0"))
        if plain[0] == "bytes":
            return tuple(plain[1].split(b"\0"))
        module, _, name = str(plain[0]).partition(":")
        __import__(module)
        made = getattr(sys.modules[module], name)
        if is_record(made):
            return put_together(made, map(unpack, plain[1:]))
        return made(plain[1])
    if isinstance(plain, dict):
        return {key: unpack(each) for key, each in plain.items()}
    if isinstance(plain, tuple) and not _PLAIN.issuperset(map(type, plain)):
        return tuple(map(unpack, plain))
    return plain
