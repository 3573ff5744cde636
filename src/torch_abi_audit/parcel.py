"""Values of the model as plain ones, and back: what ``marshal`` can carry between two processes.

A record becomes a list of its class and its fields, a member of an enumeration a list of its class
and its text. Tuples, sets and mappings keep their shape, and all else stands for itself.
"""

from __future__ import annotations

import sys

from torch_abi_audit.record import MappingProxyType, is_record, put_together, taken_apart

_PLAIN = frozenset({str, bytes, int, bool, float, type(None)})


def pack(value: object) -> object:
    """The value in plain ones."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, tuple):
        return value if _PLAIN.issuperset(map(type, value)) else tuple(map(pack, value))
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


def unpack(plain: object) -> object:
    """What was packed."""
    if isinstance(plain, list):
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
